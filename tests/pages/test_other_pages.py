from collections.abc import Callable
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.jobs.job_table import JobStore
from core.workspace import Workspace

Open = Callable[..., AppTest]


def test_catalogs_are_listed_and_deleted(app: Open, shop: Workspace) -> None:
    test = app("../pages/catalogs.py")
    assert any("60 items · 60 pictures" in one.value for one in test.markdown)
    catalog = shop.catalogs.find("Shop")
    test.button(key=f"delete-{catalog.id}").click().run()
    test.button(key="delete-go").click().run()
    assert not test.exception and shop.catalogs.list() == ()


def test_another_model_is_encoded_in_the_background(app: Open, shop: Workspace) -> None:
    test = app("../pages/catalogs.py")
    test.button(key=f"switch-{shop.catalogs.find('Shop').id}").click().run()
    test.button(key="switch-go").click().run()
    (job,) = JobStore(shop.database).live()
    assert job.kind == "encode" and job.payload["catalog"] == "Shop"


def test_activity_shows_every_state(app: Open, workspace: Workspace) -> None:
    assert "Nothing has been started" in app("../pages/activity.py").info[0].value
    jobs = JobStore(workspace.database)
    for state in ("done", "failed", "cancelled"):
        jobs.submit("import", f"Job {state}", {}, key=state)
        claimed = jobs.claim("w")
        assert claimed is not None
        jobs.finish(claimed.id, "w", state, message="A sentence.")  # type: ignore[arg-type]
    jobs.submit("import", "Job waiting", {}, key="waiting")
    test = app("../pages/activity.py")
    words = " ".join(one.value for one in test.markdown)
    assert all(f"Job {state}" in words for state in ("done", "failed", "cancelled", "waiting"))
    assert [button.label for button in test.button].count("Go on") == 2


def test_an_ended_job_leads_to_its_catalogue_and_can_be_removed(app: Open, shop: Workspace) -> None:
    jobs = JobStore(shop.database)
    job = jobs.submit("import", "Import “Shop”", {"catalog": "Shop"}, key="k")
    gone = jobs.submit("audit", "Audit of what is gone", {"catalog": "Gone"}, key="g")
    for _ in range(2):
        claimed = jobs.claim("w")
        assert claimed is not None
        jobs.finish(claimed.id, "w", "done")
    waiting = jobs.submit("rebuild", "Rebuild", {}, key="r")
    test = app("../pages/activity.py")
    links = [(one.proto.label, one.proto.query_string) for one in test.get("page_link")]
    assert ("Look at its items", "catalog=Shop") in links and "Read the report" not in [label for label, _ in links]
    assert "1 waiting" in [label for label, _ in links], "what waits is not at work"
    assert sum("Ended just now" in one.value for one in test.caption) == 2
    assert not [one for one in test.button if one.key == f"remove-{waiting.id}"]
    test.button(key=f"remove-{job.id}").click().run()
    test.button(key="remove-go").click().run()
    assert not test.exception and {one.id for one in jobs.list()} == {gone.id, waiting.id}


def test_rebuilding_asks_first(app: Open, shop: Workspace) -> None:
    test = app("../pages/catalogs.py")
    test.button(key="rebuild").click().run()
    assert JobStore(shop.database).live() == ()
    test.button(key="rebuild-go").click().run()
    (job,) = JobStore(shop.database).live()
    assert not test.exception and job.kind == "rebuild"


def test_a_catalogue_that_is_deleted_is_no_longer_named_by_the_address(app: Open, shop: Workspace) -> None:
    test = app("../pages/catalogs.py", catalog="Shop")
    test.button(key=f"delete-{shop.catalogs.find('Shop').id}").click().run()
    test.button(key="delete-go").click().run()
    assert not test.exception and not test.query_params.get("catalog")


def test_the_sample_button_starts_one_job(app: Open, workspace: Workspace) -> None:
    test = app("../pages/catalogs.py")
    test.button(key="load-sample").click().run()
    assert not test.exception
    test.run()
    (job,) = JobStore(workspace.database).live()
    assert job.payload["catalog"] == "Sample shop"


def test_what_waits_says_for_what_and_for_how_long(app: Open, shop: Workspace) -> None:
    jobs = JobStore(shop.database)
    train = jobs.submit("train", "Train Shop", {"catalog": "Shop"}, key="t")
    assert jobs.claim("w") is not None
    assert [bar.proto.text for bar in app("../pages/catalogs.py").get("progress")] == ["Beginning"]
    jobs.report(train.id, "w", stage="Training", done=10, total=130, rate=1.0)
    jobs.submit("audit", "Audit Shop", {"catalog": "Shop"}, key="a")
    bars = [bar.proto.text for bar in app("../pages/catalogs.py").get("progress")]
    assert any("Waits for: Train Shop, 2 min" in text for text in bars), bars


def test_without_a_worker_a_full_disk_is_said(app: Open, shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    JobStore(shop.database).submit("audit", "Audit Shop", {"catalog": "Shop"}, key="a")
    monkeypatch.setattr("ui.jobs.has_worker", lambda _home, _lane: False)
    said = app("../pages/activity.py").warning[0].value
    monkeypatch.setattr("ui.jobs.shutil.disk_usage", lambda _path: SimpleNamespace(free=0))
    page = app("../pages/activity.py")
    assert "Start one;" in said and "disk is full: free some space" in page.warning[0].value
    assert any(one.value.startswith("Asked for just now") for one in page.caption)


@pytest.mark.parametrize(
    ("path", "button"),
    [("training", "train-go"), ("audit", "audit-go"), ("activity", "cancel"), ("activity", "worker")],
)
def test_a_button_that_cannot_be_obeyed_says_why_and_leaves_the_page(
    app: Open, shop: Workspace, monkeypatch: pytest.MonkeyPatch, path: str, button: str
) -> None:
    JobStore(shop.database).submit("encode", "Encode Shop", {"catalog": "Shop"}, key="a")
    monkeypatch.setattr("ui.jobs.has_worker", lambda _home, _lane: False)

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("The database cannot be written.")

    for name in ("core.jobs.job_table.JobStore.submit", "core.jobs.job_table.JobStore.cancel", "ui.jobs.ensure_worker"):
        monkeypatch.setattr(name, refuse)
    page = app(f"../pages/{path}.py")
    (key,) = [one.key for one in page.button if str(one.key).startswith(button)]
    page.button(key=key).click().run()
    assert [one.value for one in page.error] == ["The database cannot be written."]
    assert page.title and page.button(key=key) is not None, "the rest of the page is there"


def test_work_of_a_deleted_catalogue_cannot_go_on(app: Open, shop: Workspace) -> None:
    jobs = JobStore(shop.database)
    job = jobs.submit("audit", "Audit Shop", {"catalog": "Shop"}, key="a")
    shop.delete_catalog(shop.catalogs.find("Shop"))
    assert jobs.get(job.id).message == "The catalogue was deleted."
    assert "Go on" not in [button.label for button in app("../pages/activity.py").button]

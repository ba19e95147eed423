"""What goes is listed before it goes, and an address of what has gone says so."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.catalog.importing.drafts import save_draft, start_draft
from core.catalog.read.intake import save_upload, stage_file
from core.interactions.log import NO_TIME, InteractionLog
from core.jobs.job_table import JobStore
from core.work.audit_catalog import AuditSpec
from core.work.import_catalog import run_import
from core.work.train_catalog import TrainSpec
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

Open = Callable[..., AppTest]


def _words(page: AppTest) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption, *page.warning, *page.info, *page.error))


def _finish(jobs: JobStore, kind: str, payload: dict[str, object]) -> str:
    job = jobs.submit(kind, f"{kind} of Shop", payload, key=kind)
    assert jobs.claim("w") is not None
    jobs.finish(job.id, "w", "done", result={"catalog": "Shop"})
    return job.id


def test_a_catalogue_lists_what_goes(app: Open, shop: Workspace) -> None:
    catalog, jobs = shop.catalogs.find("Shop"), JobStore(shop.database)
    _finish(jobs, "audit", AuditSpec(catalog="Shop").to_json())
    jobs.submit("train", "Train “Shop”", TrainSpec(catalog="Shop").to_json(), key="t")
    page = app("../pages/catalogs.py")
    page.button(key=f"delete-{catalog.id}").click().run()
    said = _words(page)
    assert "- 60 items" in said and "- 6 pictures" in said and "1 entry under Activity" in said
    assert "Work on it ends: Train “Shop”." in said and shop.catalogs.find("Shop").items == 60
    page.button(key="delete-go").click().run()
    assert not page.exception and shop.catalogs.list() == () and not list(shop.pictures.names())
    assert [one.title for one in jobs.list()] == ["Work on a deleted catalogue"]


def test_an_import_that_is_taken_off_the_list_takes_its_upload(app: Open, shop: Workspace) -> None:
    uploads = shop.home.uploads
    path = save_upload(io.BytesIO(b"id,title\n1,red shoe\n"), "items.csv", uploads)
    draft = start_draft(stage_file(path, uploads), backbone="fake")
    save_draft(draft, shop.home.drafts)
    job = _finish(JobStore(shop.database), "import", draft.spec.to_json())
    page = app("../pages/activity.py")
    page.button(key=f"remove-{job}").click().run()
    said = _words(page)
    assert "1 uploaded file (items.csv)" in said and "1 prepared import" in said and "The imported items stay" in said
    page.button(key="remove-go").click().run()
    assert not page.exception and not path.exists()
    page = app("../pages/import_catalog.py", draft=draft.id)
    assert "not here any more" in _words(page)


def test_a_log_lists_what_goes_and_its_file_goes_once_it_is_stored(app: Open, shop: Workspace) -> None:
    import numpy as np

    catalog = shop.catalogs.find("Shop")
    items = tuple(shop.items.content_hashes(catalog.id))[:2]
    log = InteractionLog(
        users=np.array([0, 1]),
        items=np.array([0, 1]),
        events=np.zeros(2, np.int8),
        values=np.full(2, np.nan, np.float32),
        liked=np.ones(2, np.bool_),
        times=np.full(2, NO_TIME),
        user_ids=("ann", "bob"),
        item_ids=items,
    )
    shop.interactions.replace(catalog.id, log, kind="events")
    path = save_upload(io.BytesIO(b"user,item\n"), "log.csv", shop.home.log_uploads(catalog.id))
    page = app("../pages/training.py")
    page.button(key="remove-log").click().run()
    said = _words(page)
    assert "the log, 2 events of 2 people" in said and "log.csv" in said and "nobody's id" in said
    page.button(key="remove-log-go").click().run()
    assert not page.exception and shop.interactions.count(catalog.id) == 0 and not path.exists()


def test_a_version_that_does_not_serve_can_be_deleted(app: Open, shop: Workspace) -> None:
    catalog = shop.catalogs.find("Shop")
    metrics = {"verdict": "helps", "recommendation": "", "rows": [], "blend": 1.0, "tested": 20, "split": "titles"}
    for version in ("a" * 12, "b" * 12):
        shop.versions.add(version, catalog.id, title="", backbone="fake", has_log=False, metrics=metrics)
        (shop.home.versions / version).mkdir()
    shop.versions.activate(catalog.id, "a" * 12)
    page = app("../pages/training.py")
    keys = [one.key for one in page.button if str(one.key).startswith("delete-")]
    assert keys == [f"delete-{'b' * 12}"], "what serves is not offered"
    page.button(key=keys[0]).click().run()
    assert f"1 trained version ({'b' * 12})" in _words(page)
    page.button(key="delete-version-go").click().run()
    assert not page.exception and [one.id for one in shop.versions.list()] == ["a" * 12]
    assert [path.name for path in shop.home.versions.iterdir()] == ["a" * 12]


def test_a_picture_that_is_taken_away_is_gone(app: Open, shop: Workspace, save_picture: Callable[..., Path]) -> None:
    path = save_picture(shop.home.root / "need.png", "red")
    picture = shop.keep_need_picture(path.read_bytes())
    page = app(picture=picture)
    page.button(key="clear-picture").click().run()
    assert not page.exception and not shop.need_pictures.names()
    assert "Upload it again" in _words(app(picture=picture))


@pytest.mark.parametrize("path", ["audit", "training", "activity", "suggest"])
def test_a_name_that_is_used_again_shows_nothing_of_before(
    app: Open, shop: Workspace, tmp_path: Path, path: str
) -> None:
    jobs = JobStore(shop.database)
    _finish(jobs, "audit", AuditSpec(catalog="Shop").to_json())
    old = _finish(jobs, "train", TrainSpec(catalog="Shop").to_json())
    (shop.home.runs / old).mkdir()
    before = app(f"../pages/{path}.py", catalog="Shop", like="shoe-red", like_in="Shop")
    assert not before.exception
    shop.delete_catalog(shop.catalogs.find("Shop"))
    (tmp_path / "new.csv").write_text("id,title\nn1,green lamp\n")
    run_import(shop, write_spec(tmp_path / "new.csv"))
    page = app(f"../pages/{path}.py", catalog="Shop", like="shoe-red", like_in="Shop", job=old)
    said = _words(page)
    assert not page.exception and "red shoe" not in said and "of Shop" not in said and "Shoe House" not in said

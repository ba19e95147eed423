"""The audit page: it starts one job, and shows what one found, also after it was stopped."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ExplainError
from core.explain.needs.explainer import Explainer
from core.jobs.job_table import JobStore
from core.progress import silent
from core.work.audit_catalog import AuditSpec, run_audit
from core.workspace import Workspace
from tests.pages.test_explain import words_of

PAGE = "../pages/audit.py"


def test_without_a_catalogue_it_leads_on(app: Callable[..., AppTest]) -> None:
    assert "no catalogue yet" in words_of(app(PAGE))


def test_it_starts_one_job_with_what_was_chosen(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    page.segmented_control(key="audit-source").set_value("typed").run()
    page.text_area(key="audit-needs").input("red shoe\n\n blue hat ").run()
    page.button(key="audit-go").click().run()
    (row,) = shop.database.connection.execute("SELECT payload FROM jobs WHERE kind = 'audit'")
    spec = AuditSpec.from_json(json.loads(row["payload"]))
    assert spec == AuditSpec(catalog="Shop", source="typed", needs=("red shoe", "blue hat"))
    assert page.button(key="audit-go").disabled


@pytest.fixture
def audited(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> str:
    """An audit that has been done; the id of its job."""

    def look(*_args, **_options):
        raise ExplainError("there is no tower")

    monkeypatch.setattr(Explainer, "look", look)
    jobs = JobStore(shop.database)
    spec = AuditSpec(catalog="Shop", cases=20, maps=2)
    job = jobs.submit("audit", "Audit “Shop”", spec.to_json(), key="audit")
    run_audit(shop, spec, job.id, silent)
    jobs.cancel(job.id)
    return job.id


def test_it_shows_what_was_found(app: Callable[..., AppTest], shop: Workspace, audited: str) -> None:
    page = app(PAGE)
    metrics = {one.label: one.value for one in page.metric}
    assert metrics["Suggestions explained"] == "20" and metrics["No faithful map"] == "2 of 2"
    parts = page.dataframe[0].value
    assert set(parts["Part"]) <= {"Picture", "Title", "Attributes", "Exact words"}
    assert parts["Share of what moved scores"].sum() == pytest.approx(100)
    raise_most = page.dataframe[1].value
    assert (raise_most["Effect"] > 0).all() and raise_most["Effect"].is_monotonic_decreasing


def test_it_says_so_when_it_was_stopped_too_early(app: Callable[..., AppTest], shop: Workspace) -> None:
    jobs = JobStore(shop.database)
    job = jobs.submit("audit", "Audit “Shop”", AuditSpec(catalog="Shop").to_json(), key="audit")
    jobs.cancel(job.id)
    page = app(PAGE)
    assert [one.value for one in page.info] == ["It was stopped before anything was explained."]
    assert page.button(key=f"resume-{job.id}").label == "Go on"


def test_an_audit_is_of_the_catalogue_that_is_there(app: Callable[..., AppTest], shop: Workspace, audited: str) -> None:
    jobs = JobStore(shop.database)
    for number in range(60):  # a report does not go for other work
        jobs.cancel(jobs.submit("rebuild", "Rebuild", {}, key=f"{number}").id)
    assert app(PAGE).metric
    shop.database.connection.execute("UPDATE jobs SET catalog_id = -1")  # of one of this name that was deleted
    assert not app(PAGE).metric

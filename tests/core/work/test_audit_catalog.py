"""Audits: what is explained, that they stop and go on, and that nothing is done twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import CancelledError, ExplainError, NeedError, TrainError
from core.explain.needs.explainer import Explainer
from core.jobs.kinds import KINDS
from core.progress import silent
from core.store.expectations import SavedNeed
from core.suggest.need import Need, split_avoid
from core.work.audit_catalog import AuditSpec, plan_cases, read_audit, read_cases, run_audit
from core.workspace import Workspace
from tests.core.explain.needs import test_explainer

shop = test_explainer.shop  # a catalogue whose right answers are known


@pytest.fixture(autouse=True)
def no_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of the fake model cannot be looked into."""

    def look(*_args, **_options):
        raise ExplainError("there is no tower")

    monkeypatch.setattr(Explainer, "look", look)


def spec(**more) -> AuditSpec:
    return AuditSpec(**{"catalog": "Shop", "cases": 12, "maps": 3} | more)


def test_every_case_is_what_the_explanation_says(shop: Workspace) -> None:
    run_audit(shop, spec(), "run", silent)
    cases = read_cases(shop.home.runs / "run")
    assert len(cases) == 12
    for case in cases[:4]:
        found = shop.explainer.explain(shop.catalogs.find("Shop"), Need(text=case.title), case.item_id)
        assert case.modalities == pytest.approx(found.modalities) and case.rank == found.rank
        assert case.words == found.words
        assert case.without == {one.removed: one.rank for one in found.counterfactuals if not one.need}


def test_the_answer_is_that_of_the_folder(shop: Workspace) -> None:
    found = KINDS["audit"](shop, spec().to_json(), "run", silent)
    assert found == {"catalog": "Shop", **read_audit(shop.home.runs / "run").to_json()}
    assert found["cases"] == 12 and found["unmapped"] == 3 and found["methods"] == {}
    assert sum(part["share"] for part in found["parts"]) == pytest.approx(1)


def test_it_goes_on_where_it_was_stopped(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_audit(shop, spec(), "whole", silent)
    weighed = []
    weigh = Explainer.weigh
    monkeypatch.setattr(Explainer, "weigh", lambda self, *args: (weighed.append(args[-1]), weigh(self, *args))[1])

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "Explaining" and done == 5:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        run_audit(shop, spec(), "run", stop)
    folder = shop.home.runs / "run"
    assert read_audit(folder).cases == 5
    cut = folder / "cases.jsonl"  # a crash may cut a line off, within a letter as well
    cut.write_bytes(cut.read_bytes()[:-30] + "é".encode()[:1])
    again = run_audit(shop, spec(), "run", silent)
    assert len(weighed) == 5 + 8 and again.audit.parts == whole.audit.parts and again.audit.words == whole.audit.words


def test_a_changed_catalogue_is_not_mixed_with_the_old_one(shop: Workspace) -> None:
    run_audit(shop, spec(cases=2), "run", silent)
    catalog = shop.catalogs.find("Shop")
    shop.catalogs.bump(catalog.id)
    with pytest.raises(TrainError, match="Start a new run"):
        run_audit(shop, spec(cases=2), "run", silent)


def test_titles_are_drawn_by_the_seed(shop: Workspace) -> None:
    catalog = shop.catalogs.find("Shop")
    one, same, other = (plan_cases(shop, catalog, spec(seed=seed)) for seed in (0, 0, 1))
    assert one == same != other and len(set(one)) == 12
    assert all(shop.items.find(catalog.id, item_id).item.title == need.text for need, item_id in one)


def test_typed_needs_bring_their_first_suggestions(shop: Workspace) -> None:
    catalog = shop.catalogs.find("Shop")
    needs = ("red shoe", "a hat, not leather", "   ")
    asked = plan_cases(shop, catalog, spec(source="typed", needs=needs, cases=100))
    for line in needs[:2]:
        text, avoid = split_avoid(line)
        page = shop.suggester.suggest(Need(text=text, avoid=avoid, catalogs=("Shop",)), limit=5).page
        chosen = [item_id for need, item_id in asked if need.text == text]
        assert chosen == [one.stored.item.item_id for one in page]
    assert len(asked) == 10


def test_saved_needs_bring_what_is_expected_as_well(shop: Workspace) -> None:
    catalog = shop.catalogs.find("Shop")
    shop.expectations.add(catalog.id, SavedNeed(text="red shoe"), ["shoe-red", "hat-blue"])
    items = [item_id for _, item_id in plan_cases(shop, catalog, spec(source="saved"))]
    assert items[0] == "shoe-red" and items[-1] == "hat-blue" and len(items) == len(set(items)) == 6


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"cases": 0}, "1 to 5,000 cases"),
        ({"maps": -1}, "0 to 5,000 maps"),
        ({"source": "wishes"}, "titles, saved, typed"),
        ({"source": "typed"}, "No need was typed"),
        ({"source": "saved"}, "No need is saved for “Shop”"),
    ],
)
def test_what_cannot_be_explained_is_refused(shop: Workspace, wrong: dict, says: str) -> None:
    with pytest.raises(ExplainError, match=says):
        run_audit(shop, spec(**wrong), "run", silent)


def test_a_need_that_is_too_long_is_refused(shop: Workspace) -> None:
    with pytest.raises(NeedError, match="longer than"):
        run_audit(shop, spec(source="typed", needs=("x" * 2000,)), "run", silent)


def test_the_command_sums_up_and_goes_on(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.cli.main.Workspace", lambda _home: shop)
    common = ["--home", str(shop.home.root)]
    assert main(["audit", "--catalog", "Shop", "--cases", "6", "--maps", "2", "--json", *common]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cases"] == 6 and found["unmapped"] == 2
    assert main(["audit", "--resume", found["run"][:12], *common]) == 0
    assert "6 suggestions for" in capsys.readouterr().out
    assert main(["audit", *common]) == 1 and "--catalog" in capsys.readouterr().err


def test_a_run_of_another_kind_is_refused(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.cli.main.Workspace", lambda _home: shop)
    folder = shop.home.runs / "trained"
    folder.mkdir()
    (folder / "spec.json").write_text('{"catalog": "Shop", "preset": "quick"}')
    assert main(["audit", "--resume", "trained"]) == 1
    assert "is no audit" in capsys.readouterr().err


def test_a_full_disk_is_said(
    shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_picture: Callable[..., Path]
) -> None:
    run_audit(shop, spec(cases=1), "run", silent)
    lines = shop.home.runs / "run" / "cases.jsonl"
    lines.unlink()
    lines.mkdir()
    with pytest.raises(ExplainError, match="cannot be kept"):
        run_audit(shop, spec(cases=1), "run", silent)

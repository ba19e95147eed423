"""A run goes on under what it was begun with, and under nothing else."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.catalog.table import ReadOptions
from core.cli.main import main
from core.errors import CancelledError, JobError, StoreError, TrainError, WishlightError
from core.evaluate import tested
from core.home import Home
from core.jobs.kinds import KINDS
from core.progress import silent
from core.work import plan
from core.work.audit_catalog import AuditSpec
from core.work.import_catalog import run_import
from core.work.plan import load_log
from core.work.runs import STARTED, digest, digest_log, open_run
from core.work.search_catalog import SearchSpec
from core.work.train_catalog import TrainSpec
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

pytestmark = pytest.mark.slow

NAME, RUN = "People's shop", "a" * 32
SMALL = {"epochs": 2, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
SPEC = TrainSpec(catalog=NAME, config=SMALL, device="cpu")
PAYLOADS = {
    "train": SPEC.to_json(),
    "search": SearchSpec(train=SPEC, trials=2).to_json(),
    "audit": AuditSpec(catalog=NAME, cases=1, maps=0).to_json(),
}


def _stop(stage: str, _done: int, _total: int) -> None:
    if stage in ("Training", "Trying settings"):
        raise CancelledError("stop")


def _begin(shop: Workspace, kind: str, payload: dict) -> None:
    """Begin as a worker does, and stop at the first step."""
    with pytest.raises(CancelledError):
        KINDS[kind](shop, payload, RUN, _stop)


def _change_log(shop: Workspace) -> None:
    log = load_log(shop, shop.catalogs.find(NAME), SPEC)
    shop.interactions.replace(shop.catalogs.find(NAME).id, log.take(np.arange(len(log) - 3)), kind="events")


def _change_title(shop: Workspace, folder: Path) -> None:
    (folder / "more.csv").write_text("id,title\nshoe-red,another name\n")
    run_import(shop, replace(write_spec(folder / "more.csv", folder=folder, catalog=NAME), backbone=""))


@pytest.mark.parametrize("kind", ["train", "search"])
def test_another_log_is_refused_wherever_a_run_goes_on(people_shop: Workspace, kind: str) -> None:
    spec = SPEC.to_json() if kind == "train" else SearchSpec(train=SPEC, trials=2).to_json()
    _begin(people_shop, kind, spec)
    _begin(people_shop, kind, spec)  # nothing has changed: it goes on
    _change_log(people_shop)
    with pytest.raises(TrainError, match=r"^The log has changed since this run began, .* Start a new run\.$"):
        KINDS[kind](people_shop, spec, RUN, silent)


def test_each_cause_is_named(people_shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _begin(people_shop, "train", SPEC.to_json())

    def refused(said: str, spec: TrainSpec = SPEC) -> None:
        with pytest.raises(TrainError, match=rf"^{said} changed since this run began"):
            KINDS["train"](people_shop, spec.to_json(), RUN, silent)

    refused("The settings have", replace(SPEC, config={**SMALL, "epochs": 3}))
    with monkeypatch.context() as patch:
        patch.setattr("core.work.material.describe_version", lambda _backbone: "other")
        refused("The image-text model has")
    with monkeypatch.context() as patch:
        patch.setattr("core.train.data.VALIDATION_SHARE", 4)
        refused("The rule that says what is held out has")
    _change_title(people_shop, tmp_path)
    refused("The catalogue has")
    _change_log(people_shop)
    refused("The catalogue and the log have")


def test_a_file_that_was_overwritten_meanwhile_is_another_log(people_shop: Workspace, tmp_path: Path) -> None:
    log = load_log(people_shop, people_shop.catalogs.find(NAME), SPEC)
    rows = [
        f"{log.user_ids[user]},{log.item_ids[item]},{time}\n"
        for user, item, time in zip(log.users, log.items, log.times, strict=True)
    ]
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + "".join(rows))
    spec = replace(SPEC, interactions=str(path))
    _begin(people_shop, "train", spec.to_json())
    newest = sorted(range(len(rows)), key=lambda row: (log.users[row], -log.times[row]))
    path.write_text("user,item,timestamp\n" + "".join(rows[row] for row in newest))
    _begin(people_shop, "train", spec.to_json())  # each person's events the other way round are the same log
    path.write_text("user,item,timestamp\n" + "".join(rows[:-1]))
    with pytest.raises(TrainError, match=r"^The log has changed"):
        KINDS["train"](people_shop, spec.to_json(), RUN, silent)


def test_a_log_is_its_people_items_times_and_values(people_shop: Workspace) -> None:
    log = load_log(people_shop, people_shop.catalogs.find(NAME), SPEC)
    columns = ("users", "items", "events", "values", "liked", "times")
    others = [replace(log, **{name: np.roll(getattr(log, name), 1)}) for name in columns if set(getattr(log, name))]
    others += [replace(log, user_ids=(*log.user_ids[:-1], "other")), log.take(np.arange(5)), None]
    changed = [
        one
        for one in others
        if one is None
        or any(
            not np.array_equal(getattr(one, name), getattr(log, name), equal_nan=name == "values") for name in columns
        )
        or one.user_ids != log.user_ids
    ]
    assert len(changed) >= 6 and digest_log(log) not in {digest_log(one) for one in changed}
    assert digest("ab", "c") != digest("a", "bc") and digest(np.zeros(2)) != digest(np.zeros((2, 1)))


def test_a_run_of_an_earlier_version_says_so(home: Home) -> None:
    (home.runs / RUN).mkdir(parents=True)
    (home.runs / RUN / "started.txt").write_text("0" * 64)
    with pytest.raises(TrainError, match=r"begun by an earlier version.* Start a new run"):
        open_run(home, RUN, {}, {"log": ""}).__enter__()
    (home.runs / RUN / STARTED).write_text("[")
    with pytest.raises(TrainError, match=r"cannot be read. Start a new one"):
        open_run(home, RUN, {}, {"log": ""}).__enter__()


@pytest.mark.parametrize("kind", list(PAYLOADS))
def test_two_processes_do_not_work_on_one_run(people_shop: Workspace, kind: str) -> None:
    with (
        open_run(people_shop.home, RUN, {}, {}),
        pytest.raises(TrainError, match=r"^Another process is at work on this run\."),
    ):
        KINDS[kind](people_shop, PAYLOADS[kind], RUN, silent)


@pytest.mark.parametrize("kind", list(PAYLOADS))
def test_what_another_version_asked_for_is_a_sentence(
    people_shop: Workspace, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for inner in ({"catalog": [NAME]}, {"later": 1}):
        asked = {**PAYLOADS[kind], **({"train": {**SPEC.to_json(), **inner}} if kind == "search" else inner)}
        with pytest.raises(JobError, match=r"another version of Wishlight wrote it down.* Start it anew\."):
            KINDS[kind](people_shop, asked, RUN, silent)
    with open_run(people_shop.home, RUN, asked, {}):
        pass
    assert main(["--home", str(people_shop.home.root), kind, "--resume", RUN]) == 1
    assert "another version of Wishlight" in capsys.readouterr().err


def test_a_version_outlives_a_failure_of_its_run_that_ends_again(
    people_shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = people_shop.versions.list()[0].id
    folder = people_shop.home.versions / version

    def fail(*_args: object, **_named: object) -> None:
        raise StoreError("The database cannot be written.")

    monkeypatch.setattr("core.store.versions.Versions.add", fail)
    for run_id, is_kept in ((version + "0" * 20, True), (RUN, False)):
        with pytest.raises(StoreError):
            KINDS["train"](people_shop, SPEC.to_json(), run_id, silent)
        assert folder.exists() and (people_shop.home.versions / run_id[:12]).exists() == is_kept


@pytest.fixture
def resumed(people_shop: Workspace, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Goes on with the run on the command line and gives what it says."""

    def go_on(command: str, *options: str) -> str:
        assert main(["--home", str(people_shop.home.root), command, *options, "--resume", RUN[:8]]) == 1
        return capsys.readouterr().err

    return go_on


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--seed", "3"), "--seed 3, and this run began with 0"),
        (("--preset", "quick"), "--preset “quick”, and this run began with “balanced”"),
        (("--no-log",), "--no-log yes, and this run began with no"),
    ],
)
def test_what_is_typed_must_agree(
    people_shop: Workspace, resumed: Callable[..., str], option: tuple[str, ...], said: str
) -> None:
    _begin(people_shop, "train", SPEC.to_json())
    assert said in resumed("train", *option)


def test_what_is_typed_must_agree_in_files_and_names_as_well(
    people_shop: Workspace,
    resumed: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _begin(people_shop, "train", SPEC.to_json())
    (tmp_path / "c.json").write_text(json.dumps(SMALL | {"epochs": 9}))
    assert "epochs 9" in resumed("train", "--config", str(tmp_path / "c.json"))
    (tmp_path / "log.csv").write_text("user,item\nu1,shoe-red\n")
    assert "--interactions" in resumed("train", "--interactions", str(tmp_path / "log.csv"))
    began = replace(SPEC, interactions=str(tmp_path / "log.csv"))
    began = replace(began, reading={"options": asdict(ReadOptions()), "columns": {"user": "user", "item": "item"}})
    with open_run(people_shop.home, "b" * 32, began.to_json(), {}):
        pass
    typed = ["--interactions", str(tmp_path / "log.csv"), "--encoding", "latin-1", "--resume", "b" * 8]
    assert main(["--home", str(people_shop.home.root), "train", *typed]) == 1
    assert "You typed --encoding “latin-1”, and this run began with “utf-8”." in capsys.readouterr().err
    assert "--tuning “lora”, and this run began with “frozen”" in resumed("train", "--tuning", "lora")
    assert "no catalogue named" in resumed("train", "--catalog", "Elsewhere")
    (tmp_path / "c.json").write_text(json.dumps(SMALL))
    gone_on = []

    def go_on(_workspace: Workspace, spec: TrainSpec, *_args: object, **_named: object) -> SimpleNamespace:
        gone_on.append(spec)
        return SimpleNamespace(to_json=lambda: {"version": "v", "rows": [], "recommendation": ""})

    monkeypatch.setattr("core.cli.training.run_train", go_on)
    agreeing = ["--catalog", NAME.upper(), "--config", str(tmp_path / "c.json"), "--seed", "0", "--device", "cpu"]
    assert main(["--home", str(people_shop.home.root), "train", *agreeing, "--resume", RUN[:8]]) == 0
    assert gone_on == [SPEC]


def test_a_search_is_resumed_with_its_own_trials(people_shop: Workspace, resumed: Callable[..., str]) -> None:
    _begin(people_shop, "search", SearchSpec(train=SPEC, trials=2).to_json())
    assert "--trials 5, and this run began with 2" in resumed("search", "--trials", "5")
    assert "--seed 4, and this run began with 0" in resumed("search", "--seed", "4")


def test_that_nothing_can_be_told_is_said_before_the_items_are_read(
    people_shop: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a log or without one: reading takes minutes. What a worker runs says it in the job's log."""

    def read(*_: object) -> None:
        raise CancelledError("the items are read")

    monkeypatch.setattr(plan, "load_material", read)
    monkeypatch.setattr(tested, "LEAST_TESTED", 10_000)
    for spec in (SPEC, replace(SPEC, use_log=False)):
        told: list[str] = []
        with pytest.raises(CancelledError, match="are read"):
            plan.load_plan(people_shop, spec, silent, tell=told.append)
        assert ["cannot be told" in one for one in told] == [True]
        assert plan.foresee_verdict(people_shop, spec) == told[0]
        for kind, payload in (("train", spec.to_json()), ("search", SearchSpec(train=spec).to_json())):
            caplog.clear()
            with pytest.raises(CancelledError, match="are read"):
                KINDS[kind](people_shop, payload, RUN, silent)
            assert told[0] in caplog.text


def test_what_takes_long_to_foresee_is_left_to_the_run(people_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page asks at each change of a catalogue, which may have millions of events."""
    monkeypatch.setattr(plan, "MOST_FORESEEN", 20)
    monkeypatch.setattr(plan, "load_log", lambda *_: pytest.fail("the log is read"))
    assert plan.foresee_verdict(people_shop, SPEC) == ""


def test_tasks_without_a_log_are_refused_before_the_items_are_read(
    people_shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.work.plan.load_material", lambda *_: pytest.fail("the items are read"))
    with pytest.raises(WishlightError, match="“tasks” names rank, which is learned from an interaction log"):
        KINDS["train"](
            people_shop, replace(SPEC, use_log=False, config={"tasks": {"rank": 1.0}}).to_json(), RUN, silent
        )

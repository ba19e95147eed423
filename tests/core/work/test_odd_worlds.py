"""Catalogues as they come: each command works on them, or says in a sentence why it cannot."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.cli.main import main
from core.errors import WishlightError
from core.progress import silent
from core.train.config import TrainConfig
from core.work.activate import ActivateSpec, activate_version
from core.work.recommend import find_version
from core.workspace import Workspace

pytestmark = pytest.mark.long

SMALL = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
MODELS = ("fusion", "random", "popularity", "recent-popularity", "tfidf", "item-knn", "item-knn-embeddings",
          "zero-shot", "linear-probe", "ease")  # fmt: skip
Run = Callable[..., tuple[int, dict[str, Any], str]]


def make_rows(count: int, *, pictures: float = 0.0, title: str = "thing number {n}") -> list[str]:
    shown = round(pictures * count)
    return ["id,title,description,image"] + [
        f"i{n},{title.format(n=n)},{'made for every day' if n % 2 else ''},{f'{n % 3}.png' if n < shown else ''}"
        for n in range(count)
    ]


def make_log(count: int) -> list[str]:
    """People whose taste goes by the parity of an item."""
    rows = ["user,item,time"]
    for person in range(60):
        for step in range(min(count, 8)):
            item = (2 * step + person % 2 + 2 * person) % count
            rows.append(f"u{person},i{item},{1_700_000_000 + 1000 * (person + step)}")
    return rows


WORLDS = {
    "no pictures": (make_rows(60), 60),
    "few pictures": (make_rows(60, pictures=0.03), 60),
    "equal items": (make_rows(60, pictures=1.0, title="the same thing"), 60),
    "hardly any text": (make_rows(60, title="– {n} –"), 60),
    "three items": (make_rows(3, pictures=1.0), 3),
    "one item": (make_rows(1), 1),
}


@pytest.fixture
def run(tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command on a small model: exit code, result and what was said; never a stack trace, never NaN."""
    monkeypatch.setattr("core.train.settings.preset_config", lambda _name: TrainConfig(**SMALL))
    for number in range(3):
        Image.new("RGB", (32, 32), (80 * number, 200 - 80 * number, 90)).save(tmp_path / f"{number}.png")
    (tmp_path / "small.json").write_text(json.dumps(SMALL))

    def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
        command, *rest = map(str, arguments)
        code = main(["--home", str(tmp_path / "home"), command, "--json", *rest])
        said = capsys.readouterr()
        assert "Traceback" not in said.err and "Something went wrong" not in said.err, (arguments, said.err)
        assert "NaN" not in said.out and "Infinity" not in said.out, (arguments, said.out)
        assert code == 0 or (code == 1 and said.err.splitlines()[-1].startswith("error: ")), (arguments, code, said.err)
        return code, json.loads(said.out) if code == 0 else {}, said.err

    return run


def write(path: Path, rows: Sequence[str]) -> Path:
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("world", WORLDS)
def test_every_command_works_or_says_why(world: str, run: Run, tmp_path: Path, tiny_folder: Path) -> None:
    rows, count = WORLDS[world]
    last = f"i{count - 1}"
    shop = write(tmp_path / "shop.csv", rows)
    log = write(tmp_path / "log.csv", make_log(count))
    code, report, said = run("import", shop, "--name", "S", "--images", tmp_path, "--backbone", tiny_folder)
    assert (code, report["created"]) == (0, count), said
    code, found, said = run("suggest", "a red thing", "--catalog", "S")
    assert code == 0 and len(found["suggestions"]) == min(10, count), said
    assert run("explain", "--catalog", "S", "--item", "i0", "--need", "a red thing")[0] == 0
    settings = ("--catalog", "S", "--config", tmp_path / "small.json", "--device", "cpu")
    alone, _, said = run("train", *settings)
    assert alone == 0 or said.splitlines()[-1].startswith("error: Too few items")
    assert run("log", log, "--catalog", "S")[0] == 0
    learned, trained, said = run("train", *settings)
    assert learned == 0 or count <= 3, said
    if learned == 0:
        assert all(not row["note"] for row in trained["rows"]), trained["rows"]
        assert run("activate", trained["version"])[0] == 0
        assert run("suggest", "a red thing", "--catalog", "S")[0] == 0
        assert run("explain", "--catalog", "S", "--item", "i0", "--need", "a red thing")[0] == 0
        assert run("recommend", "u1", "--catalog", "S")[0] == 0
        assert run("explain", "--catalog", "S", "--item", last, "--user", "u1")[0] == 0
        assert run("explain", "--catalog", "S", "--item", last, "--history", "i0,i1")[0] == 0
    else:
        assert run("recommend", "u1", "--catalog", "S")[0] == 1
    code, compared, said = run("evaluate", "--catalog", "S", "--interactions", log, "--models", *MODELS)
    assert code == 0 or "Nobody is left" in said, said
    if count > 3:
        assert [row for row in compared["models"] if "error" in row] == []
    audit, _, said = run("audit", "--catalog", "S", "--cases", 6, "--maps", 2)
    assert audit == 0 or count == 1, said


def write_purchases(counts: Sequence[int], *, times: bool = True, again: bool = False) -> list[str]:
    """One person a count, whose taste goes by the parity of an item; with `again` each item is bought twice."""
    rows = ["user,item,time" if times else "user,item"]
    for person, count in enumerate(counts):
        for step in range(count):
            item = (2 * (step // 2 if again else step) + person % 2 + 2 * person) % 60
            rows.append(f"u{person},i{item}" + f",{1_700_000_000 + 86_400 * step}" * times)
    return rows


LOGS = {
    "one purchase a person for most": write_purchases([8] * 24 + [1] * 120),
    "one purchase a person for all": write_purchases([1] * 90),
    "two purchases a person": write_purchases([2] * 60),
    "without times": write_purchases([8] * 60, times=False),
    "bought again": write_purchases([12] * 60, again=True),
}


@pytest.mark.parametrize("world", LOGS)
def test_a_log_of_names_alone_is_learned_from_or_refused_in_a_sentence(
    world: str, run: Run, tmp_path: Path, tiny_folder: Path
) -> None:
    """No pictures, no descriptions, no categories: titles and a log."""
    shop = write(tmp_path / "shop.csv", ["id,title", *(f"i{n},thing number {n}" for n in range(60))])
    log = write(tmp_path / "log.csv", LOGS[world])
    assert run("import", shop, "--name", "S", "--backbone", tiny_folder)[0] == 0
    code, stored, _ = run("log", log, "--catalog", "S")
    assert code == 0 and any("what came first is not known" in one["message"] for one in stored["problems"]) == (
        world == "without times"
    )
    evaluate = ("evaluate", "--catalog", "S", "--interactions", log, "--models", "ease", "tfidf", "popularity")
    code, trained, said = run("train", "--catalog", "S", "--config", tmp_path / "small.json", "--device", "cpu")
    if world == "one purchase a person for all":
        assert code == 1 and "Nobody is left to test on" in said and "train on the catalogue alone" in said
        assert "Nobody is left to test on" in run(*evaluate)[2]
        assert "No version that knows people" in run("recommend", "u1", "--catalog", "S")[2]
        return
    assert code == 0 and all(not row["note"] for row in trained["rows"]), said
    assert "pictures" not in str([row["name"] for row in trained["rows"]]), "there is none to be swapped"
    assert len(run("recommend", "u1", "--catalog", "S")[1]["suggestions"]) == 10
    told = run("explain", "--catalog", "S", "--item", "i40", "--user", "u1")[1]
    assert told["base_value"] + sum(told["modalities"].values()) == pytest.approx(told["score"], abs=1e-5)
    code, compared, said = run(*evaluate)
    assert code == 0 and compared["counts"]["ndcg@10"] >= 20, said
    assert not [metric for metric in compared["counts"] if metric.startswith("no_")], "all are alike in it"


def test_a_model_that_fails_costs_its_line(run: Run, tmp_path: Path, tiny_folder: Path, monkeypatch: Any) -> None:
    shop = write(tmp_path / "shop.csv", make_rows(60, pictures=1.0))
    log = write(tmp_path / "log.csv", make_log(60))
    assert run("import", shop, "--name", "S", "--images", tmp_path, "--backbone", tiny_folder)[0] == 0
    monkeypatch.setattr("core.baselines.ease.Ease.score", lambda *_: 1 / 0)
    evaluate = ("evaluate", "--catalog", "S", "--interactions", log, "--models")
    code, compared, _ = run(*evaluate, "ease", "popularity", "random")
    assert code == 0 and [row["model"] for row in compared["models"]][-1] == "ease"
    assert "ZeroDivisionError: division by zero" in compared["models"][-1]["error"]
    assert all(row["ndcg@10"] is not None for row in compared["models"][:-1])
    code, _, said = run(*evaluate, "ease")
    assert code == 1 and "No model could be measured" in said
    settings = ("--catalog", "S", "--interactions", log, "--config", tmp_path / "small.json", "--device", "cpu")
    code, trained, said = run("train", *settings)
    assert code == 0, said
    (row,) = [row for row in trained["rows"] if row["note"]]
    assert row["name"] == "ease" and "division by zero" in row["note"]
    card = (tmp_path / "home" / "versions" / trained["version"] / "MODEL_CARD.md").read_text()
    assert "division by zero" in card and trained["recommendation"] in card
    monkeypatch.setattr("core.baselines.zero_shot.ZeroShot.score", lambda *_: 1 / 0)
    code, trained, said = run("train", *settings, "--seed", "1")
    assert code == 0 and trained["verdict"] == "unclear" and "could not be measured" in trained["recommendation"], said


def test_a_version_is_of_the_catalogue_that_is_named(workspace: Workspace) -> None:
    """What is typed beside a version is never passed over."""
    one, _other = (workspace.catalogs.ensure(name, domain="goods", backbone="fake") for name in ("One", "Other"))
    workspace.versions.add("abc", one.id, title="", backbone="fake", has_log=True, metrics={})
    for name, said in (("Other", "no version of this catalogue called “ab”"), ("Nowhere", "no catalogue named")):
        with pytest.raises(WishlightError, match=said):
            activate_version(workspace, ActivateSpec(version="ab", catalog=name), silent)
        with pytest.raises(WishlightError, match=said):
            find_version(workspace, name, "ab")
    assert find_version(workspace, "one", "ab") == find_version(workspace, "", "ab")

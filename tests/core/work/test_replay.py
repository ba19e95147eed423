"""What moves is planted: an item's cosine with the need is chosen before and after, so every rank is known."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.catalog.schema import Item
from core.errors import CancelledError, JobError, TrainError
from core.parts import read_key
from core.progress import silent
from core.store.expectations import SavedNeed
from core.store.filters import parse_filter
from core.store.items import StoredItem
from core.store.versions import Version
from core.suggest.expected import open_need, rank_expected
from core.work import replay
from core.work.replay import Move, compare_ranks, describe_moves, replay_needs
from core.workspace import Workspace
from tests.conftest import FakeEncoder

NEED = SavedNeed(text="zeppelin", match="text")
ITEMS = [Item(item_id=f"i{n:02}", title=f"thing {n}", tags=("odd" if n % 2 else "even",)) for n in range(13)]
#: What serves ranks the items by their number; the version swaps the first one and the twelfth.
BEFORE = list(range(13))
AFTER = [11, *range(1, 11), 0, 12]


def plant(encoder: FakeEncoder, rank: int) -> np.ndarray:
    """A unit vector that is the less like the need the higher its rank from 0 is."""
    need = encoder.encode_texts([NEED.text])[0]
    other = np.random.default_rng(rank + 1).standard_normal(len(need))
    other -= (other @ need) * need
    cosine = 0.9 - 0.1 * rank
    return (cosine * need + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)).astype(np.float32)


def fused(encoder: FakeEncoder, rank: int) -> np.ndarray:
    return np.concatenate([np.zeros(encoder.dimension, np.float32), plant(encoder, rank)])


@pytest.fixture
def version(workspace: Workspace, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> Version:
    """A version of thirteen items; making its vectors puts the planted ones into the store."""
    catalog = workspace.catalogs.ensure("Shop", domain="goods", backbone="fake")
    with workspace.database.transaction():
        workspace.items.upsert(catalog.id, [(item, ()) for item in ITEMS])
        base = workspace.embeddings.model_number(encoder.model_version)
        ranked = zip(ITEMS, BEFORE, strict=True)
        workspace.embeddings.put(base, "text", {item.text_hash(): plant(encoder, rank) for item, rank in ranked})
    workspace.versions.add("v1", catalog.id, title="", backbone="fake", has_log=False, metrics={"verdict": "helps"})
    (workspace.home.versions / "v1").mkdir()
    (workspace.home.versions / "v1" / "card.json").write_text("{}")

    def embed(*_: object) -> int:
        served = workspace.embeddings.model_number(f"{encoder.model_version}+v1")
        ranked = zip(ITEMS, AFTER, strict=True)
        rows = {
            read_key(StoredItem(id=0, catalog_id=0, item=item, pictures=())): fused(encoder, rank)
            for item, rank in ranked
        }
        workspace.embeddings.put(served, "item", rows)
        return len(rows)

    monkeypatch.setattr(replay, "embed_items", embed)
    return workspace.versions.find("v1")


def expect(workspace: Workspace, version: Version, *item_ids: str, need: SavedNeed = NEED) -> None:
    workspace.expectations.add(version.catalog_id, need, item_ids)


def suggested(workspace: Workspace, need: SavedNeed = NEED) -> dict[str, int]:
    found = workspace.suggester.suggest(open_need(need, workspace.catalogs.find("Shop")), limit=50)
    return {one.stored.item.item_id: one.rank for one in found.page}


def test_every_verdict_is_the_planted_one(workspace: Workspace, version: Version) -> None:
    expect(workspace, version, "i00", "i05", "i11", "i12")
    moves = {one.item_id: (one.before, one.after, one.verdict) for one in compare_ranks(workspace, version, silent)}
    assert moves == {
        "i00": (1, 12, "lost"),
        "i05": (6, 6, "kept"),
        "i11": (12, 1, "gained"),
        "i12": (13, 13, "still missing"),
    }


def test_the_ranks_are_those_that_serving_shows(workspace: Workspace, version: Version) -> None:
    expect(workspace, version, *(item.item_id for item in ITEMS))
    odd = replace(NEED, avoid=("thing 3",), filters=(parse_filter("tags=odd"),))
    expect(workspace, version, "i03", "i11", need=odd)
    moves = compare_ranks(workspace, version, silent)
    plain, other = moves[: len(ITEMS)], moves[len(ITEMS) :]
    assert {one.item_id: one.before for one in plain} == suggested(workspace)
    assert {one.item_id: one.before for one in other}.items() <= suggested(workspace, odd).items()
    workspace.versions.activate(version.catalog_id, version.id)
    assert {one.item_id: one.after for one in plain} == suggested(workspace)
    assert {one.item_id: one.after for one in other}.items() <= suggested(workspace, odd).items()


def test_items_that_came_later_or_went_break_nothing(
    workspace: Workspace, version: Version, encoder: FakeEncoder
) -> None:
    late = Item(item_id="late", title="another one")
    with workspace.database.transaction():
        workspace.items.upsert(version.catalog_id, [(late, ())])
        base = workspace.embeddings.model_number(encoder.model_version)
        workspace.embeddings.put(base, "text", {late.text_hash(): plant(encoder, -1)})
    expect(workspace, version, "late", "i01")
    workspace.database.connection.execute("DELETE FROM items WHERE item_id = 'i01'")
    moves = {one.item_id: one for one in compare_ranks(workspace, version, silent)}
    assert (moves["late"].before, moves["late"].after, moves["late"].title) == (1, 1, "another one")
    assert (moves["i01"].before, moves["i01"].after, moves["i01"].title) == (None, None, "i01")


def test_a_need_is_ranked_once_for_all_its_items(workspace: Workspace, version: Version, encoder: FakeEncoder) -> None:
    expect(workspace, version, "i00", "i01", "i02")
    catalog = workspace.catalogs.find("Shop")
    workspace.serving.of(catalog)
    encoder.encoded_texts.clear()
    saved = workspace.expectations.list(catalog.id)
    found = rank_expected(workspace.suggester, workspace.items, workspace.serving.of(catalog), saved)
    assert [one.rank for one in found] == [1, 2, 3] and encoder.encoded_texts == ["zeppelin"]


def test_the_answer_is_kept_with_the_version(workspace: Workspace, version: Version) -> None:
    expect(workspace, version, "i00", "i05")
    found = replay_needs(workspace, version, silent)
    assert found is not None and found.moves == compare_ranks(workspace, version, silent)
    metrics = workspace.versions.find("v1").metrics
    assert metrics["verdict"] == "helps" and metrics["replay"] == found.to_json()["replay"]
    assert metrics["replay"][0] == {
        "need": "zeppelin (text only)",
        "item_id": "i00",
        "title": "thing 0",
        "before": 1,
        "after": 12,
        "verdict": "lost",
    }
    assert metrics["replay_summary"] == (
        "0 of 1 saved need still finds what you expect; 1 lost: “zeppelin (text only)” no longer brings thing 0 into "
        "the first ten (1 → 12)."
    )


def test_without_saved_needs_nothing_is_computed(
    workspace: Workspace, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "embed_items", lambda *_: pytest.fail("no vectors are needed"))
    assert replay_needs(workspace, version, silent) is None
    assert workspace.versions.find("v1").metrics == {"verdict": "helps"}


@pytest.mark.parametrize(
    ("problem", "words"),
    [(TrainError("The version is damaged."), "The version is damaged."), (ZeroDivisionError(), "log of the run")],
)
def test_a_failure_leaves_the_version(
    workspace: Workspace, version: Version, monkeypatch: pytest.MonkeyPatch, problem: Exception, words: str
) -> None:
    def fail(*_: object) -> int:
        raise problem

    expect(workspace, version, "i00")
    monkeypatch.setattr(replay, "embed_items", fail)
    found = replay_needs(workspace, version, silent)
    kept: Mapping[str, Any] = workspace.versions.find("v1").metrics
    assert found is not None and found.moves == () and words in found.summary
    assert kept["verdict"] == "helps" and kept["replay_summary"] == found.summary


@pytest.mark.parametrize("stop", [CancelledError("stop"), JobError("another worker has it")])
def test_a_stop_comes_through(workspace: Workspace, version: Version, stop: Exception) -> None:
    def progress(*_: object) -> None:
        raise stop

    expect(workspace, version, "i00")
    with pytest.raises(type(stop)):
        replay_needs(workspace, version, progress)
    assert workspace.versions.find("v1").metrics == {"verdict": "helps"}


def test_another_backbone_by_now_is_said(workspace: Workspace, version: Version) -> None:
    expect(workspace, version, "i00")
    (catalog,) = workspace.catalogs.list()
    workspace.catalogs.switch_backbone(catalog, "other")
    found = replay_needs(workspace, version, silent)
    assert found is not None and "another model serves it" in found.summary


def test_the_sentence_names_what_moved() -> None:
    def move(need: str, before: int | None, after: int | None, verdict: str) -> Move:
        return Move(need=need, item_id="x", title="X", before=before, after=after, verdict=verdict)  # type: ignore[arg-type]

    moves = [move("red shoes", 2, 34, "lost"), move("a", 1, 1, "kept"), move("b", 3, 2, "kept")]
    said = describe_moves([*moves, move("c", None, 9, "gained"), move("d", 20, None, "still missing")])
    assert said == (
        "3 of 5 saved needs find what you expect; 1 lost: “red shoes” no longer brings X into the first ten "
        "(2 → 34); 1 gained: “c” now brings X into the first ten (not found → 9); 1 still missing, as before."
    )
    kept = [move("a", 1, 1, "kept"), move("b", 2, 11, "lost")]
    assert describe_moves(kept).startswith("1 of 2 saved needs still find what you expect; 1 lost")
    many = describe_moves([move(str(n), 1, 11, "lost") for n in range(5)])
    assert many.startswith("0 of 5 saved needs find") and "5 lost" in many and many.endswith(", and 2 more.")


def test_the_command_line_saves_lists_and_removes(
    workspace: Workspace, version: Version, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.cli.main import main

    monkeypatch.setattr("core.serving.models.load_encoder", lambda *_: FakeEncoder())

    def call(*arguments: str) -> Any:
        code = main(["--home", str(workspace.home.root), *arguments, "--catalog", "Shop", "--json"])
        said = capsys.readouterr()
        return json.loads(said.out) if code == 0 else said.err

    saved = call("expect", "zeppelin", "--items", "i00,i11", "--match", "text")
    assert [one["rank"] for one in saved["expectations"]] == [1, 12]
    assert saved["expectations"][0]["need"] == "zeppelin (text only)"
    assert call("expectations") == saved
    assert "not in the catalogue: nothing" in call("expect", "zeppelin", "--items", "nothing")
    number = str(saved["expectations"][0]["number"])
    assert [one["item_id"] for one in call("expectations", "--remove", number)["expectations"]] == ["i11"]
    assert "no saved need number" in call("expectations", "--remove", number)
    assert main(["--home", str(workspace.home.root), "expectations", "--catalog", "Shop"]) == 0
    assert "rank 12" in capsys.readouterr().out

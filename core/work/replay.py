"""Saved needs replayed on a version that has just been trained: what it would lose and gain if it served."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from core.errors import CancelledError, JobError, TrainError, WishlightError
from core.failures import explain_failure
from core.progress import Progress
from core.store.catalogs import Catalog
from core.store.versions import Version
from core.suggest.expected import ExpectedRank, rank_expected
from core.work.activate import embed_items
from core.workspace import Workspace

_log = logging.getLogger(__name__)
_NAMED = 3

Verdict = Literal["lost", "gained", "kept", "still missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How an expected item would move if the version served.

    Attributes:
        need: In words.
        item_id: As the catalogue's file calls it.
        title: The item's title; its id when it is gone from the catalogue.
        before: Its rank under what serves now, None where the need does not bring it.
        after: Its rank under the version.
        verdict: What that means for the first ten.
    """

    need: str
    item_id: str
    title: str
    before: int | None
    after: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What would move for the saved needs.

    Attributes:
        moves: One a saved need and expected item; none where they could not be replayed.
        summary: Them in a sentence, or why there are none.
    """

    moves: tuple[Move, ...]
    summary: str

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON values."""
        return {"replay": [asdict(move) for move in self.moves], "replay_summary": self.summary}


def replay_needs(workspace: Workspace, version: Version, progress: Progress) -> Replay | None:
    """Replay the catalogue's saved needs and keep the answer with the version; the version is written already.

    Only a stop that a person asked for, or a job that was taken over, comes through: whatever else goes wrong is kept
    as the answer.

    Returns:
        The answer; None when no need is saved.

    Raises:
        CancelledError: A person wants the work to stop.
        JobError: Another worker has the job.
    """
    found = _replay(workspace, version, progress)
    if found:
        try:
            _keep(workspace, version, found)
        except Exception:
            _log.exception("What moved for the saved needs could not be kept with version %s", version.id)
    return found


def compare_ranks(workspace: Workspace, version: Version, progress: Progress) -> tuple[Move, ...]:
    """Rank the saved needs' items by what serves now and by the version, both exactly as they serve.

    Raises:
        TrainError: The catalogue is gone or has another backbone, or the version's files are damaged.
    """
    expectations = workspace.expectations.list(version.catalog_id)
    if not expectations:
        return ()
    catalog = _find_catalog(workspace, version)
    embed_items(workspace, catalog, version.id, progress)
    progress("Replaying saved needs", 0, 0)
    before = rank_expected(workspace.suggester, workspace.items, workspace.serving.of(catalog), expectations)
    served = workspace.serving.of(replace(catalog, version=version.id))
    after = rank_expected(workspace.suggester, workspace.items, served, expectations)
    return tuple(_compare(*pair) for pair in zip(before, after, strict=True))


def describe_moves(moves: Sequence[Move]) -> str:
    """The moves in a sentence: how many needs find all that is expected, and what was lost and gained."""
    needs = {move.need for move in moves}
    good = needs - {move.need for move in moves if move.verdict in ("lost", "still missing")}
    noun, verb = ("need", "finds") if len(needs) == 1 else ("needs", "find")
    verdicts = {move.verdict for move in moves}
    still = "still " if "kept" in verdicts and "gained" not in verdicts else ""
    parts = [f"{len(good)} of {len(needs)} saved {noun} {still}{verb} what you expect"]
    parts += _name_moves([move for move in moves if move.verdict == "lost"], "no longer brings")
    parts += _name_moves([move for move in moves if move.verdict == "gained"], "now brings")
    missing = sum(move.verdict == "still missing" for move in moves)
    return "; ".join([*parts, *([f"{missing} still missing, as before"] if missing else [])]) + "."


def format_rank(rank: int | None) -> str:
    """A rank in words."""
    return "not found" if rank is None else f"{rank:,}"


def _name_moves(moves: Sequence[Move], words: str) -> list[str]:
    """A phrase for moves of one verdict, the first few by name; none for none."""
    if not moves:
        return []
    named = []
    for move in moves[:_NAMED]:
        ranks = f"{format_rank(move.before)} → {format_rank(move.after)}"
        named.append(f"“{move.need}” {words} {move.title} into the first ten ({ranks})")
    more = [f"and {len(moves) - _NAMED} more"] if len(moves) > _NAMED else []
    return [f"{len(moves)} {moves[0].verdict}: {', '.join([*named, *more])}"]


def _replay(workspace: Workspace, version: Version, progress: Progress) -> Replay | None:
    try:
        moves = compare_ranks(workspace, version, progress)
    except (CancelledError, JobError):
        raise
    except Exception as exc:
        _log.warning("The saved needs could not be replayed", exc_info=True)
        known = str(exc) if isinstance(exc, WishlightError) else explain_failure(exc)
        why = known or "The log of the run says why."
        return Replay(moves=(), summary=f"The saved needs could not be replayed. {why}")
    return Replay(moves=moves, summary=describe_moves(moves)) if moves else None


def _compare(before: ExpectedRank, after: ExpectedRank) -> Move:
    verdicts: Mapping[tuple[bool, bool], Verdict] = {
        (True, True): "kept",
        (True, False): "lost",
        (False, True): "gained",
        (False, False): "still missing",
    }
    return Move(
        need=before.expectation.need.title,
        item_id=before.expectation.item_id,
        title=before.title or before.expectation.item_id,
        before=before.rank,
        after=after.rank,
        verdict=verdicts[before.found, after.found],
    )


def _find_catalog(workspace: Workspace, version: Version) -> Catalog:
    for catalog in workspace.catalogs.list():
        if catalog.id == version.catalog_id and catalog.backbone == version.backbone:
            return catalog
    raise TrainError("The catalogue was deleted, or another model serves it since the training began.")


def _keep(workspace: Workspace, version: Version, replay: Replay) -> None:
    """Note the answer in the registry and in both cards of the version."""
    from core.versions.bundle import read_card, write_card

    found = replay.to_json()
    workspace.versions.note(version.id, found)
    folder = workspace.home.versions / version.id
    card = read_card(folder)
    card["metrics"] = {**card["metrics"], **found}
    write_card(card, folder)

"""Explaining many suggestions of a catalogue, so that they can be summed up; what is done is kept, one line a case."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

import numpy as np

from core.errors import ExplainError
from core.explain.audit import Audit, Case, Mapped, summarise
from core.failures import plain_failures
from core.progress import Progress
from core.store.catalogs import Catalog
from core.suggest.expected import open_need
from core.suggest.need import MAX_NEED_LENGTH, Need, split_avoid
from core.work.bound import ends_with_catalog
from core.work.runs import Part, digest, digest_json, open_run
from core.workspace import Workspace

_log = logging.getLogger(__name__)
#: Whose needs are asked: each item's own title, those saved with the catalogue, or those that a person typed.
NeedSource = Literal["titles", "saved", "typed"]
SOURCES: tuple[NeedSource, ...] = get_args(NeedSource)
#: More cases take hours, and their means hardly move any more.
MOST_CASES = 5_000
#: Of a need that is not an item's own title, so many suggestions are explained.
SUGGESTED = 5
_CASES, _MAPS = "cases.jsonl", "maps.jsonl"

_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSpec:
    """What to explain.

    Attributes:
        catalog: Its name.
        source: Whose needs are asked.
        needs: The needs where a person typed them.
        cases: At most so many suggestions, 1 to `MOST_CASES`.
        maps: At most so many pictures to look at, which takes seconds each on a processor.
        seed: Of the items that are drawn for their titles.
    """

    catalog: str
    source: NeedSource = "titles"
    needs: tuple[str, ...] = ()
    cases: int = 200
    maps: int = 24
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self) | {"needs": list(self.needs)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AuditSpec":
        """Read what `to_json` wrote."""
        return cls(**{**data, "needs": tuple(data["needs"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """A whole catalogue, explained.

    Attributes:
        catalog: Its name.
        audit: What was found.
    """

    catalog: str
    audit: Audit

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {"catalog": self.catalog, **self.audit.to_json()}


@ends_with_catalog
def run_audit(workspace: Workspace, spec: AuditSpec, run_id: str, progress: Progress) -> AuditReport:
    """Explain what a spec names; started again with the same id it goes on.

    Raises:
        WishlightError: Nothing can be explained; the message says what to do.
    """
    if spec.source not in SOURCES:
        raise ExplainError(f"There are no needs {spec.source!r}. Choose {', '.join(SOURCES)}.")
    if not 1 <= spec.cases <= MOST_CASES or not 0 <= spec.maps <= MOST_CASES:
        raise ExplainError(f"Ask for 1 to {MOST_CASES:,} cases and 0 to {MOST_CASES:,} maps.")
    catalog = workspace.catalogs.find(spec.catalog)
    progress("Choosing what to explain", 0, 0)
    asked = plan_cases(workspace, catalog, spec)
    parts: Mapping[Part, str] = {
        "catalogue": f"{catalog.id} {catalog.revision}",
        "model": f"{workspace.encoder(catalog.backbone).model_version} {catalog.version}",
        "settings": digest_json(spec.to_json()),
        "needs": digest(*(f"{replace(need, image=None)} {item_id}" for need, item_id in asked)),
    }
    with open_run(workspace.home, run_id, spec.to_json(), parts) as folder:
        weighing = _Stage(folder / _CASES, "Explaining", Case.from_json, progress)
        cases = weighing.go_on(asked, lambda one: workspace.explainer.weigh(catalog, *one))
        looking = _Stage(folder / _MAPS, "Looking at pictures", _read_mapped, progress)
        seen = [asked[at] for at in _choose_pictures(cases, spec.maps)]
        mapped = looking.go_on(seen, lambda one: _look(workspace, catalog, *one))
    return AuditReport(catalog=catalog.name, audit=summarise(cases, mapped))


def read_audit(folder: Path) -> Audit:
    """What an audit has found up to now; nothing where it has not begun."""
    return summarise(read_cases(folder), _read_lines(folder / _MAPS, _read_mapped))


def read_cases(folder: Path) -> tuple[Case, ...]:
    """The cases of an audit up to now."""
    return _read_lines(folder / _CASES, Case.from_json)


def plan_cases(workspace: Workspace, catalog: Catalog, spec: AuditSpec) -> tuple[tuple[Need, str], ...]:
    """Needs and the items to explain for each; the same spec and catalogue give the same ones.

    Raises:
        ExplainError: There is nothing to explain.
        WishlightError: A need cannot be asked.
    """
    plans: Mapping[NeedSource, Callable[[Workspace, Catalog, AuditSpec], Iterator[tuple[Need, str]]]] = {
        "titles": _own_titles,
        "saved": _saved_needs,
        "typed": _typed_needs,
    }
    # A need may bring the item that it is also expected to bring.
    found = tuple(dict.fromkeys(plans[spec.source](workspace, catalog, spec)))[: spec.cases]
    if not found:
        raise ExplainError(_NOTHING[spec.source].format(catalog=catalog.name))
    return found


_NOTHING: Mapping[NeedSource, str] = {
    "titles": "No item of “{catalog}” has a title to ask for. Import items with titles first.",
    "saved": "No need is saved for “{catalog}”. Save one under “Why?” on the Suggestions page, or take its own titles.",
    "typed": "No need was typed. Write one a line, or take the catalogue's own titles.",
}


def _own_titles(workspace: Workspace, catalog: Catalog, spec: AuditSpec) -> Iterator[tuple[Need, str]]:
    """Items drawn by the seed, each as its own title asks for it."""
    numbers = np.random.default_rng(spec.seed).permutation(workspace.items.select(catalog.id, ()))
    for stored in workspace.items.fetch(numbers[: spec.cases].tolist()):
        if stored.item.title.strip():
            yield Need(text=stored.item.title[:MAX_NEED_LENGTH], catalogs=(catalog.name,)), stored.item.item_id


def _saved_needs(workspace: Workspace, catalog: Catalog, _spec: AuditSpec) -> Iterator[tuple[Need, str]]:
    for saved, group in groupby(workspace.expectations.list(catalog.id), key=lambda one: one.need):
        need = open_need(saved, catalog)
        yield from _suggested(workspace, need)
        for expected in group:
            if workspace.items.find(catalog.id, expected.item_id) is not None:
                yield need, expected.item_id


def _typed_needs(workspace: Workspace, catalog: Catalog, spec: AuditSpec) -> Iterator[tuple[Need, str]]:
    for line in spec.needs:
        text, avoid = split_avoid(line)
        if text:
            yield from _suggested(workspace, Need(text=text, avoid=avoid, catalogs=(catalog.name,)))


def _suggested(workspace: Workspace, need: Need) -> Iterator[tuple[Need, str]]:
    for one in workspace.suggester.suggest(need, limit=SUGGESTED).page:
        yield need, one.stored.item.item_id


def _choose_pictures(cases: Sequence[Case], most: int) -> tuple[int, ...]:
    """Places of cases with a picture, evenly spread."""
    shown = [at for at, case in enumerate(cases) if "picture" in case.modalities]
    places = np.linspace(0, len(shown), min(most, len(shown)), endpoint=False).astype(int)
    return tuple(shown[at] for at in places.tolist())


def _look(workspace: Workspace, catalog: Catalog, need: Need, item_id: str) -> Mapped:
    began = time.perf_counter()
    try:
        found = workspace.explainer.look(catalog, need, item_id).map
    except ExplainError:  # pictures do not count for this need, or this model's cannot be read
        _log.info("No map of %s", item_id, exc_info=True)
        return Mapped(method="", seconds=time.perf_counter() - began)
    return Mapped(method=found.method if found.faithful else "", seconds=time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class _Stage(Generic[_Done]):
    """Units of work that are kept as lines of a file, so that a later run goes on after the last one."""

    path: Path
    title: str
    read: Callable[[Any], _Done]
    progress: Progress

    def go_on(self, asked: Sequence[tuple[Need, str]], make: Callable[[tuple[Need, str]], _Done]) -> tuple[_Done, ...]:
        """Make what is not yet done.

        Raises:
            ExplainError: The disk is full or may not be written.
            CancelledError: A person wants the work to stop; what was done stays.
        """
        with plain_failures("The audit cannot be kept", ExplainError):
            done = list(_read_lines(self.path, self.read))
            # Written anew: the last line may have been cut off.
            self.path.write_text("".join(_line(one) for one in done), "utf-8")
            with self.path.open("a", encoding="utf-8") as file:
                for one in asked[len(done) :]:
                    self.progress(self.title, len(done), len(asked))
                    done.append(make(one))
                    file.write(_line(done[-1]))
                    file.flush()
        self.progress(self.title, len(done), len(asked))
        return tuple(done)


def _line(one: Any) -> str:
    return json.dumps(asdict(one), ensure_ascii=False) + "\n"


def _read_lines(path: Path, read: Callable[[Any], _Done]) -> tuple[_Done, ...]:
    """Lines up to the first that was cut off; none where there is no file."""
    found: list[_Done] = []
    try:
        # Bytes: a line may end within a letter, and some letters count as ends of lines in a text.
        with path.open("rb") as file:
            for line in file:
                found.append(read(json.loads(line)))
    except FileNotFoundError:
        return ()
    except (ValueError, TypeError, KeyError):
        _log.warning("%s ends in a line that was cut off", path)
    return tuple(found)


def _read_mapped(data: Mapping[str, Any]) -> Mapped:
    return Mapped(**data)

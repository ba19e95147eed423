"""What goes with a thing that is deleted, counted and said before it goes."""

from dataclasses import asdict, dataclass
from typing import Any

from core.wording import count_noun

#: Names of files that are listed.
_LISTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Goes:
    """What goes for good.

    Attributes:
        items: Of the catalogue.
        pictures: That nothing else shows.
        shared_pictures: That another catalogue shows too; these stay.
        events: Of the log.
        people: Of the log.
        needs: That were saved with the items they must bring.
        versions: Ids of trained versions.
        runs: Trainings, searches and audits, with their curves, reports and checkpoints.
        uploads: Names of uploaded files.
        drafts: Imports that were prepared.
        entries: Of the list of work, with their logs.
        need_pictures: Pictures that somebody looked with.
        ends: Titles of work that ends for it.
    """

    items: int = 0
    pictures: int = 0
    shared_pictures: int = 0
    events: int = 0
    people: int = 0
    needs: int = 0
    versions: tuple[str, ...] = ()
    runs: int = 0
    uploads: tuple[str, ...] = ()
    drafts: int = 0
    entries: int = 0
    need_pictures: int = 0
    ends: tuple[str, ...] = ()

    def tell(self) -> tuple[str, ...]:
        """One line a kind of thing, in words for whoever owns it; nothing of what there is none of."""
        people = count_noun(self.people, "person", "people")
        said = {
            count_noun(self.items, "item"): self.items,
            f"{count_noun(self.pictures, 'picture')}, with what was read from them": self.pictures,
            f"the log, {count_noun(self.events, 'event')} of {people}": self.events,
            f"{count_noun(self.needs, 'item')} that saved needs must bring": self.needs,
            f"{count_noun(len(self.versions), 'trained version')} ({_list(self.versions)})": self.versions,
            f"{count_noun(self.runs, 'run')}, with curves, reports and checkpoints": self.runs,
            f"{count_noun(len(self.uploads), 'uploaded file')} ({_list(self.uploads)})": self.uploads,
            count_noun(self.drafts, "prepared import"): self.drafts,
            f"{count_noun(self.entries, 'entry', 'entries')} under Activity, logs included": self.entries,
            f"{count_noun(self.need_pictures, 'picture')} that somebody looked with": self.need_pictures,
        }
        return tuple(line for line, what in said.items() if what)

    def tell_stays(self) -> str:
        """What stays although one might think otherwise, "" for nothing."""
        if not self.shared_pictures:
            return ""
        one = self.shared_pictures == 1
        verb = "stays, since another catalogue shows it" if one else "stay, since another catalogue shows them"
        return f"{count_noun(self.shared_pictures, 'picture')} {verb}."

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def _list(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"

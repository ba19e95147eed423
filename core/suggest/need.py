"""What a person asks for."""

import re
from dataclasses import dataclass

from PIL import Image

from core.errors import NeedError
from core.parts import PARTS
from core.serving.calibration import ALL_PARTS
from core.store.database import check_text
from core.store.filters import Filter

MAX_NEED_LENGTH = 1_000
#: An "and" that joined what was taken out, and the space before a comma.
_LEFT_OVER = re.compile(r"(?:\s+(?:and|but|or))*\s+(?=[,;.]|$)", re.IGNORECASE)

# A number after "no" is a name ("No 5"), and "not only" asks for more, so neither is something to avoid.
_AVOID = re.compile(
    r"(?:^|[\s,;.])(?:but\s+not|not|without|no|except(?:\s+for)?|excluding)\s+(?!only\b|just\b|too\b|\d)"
    r"(?P<avoid>[^,;.]+?)(?=\s+but\b|\s+and\s+(?:not|no|without)\b|[,;.]|$)"
    r"|(?:不要|不含|不想要)(?P<zh>[^，。,;；\s]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A need in words, as a picture, or both.

    Attributes:
        text: Plain words, with what to avoid already taken out.
        avoid: Things to avoid, each a short phrase.
        image: A picture of what is wanted.
        like: (catalogue name, item id): more like this item.
        blend: Weight of the picture against the text when both are given, [0, 1].
        catalogs: Names of the catalogues to look in; empty means all.
        filters: Conditions that every suggestion must meet.
        match: Which part of an item is compared, one of `list_matches`.
        variety: 0 ranks by score alone, 1 by difference alone.
    """

    text: str = ""
    avoid: tuple[str, ...] = ()
    image: Image.Image | None = None
    like: tuple[str, str] | None = None
    blend: float = 0.5
    catalogs: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    match: str = ALL_PARTS
    variety: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.blend <= 1 or not 0 <= self.variety <= 1:
            raise ValueError("blend and variety lie between 0 and 1")
        if self.match not in list_matches():
            raise ValueError(f"match must be one of {list_matches()}")
        check_text(self.text, *self.avoid, *self.catalogs, *(self.like or ()))
        if len(self.text) > MAX_NEED_LENGTH:
            raise NeedError(f"The need is longer than {MAX_NEED_LENGTH} characters. Say it more briefly.")
        if not self.text.strip() and self.image is None and self.like is None:
            raise NeedError("Say what you need in a few words, or add a picture.")


def list_matches() -> tuple[str, ...]:
    """What a need may be compared with: all parts of an item, or one of them by its name."""
    return (ALL_PARTS, *PARTS)


def cut_need(text: str) -> str:
    """The need, or as many of its first words as a need may have characters."""
    if len(text) <= MAX_NEED_LENGTH:
        return text
    words, _, rest = text[: MAX_NEED_LENGTH + 1].rpartition(" ")
    return words if words.strip() else rest[:MAX_NEED_LENGTH]


def split_avoid(text: str) -> tuple[str, tuple[str, ...]]:
    """Take what is to be avoided out of a need.

    "winter boots, not leather" becomes ("winter boots", ("leather",)).

    Examples:
        >>> split_avoid("winter boots, not leather")
        ('winter boots', ('leather',))
    """
    avoid = tuple((match["avoid"] or match["zh"]).strip() for match in _AVOID.finditer(text))
    if not avoid:
        return text.strip(), ()
    wanted = _LEFT_OVER.sub("", _AVOID.sub(" ", text))
    return " ".join(wanted.split()).strip(" ,;.，。；"), avoid

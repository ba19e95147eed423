"""What was asked for, as a job, a run or a draft keeps it, perhaps written by another version."""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from core.errors import JobError

_Asked = TypeVar("_Asked")
#: In a run's folder: what was asked for.
SPEC = "spec.json"


def read_kept(read: Callable[[Mapping[str, Any]], _Asked], data: Mapping[str, Any]) -> _Asked:
    """Read what was asked for.

    Args:
        read: Makes it of the JSON values that were kept.
        data: Those.

    Raises:
        JobError: They are not what this version writes.
    """
    try:
        found = read(data)
        _check_types(found)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise JobError(
            "What was asked for cannot be read: another version of Wishlight wrote it down, or it is damaged. Start it "
            "anew."
        ) from exc
    return found


def fold_name(name: str) -> str:
    """A catalogue's name as the database compares names: the case of A to Z alone counts for nothing."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def find_catalog_name(asked: Mapping[str, Any]) -> str:
    """The catalogue that a job's payload, a run's or a draft's recipe names, "" for none."""
    inner = asked.get("train", asked)  # a search holds the training that it tries
    return " ".join(str(inner.get("catalog", "")).split()) if isinstance(inner, Mapping) else ""


def _check_types(found: object) -> None:
    hints = get_type_hints(type(found)) if is_dataclass(found) else {}
    for name, hint in hints.items():
        if not _is_of(value := getattr(found, name), hint):
            raise TypeError(f"{name} is {value!r}")
        _check_types(value)


def _is_of(value: object, hint: Any) -> bool:
    """Whether a value is of a type as a field is annotated with; what a container holds is not looked at."""
    kind = get_origin(hint)
    if kind in (Union, UnionType):
        return any(_is_of(value, one) for one in get_args(hint))
    if kind is Literal:
        return value in get_args(hint)
    return isinstance(value, kind or hint)

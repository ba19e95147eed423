"""What was asked for, as a job, a run or a draft keeps it, perhaps written by another version."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from core.errors import JobError

_Asked = TypeVar("_Asked")


def read_kept(read: Callable[[Mapping[str, Any]], _Asked], data: Mapping[str, Any]) -> _Asked:
    """Read what was asked for.

    Args:
        read: Makes it of the JSON values that were kept.
        data: Those.

    Raises:
        JobError: They are not what this version writes.
    """
    try:
        return read(data)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise JobError(
            "What was asked for cannot be read: another version of Wishlight wrote it down, or it is damaged. Start it "
            "anew."
        ) from exc

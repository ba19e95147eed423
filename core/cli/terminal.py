"""What is printed: letters that a terminal cannot show are replaced, and nothing that was printed can command it."""

import json
import math
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO

from core.errors import StoreError
from core.failures import explain_failure

#: Escape sequences begin with these, and some turn the direction of a whole line round. Lines and tabs stay.
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _CONTROLS if chr(code) not in "\n\t"
}
#: The same in JSON, which escapes the first of them by itself.
_IN_JSON = {code: f"\\u{code:04x}" for code in _CONTROLS if code >= 0x20}


def prepare_terminal() -> None:
    """Let standard output and errors replace what their encoding does not know, instead of failing.

    A thread of a library that meets a full disk prints no traceback either: whoever waits for it says so.
    """
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _hush_disk
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")


def _hush_disk(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or explain_failure(args.exc_value) is None:
        threading.__excepthook__(args)


def say(text: str) -> None:
    """Print lines for a person.

    Raises:
        StoreError: Standard output cannot be written, e.g. to a full disk.
    """
    _write(sys.stdout, make_visible(text))


def complain(text: str) -> None:
    """Print an error."""
    _write(sys.stderr, make_visible(f"error: {text}"))


def warn(text: str) -> None:
    """Print a warning at once and beside the result, which may be JSON."""
    _write(sys.stderr, make_visible(f"warning: {text}"))


def say_json(result: Mapping[str, Any]) -> None:
    """Print one JSON object, valid in whatever encoding; what is no number is null.

    Raises:
        StoreError: Standard output cannot be written, e.g. to a full disk.
    """
    text = json.dumps(_without_no_numbers(result), ensure_ascii=False).translate(_IN_JSON)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text))
    _write(sys.stdout, text)


def make_visible(text: str) -> str:
    """A text whose control characters are written out: a title must not colour, clear or rewrite a terminal."""
    return text.translate(_VISIBLE)


def _without_no_numbers(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_no_numbers(one) for key, one in value.items()}
    return [_without_no_numbers(one) for one in value] if isinstance(value, list | tuple) else value


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever started us
        return
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:  # whoever read has seen enough; the work goes on
        _let_go(stream)
    except OSError as exc:
        _let_go(stream)
        raise StoreError(f"The result cannot be printed ({exc.strerror}); what was done stays.") from exc


def _let_go(stream: TextIO) -> None:
    """Send what is still to be written nowhere, so that the end of the process does not fail on it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

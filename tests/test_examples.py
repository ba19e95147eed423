"""The examples in docstrings do what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = sorted(path for path in (ROOT / "core").rglob("*.py") if "    >>> " in path.read_text("utf-8"))


def test_there_are_some() -> None:
    assert len(SHOWN) >= 10


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    done = doctest.testmod(module)
    assert done.attempted and not done.failed, "what it gives instead stands above"

"""What the documents point to is there, and every room has its line."""

import re
from pathlib import Path

import pytest

from tests.test_architecture import ROOMS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, link


def test_files_that_are_named_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8") + (ROOT / "docs" / "design.md").read_text("utf-8")
    named = set(re.findall(r"`((?:core|ui|pages|tests|benchmarks|assets)/[\w/.-]+)`", text))
    assert len(named) > 30 and not sorted(name for name in named if not (ROOT / name).exists())


def test_every_room_has_its_line_in_the_order_of_imports() -> None:
    rows = re.findall(r"^\| (`core/.+?) \|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`core/(\w+)(?:/|\.py)`", row)]
    assert named == [room for room in ROOMS if room != "__main__"]


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150

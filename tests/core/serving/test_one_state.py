"""What answers a need depends on what the record holds, and on nothing else: no order, no process, no moment."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.catalog.schema import Item
from core.encode.encoder import PictureEmbeddings
from core.home import Home
from core.suggest.need import Need
from core.work.rebuild import rebuild
from core.workspace import Workspace
from tests.conftest import COLOURS, FakeEncoder
from tests.core.suggest.test_suggester import KINDS, add_items

NEEDS = (
    Need(text="red shoe"),
    Need(text="blue"),
    Need(text="hat", match="picture"),
    Need(text="bag", avoid=("green",)),
)


def _items(seed: int, *, pictures: float) -> list[Item]:
    """Sixty items in any order, of which a share has pictures and a few no words but their title."""
    rng = np.random.default_rng(seed)
    found = []
    for number in rng.permutation(60).tolist():
        kind, colour = KINDS[number % 5], list(COLOURS)[number % len(COLOURS)]
        shown = (colour,) if rng.random() < pictures else ()
        found.append(
            Item(item_id=f"i{number}", title=f"{kind} {colour if number % 3 else ''} {number}", pictures=shown)
        )
    return found


def _answers(workspace: Workspace) -> list[dict[str, tuple[float, str]]]:
    """Score and strength of every item for every need."""
    pages = [workspace.suggester.suggest(need, limit=480).page for need in NEEDS]
    return [{one.stored.item.item_id: (one.score, one.strength) for one in page} for page in pages]


def _check_same(found: Workspace, wanted: Workspace) -> None:
    for mine, theirs in zip(_answers(found), _answers(wanted), strict=True):
        assert mine.keys() == theirs.keys() and len(mine) == 60
        assert np.allclose([mine[one][0] for one in mine], [theirs[one][0] for one in mine], atol=1e-5)
        assert [mine[one][1] for one in mine] == [theirs[one][1] for one in mine]


@pytest.fixture
def open_workspace(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Workspace]:
    """Opens a data folder, a new one or one that is open already."""

    def make(home: Home | None = None) -> Workspace:
        from core.home import open_home

        found = home or open_home(tmp_path_factory.mktemp("state") / "home")
        return Workspace(found, encoder_loader=lambda _name: FakeEncoder())

    return make


@pytest.mark.parametrize(("seed", "pictures"), [(0, 1.0), (1, 0.5), (2, 0.05), (3, 0.0)])
def test_any_order_of_imports_gives_the_same_answers(
    open_workspace: Callable[..., Workspace], seed: int, pictures: float
) -> None:
    """The mean was that of whatever came first: items without a picture fell from ranks 3 to 5 to 10 to 12."""
    items = _items(seed, pictures=pictures)
    whole, grown = open_workspace(), open_workspace()
    add_items(whole, "Shop", sorted(items, key=lambda one: one.item_id))
    for at, part in enumerate((items[:1], items[1:9], items[9:40], items[40:])):
        # At first without pictures, or with a word more, and asked in between.
        add_items(grown, "Shop", [replace(one, pictures=(), title=f"{one.title} new") for one in part])
        _answers(grown)
        add_items(grown, "Shop", part)
        if at % 2:
            grown.serving.write(grown.catalogs.find("Shop"))
    _check_same(grown, whole)
    again = open_workspace(grown.home)  # another process, which reads what was written
    _check_same(again, whole)
    grown.serving.drop(grown.catalogs.find("Shop").id)
    _check_same(open_workspace(grown.home), whole)


def test_two_processes_on_one_folder_answer_alike(open_workspace: Callable[..., Workspace]) -> None:
    """The calibration of a page's process was never that of the worker's."""
    page = open_workspace()
    worker = open_workspace(page.home)
    items = _items(7, pictures=0.8)
    for shown in _steps(items):
        add_items(worker, "Shop", shown)
        worker.serving.write(worker.catalogs.find("Shop"))
        mine, theirs = _answers(page), _answers(worker)
        assert mine == theirs


def _steps(items: Sequence[Item]) -> list[list[Item]]:
    """Without pictures, with them, and with other words."""
    plain = [replace(one, pictures=()) for one in items]
    return [plain, list(items), [replace(one, description="leather") for one in items[::2]]]


def test_what_could_not_be_read_at_first_reaches_every_process(
    open_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items have not changed since, only what is known of them: a page kept them without a picture till restart."""
    page = open_workspace()
    worker = open_workspace(page.home)
    items = _items(5, pictures=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(FakeEncoder, "encode_pictures", _fail)
        add_items(worker, "Shop", items)
    assert _answers(page) == _answers(worker)
    rebuild(worker)
    assert _answers(page) == _answers(worker)
    whole = open_workspace()
    add_items(whole, "Shop", items)
    _check_same(page, whole)


def _fail(_self: FakeEncoder, paths: Sequence[Path]) -> PictureEmbeddings:
    rows = np.zeros((len(paths), 64), np.float32)
    return PictureEmbeddings(embeddings=rows, failures=dict.fromkeys(range(len(paths)), "the disk says no"))

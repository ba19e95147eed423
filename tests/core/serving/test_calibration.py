"""What each part is worth is measured on the catalogue itself."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.catalog.schema import Item
from core.parts import PARTS
from core.serving.calibration import PRIOR_ITEMS, _spread, list_priors
from core.suggest.need import Need
from core.workspace import Workspace
from tests.conftest import COLOURS, FakeEncoder
from tests.core.suggest.test_suggester import KINDS, add_items


class Towers(FakeEncoder):
    """Pictures say which title they belong to, as clearly as they are told to."""

    def __init__(self, clear: float) -> None:
        super().__init__(dimension=64)
        self._clear = clear

    def place_picture(self, title: str, number: int) -> np.ndarray:
        noise = np.random.default_rng(number).standard_normal(64) / 8
        row = self._clear * self.encode_texts([title])[0] + noise
        return (row / np.linalg.norm(row)).astype(np.float32)


def plant(workspace: Workspace, towers: Towers, count: int, *, rest: str = "") -> dict[str, float]:
    """A catalogue of distinct titles with planted pictures; what a picture counts for needs in words."""
    items = [
        Item(item_id=str(n), title=f"word{n} term{n * 7}", description=rest.format(n=n), pictures=("red",))
        for n in range(count)
    ]
    add_items(workspace, "Shop", items)
    catalog = workspace.catalogs.find("Shop")
    served = workspace.serving.of(catalog)
    rows, has = served.index.rows(served.index.ids)
    by_number = {one.id: one.item for one in workspace.items.iterate(catalog.id)}
    for row, number in enumerate(served.index.ids.tolist()):
        rows[row, 0] = towers.place_picture(by_number[number].title, number)
    served.index.add(served.index.ids, rows, has)
    workspace.catalogs.bump(catalog.id)
    return dict(workspace.serving.of(workspace.catalogs.find("Shop")).calibration.weights["text"])


@pytest.mark.parametrize(("clear", "least", "most"), [(3.0, 0.5, 1.0), (0.0, 0.0, 0.1)])
def test_pictures_get_the_weight_that_they_earn(workspace: Workspace, clear: float, least: float, most: float) -> None:
    """Descriptions say a little of the title; a strong picture tower says all, a useless one nothing."""
    weights = plant(workspace, Towers(clear), 160, rest="word{n} and much else that says nothing of it at all")
    assert least <= weights["picture"] <= most and sum(weights.values()) == pytest.approx(1)


def test_a_small_catalogue_stays_near_what_is_known_of_the_model(workspace: Workspace) -> None:
    weights = plant(workspace, Towers(3.0), 6, rest="word{n} and much else")
    assert weights["picture"] < 0.1 + 6 / (6 + PRIOR_ITEMS)


@pytest.mark.parametrize("has", [0, 1, 160])
def test_a_part_that_few_items_have_takes_no_measure_from_the_others(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, has: int
) -> None:
    """One item with a sound would else bring every catalogue's pictures back to what they count unmeasured."""
    sound = PARTS["picture"]
    read = lambda stored: sound.read(stored) if int(stored.item.item_id) < has else {}  # noqa: E731
    monkeypatch.setitem(PARTS, "sound", replace(sound, read=read, asked_by=("text",), prior={"text": 0.25}))
    weights = plant(workspace, Towers(3.0), 160, rest="word{n} and much else that says nothing of it at all")
    assert weights["picture"] > 0.4 and sum(weights.values()) == pytest.approx(1)
    prior = dict(zip(PARTS, list_priors(PARTS, "text"), strict=True))
    assert has == 160 or weights["sound"] == pytest.approx(prior["sound"])


def test_titles_alone_tell_nothing_of_what_texts_are_worth(workspace: Workspace) -> None:
    """A title finds itself in its own text whatever the text tower is like."""
    weights = plant(workspace, Towers(3.0), 60)
    assert list(weights.values()) == pytest.approx(list_priors(PARTS, "text"))


def test_equal_titles_are_not_wrong_answers(workspace: Workspace) -> None:
    """Fifty red shoes find each other: what they reach is no sign of a bad need."""
    items = [Item(item_id=str(n), title="red shoe" if n % 2 else f"thing{n}") for n in range(60)]
    add_items(workspace, "Shop", items)
    calibration = workspace.serving.of(workspace.catalogs.find("Shop")).calibration
    page = workspace.suggester.suggest(Need(text="red shoe"), limit=60).page
    assert {one.strength for one in page[:30]} == {"Strong"}
    assert calibration.good["text"]["both"] < page[29].score


def test_each_kind_of_need_has_its_own_words(workspace: Workspace) -> None:
    """Badges of pictures and of “more like this” were those of needs in words."""
    items = [
        Item(item_id=f"{kind}-{colour}", title=f"{kind} {at}", category=(kind,), pictures=(colour,))
        for at, kind in enumerate(KINDS)
        for colour in COLOURS
    ]
    add_items(workspace, "Shop", items)
    served = workspace.serving.of(workspace.catalogs.find("Shop"))
    strong = served.calibration.strong
    assert len({round(strong[asker]["both"], 3) for asker in ("text", "picture", "like")}) == 3
    for asker in ("text", "picture", "like"):
        assert all(strong[asker][match] >= served.calibration.good[asker][match] for match in ("both", "picture"))


def test_only_the_sample_counts(workspace: Workspace) -> None:
    add_items(workspace, "Shop", [Item(item_id=str(n), title=f"{KINDS[n % 5]} {n}") for n in range(30)])
    served = workspace.serving.of(workspace.catalogs.find("Shop"))
    assert served.calibration == workspace.serving.of(replace(served.catalog, revision=99)).calibration
    empty = workspace.catalogs.ensure("Empty", domain="goods", backbone="fake")
    assert workspace.serving.of(empty).calibration.strong["text"]["both"] == 3.0


@pytest.mark.parametrize("need", [Need(text="shoe", match="picture"), Need(image=Image.new("RGB", (9, 9), "red"))])
def test_where_no_item_has_a_picture_nothing_is_strong_for_one(workspace: Workspace, need: Need) -> None:
    """A score of 0 says nothing, yet levels measured on needs that nobody could ask were 0 too."""
    add_items(workspace, "Shop", [Item(item_id=str(n), title=f"{KINDS[n % 5]} {n}") for n in range(30)])
    page = workspace.suggester.suggest(need, limit=30).page
    assert {one.strength for one in page} == {"Weak"}


def test_items_without_a_picture_ask_for_none(workspace: Workspace) -> None:
    """Two of each colour: one wrong item in fifty has the very picture that was shown, so that alone is not good."""
    shown = [Item(item_id=f"{at}", title=f"thing {at}", pictures=(one,)) for at, one in enumerate([*COLOURS, *COLOURS])]
    add_items(workspace, "Shop", [*shown, *(Item(item_id=f"t{n}", title=f"word{n}") for n in range(38))])
    assert workspace.serving.of(workspace.catalogs.find("Shop")).calibration.good["picture"]["picture"] > 1


def test_three_items_that_are_alike_are_no_unit_for_scores() -> None:
    """The other two may happen to lie as close together as they like."""
    close = np.array([[0.9, 0.5, 0.501], [0.5, 0.9, 0.501], [0.5, 0.501, 0.9]], np.float32)
    wrong = ~np.eye(3, dtype=bool)
    assert _spread(close, wrong) > 0.01
    many = np.tile(close, (400, 1))
    assert _spread(many, np.tile(wrong, (400, 1))) == pytest.approx(1e-3, rel=0.02)

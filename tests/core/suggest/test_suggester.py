import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.catalog.pictures.normalise import normalise_picture
from core.catalog.schema import Item
from core.errors import CatalogNotFoundError, NeedError
from core.parts import PARTS
from core.store.filters import parse_filter
from core.store.items import PictureLink, StoredItem
from core.suggest.need import Need
from core.suggest.results import Suggestions
from core.work.encode_catalog import encode_missing, store_embeddings
from core.workspace import Workspace
from tests.conftest import COLOURS

KINDS = ("shoe", "hat", "bag", "scarf", "glove")


def add_items(workspace: Workspace, name: str, items: list[Item]) -> None:
    """Put items straight into the store; a picture reference is the name of a colour."""
    catalog = workspace.catalogs.ensure(name, domain="goods", backbone="fake")
    encoder = workspace.encoder("fake")
    links = {item.item_id: tuple(_store(workspace, colour) for colour in item.pictures) for item in items}
    stored = [StoredItem(id=0, catalog_id=0, item=item, pictures=links[item.item_id]) for item in items]
    encoded = encode_missing(workspace, encoder, stored)
    with workspace.database.transaction():
        store_embeddings(workspace, encoded)
        workspace.items.upsert(catalog.id, [(item, links[item.item_id]) for item in items])


def _store(workspace: Workspace, colour: str) -> PictureLink:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), COLOURS[colour]).save(buffer, "PNG")
    picture = f"{list(COLOURS).index(colour):064x}"
    workspace.pictures.put(picture, normalise_picture(buffer.getvalue()))
    return PictureLink(source=colour, picture=picture)


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """Thirty items: every kind in every colour; the colour is in the picture only."""
    items = [
        Item(
            item_id=f"{kind}-{colour}",
            title=f"{kind} number{at}{colour[0]}",
            description="leather" if colour == "black" else "",
            attributes={"Kind": (kind,)},
            pictures=(colour,),
        )
        for at, kind in enumerate(KINDS)
        for colour in COLOURS
    ]
    add_items(workspace, "Shop", items)
    return workspace


def _ids(found: Suggestions) -> list[str]:
    return [one.stored.item.item_id for one in found.page]


def test_words_and_pictures_together_find_the_planted_item(shop: Workspace) -> None:
    assert _ids(shop.suggester.suggest(Need(text="red shoe")))[0] == "shoe-red"
    assert _ids(shop.suggester.suggest(Need(text="blue hat")))[0] == "hat-blue"


def test_each_match_mode_sees_its_own_side(shop: Workspace) -> None:
    by_picture = _ids(shop.suggester.suggest(Need(text="red shoe", match="picture"), limit=5))
    assert all(item_id.endswith("-red") for item_id in by_picture)
    by_text = _ids(shop.suggester.suggest(Need(text="red shoe", match="text"), limit=6))
    assert all(item_id.startswith("shoe-") for item_id in by_text)


def test_a_picture_as_the_need(shop: Workspace) -> None:
    green = Image.new("RGB", (9, 9), COLOURS["green"])
    found = _ids(shop.suggester.suggest(Need(image=green), limit=5))
    assert all(item_id.endswith("-green") for item_id in found)
    both = Need(image=green, text="hat", blend=0.5)
    assert _ids(shop.suggester.suggest(both))[0] == "hat-green"


def test_the_blend_moves_from_words_to_picture(shop: Workspace) -> None:
    green = Image.new("RGB", (9, 9), COLOURS["green"])
    words = _ids(shop.suggester.suggest(Need(image=green, text="red", blend=0.0), limit=3))
    picture = _ids(shop.suggester.suggest(Need(image=green, text="red", blend=1.0), limit=3))
    assert words[0].endswith("-red") and picture[0].endswith("-green")


def test_what_is_to_be_avoided_goes_down(shop: Workspace) -> None:
    plain = _ids(shop.suggester.suggest(Need(text="shoe"), limit=6))
    assert "shoe-black" in plain
    found = shop.suggester.suggest(Need(text="shoe", avoid=("leather",)), limit=30)
    assert _ids(found)[:5] == [item_id for item_id in _ids(found) if item_id.startswith("shoe-")][:5]
    assert _ids(found).index("shoe-black") > 4
    black = next(one for one in found.page if one.stored.item.item_id == "shoe-black")
    assert black.parts["avoid"] < -1


def test_the_parts_add_up_to_the_score(shop: Workspace) -> None:
    found = shop.suggester.suggest(Need(text="red shoe", avoid=("leather",)), limit=30)
    assert len(found.page) == 30
    for one in found.page:
        assert set(one.parts) == {*PARTS, "words", "avoid"}
        assert one.score == pytest.approx(sum(one.parts.values()))
    scores = [one.score for one in found.page]
    assert scores == sorted(scores, reverse=True)
    assert [one.rank for one in found.page] == list(range(1, 31))


def test_an_exact_code_comes_first(shop: Workspace) -> None:
    add_items(shop, "Shop", [Item(item_id="XK-4711", title="a thing"), Item(item_id="b", title="a thing 4712")])
    assert _ids(shop.suggester.suggest(Need(text="xk 4711")))[0] == "XK-4711"
    add_items(shop, "Shop", [Item(item_id="fifty", title="deodorant 50 ml")])
    cheap = shop.suggester.suggest(Need(text="shoe under 50"), limit=40)
    fifty = next(one for one in cheap.page if one.stored.item.item_id == "fifty")
    assert fifty.parts["words"] <= 1.0, "a price is no code"
    assert _ids(shop.suggester.suggest(Need(text="4712 shoe")))[0] == "b"


@pytest.mark.parametrize(
    "need",
    ["FP-22/B", "fp22b", "pen FP 22/B", "4006381333931", "04006381333931", "978-3-16-148410-0", "978 3 16 148410 0",
     "EAN 4006381333931", "variant KX-9", "kx9"],
)  # fmt: skip
def test_a_typed_code_brings_its_item_first_however_it_is_written(shop: Workspace, need: str) -> None:
    codes = {"MPN": ("FP-22/B",), "EAN": ("4006381333931", "9783161484100"), "SKU": ("ABC", "KX-9")}
    near = {"MPN": ("FP-22/C", "FP-22"), "EAN": ("4006381333948",), "SKU": ("KX-8",)}
    others = [Item(item_id=f"{n}", title=f"pen variant fp 22 {n} b ean", codes=near) for n in range(5)]
    add_items(shop, "Shop", [*others, Item(item_id="pen", title="thing", codes=codes)])
    found = shop.suggester.suggest(Need(text=need))
    assert _ids(found)[0] == "pen" and found.page[0].parts["words"] >= 6


def test_codes_are_neither_filters_nor_words_of_the_text(shop: Workspace) -> None:
    plain = Item(item_id="a", title="thing")
    coded = Item(item_id="a", title="thing", codes={"EAN": ("4006381333931",)})
    assert plain.text_hash() == coded.text_hash() and plain.content_hash() != coded.content_hash()
    assert Item.from_json(coded.to_json()) == coded and "codes" not in plain.to_json()
    add_items(shop, "Shop", [coded])
    with pytest.raises(NeedError, match="EAN"):
        shop.suggester.suggest(Need(text="thing", filters=(parse_filter("EAN=4006381333931"),)))
    add_items(shop, "Shop", [plain])
    first = shop.suggester.suggest(Need(text="4006381333931")).page[0]
    assert first.parts["words"] == 0, "a code that the item has lost does not find it"


def test_filters_come_before_the_ranking(shop: Workspace) -> None:
    need = Need(text="red shoe", filters=(parse_filter("kind=hat"),))
    found = shop.suggester.suggest(need)
    assert found.candidates == found.ranked == 6
    assert _ids(found)[0] == "hat-red" and all(item_id.startswith("hat-") for item_id in _ids(found))
    nothing = shop.suggester.suggest(replace(need, filters=(parse_filter("kind=car"),)))
    assert nothing.page == () and nothing.candidates == 0
    with pytest.raises(NeedError, match=r"“Knid”.*Kind"):
        shop.suggester.suggest(replace(need, filters=(parse_filter("Knid=hat"),)))


def test_pages_continue_one_list(shop: Workspace) -> None:
    whole = _ids(shop.suggester.suggest(Need(text="red shoe"), limit=30))
    pages = [_ids(shop.suggester.suggest(Need(text="red shoe"), offset=at, limit=10)) for at in (0, 10, 20)]
    assert [item_id for page in pages for item_id in page] == whole
    assert shop.suggester.suggest(Need(text="red shoe"), offset=100).page == ()


def test_variety_mixes_kinds(shop: Workspace) -> None:
    plain = {item_id.split("-")[0] for item_id in _ids(shop.suggester.suggest(Need(text="shoe"), limit=5))}
    mixed = {item_id.split("-")[0] for item_id in _ids(shop.suggester.suggest(Need(text="shoe", variety=0.8), limit=5))}
    assert plain == {"shoe"} and len(mixed) > 1


def test_more_like_this_leaves_the_item_itself_out(shop: Workspace) -> None:
    found = _ids(shop.suggester.suggest(Need(like=("Shop", "shoe-red")), limit=5))
    assert "shoe-red" not in found
    assert all(item_id.startswith("shoe-") or item_id.endswith("-red") for item_id in found)
    with pytest.raises(NeedError, match="no longer"):
        shop.suggester.suggest(Need(like=("Shop", "gone")))


def test_all_catalogs_answer_together(shop: Workspace) -> None:
    add_items(
        shop, "Other", [Item(item_id=f"o{n}", title=title) for n, title in enumerate(("umbrella", "kite", "mug"))]
    )
    found = shop.suggester.suggest(Need(text="umbrella"))
    assert (found.page[0].catalog, found.page[0].stored.item.title) == ("Other", "umbrella")
    assert {one.catalog for one in found.page} == {"Other", "Shop"}
    assert {one.catalog for one in shop.suggester.suggest(Need(text="umbrella", catalogs=("Shop",))).page} == {"Shop"}
    with pytest.raises(CatalogNotFoundError):
        shop.suggester.suggest(Need(text="umbrella", catalogs=("No such",)))


def test_a_good_match_is_called_stronger_than_a_poor_one(shop: Workspace) -> None:
    order = {"Weak": 0, "Good": 1, "Strong": 2}
    found = shop.suggester.suggest(Need(text="red shoe"), limit=30)
    ranks = [order[one.strength] for one in found.page]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] == 2 and ranks[-1] == 0
    nonsense = shop.suggester.suggest(Need(text="zyx qwv"), limit=3)
    assert order[nonsense.page[0].strength] < 2


def test_an_item_without_picture_or_text_still_takes_part(shop: Workspace) -> None:
    add_items(shop, "Shop", [Item(item_id="bare", title="teapot"), Item(item_id="mute", pictures=("yellow",))])
    assert _ids(shop.suggester.suggest(Need(text="teapot")))[0] == "bare"
    assert "mute" in _ids(shop.suggester.suggest(Need(text="yellow", match="picture"), limit=7))


def test_a_need_in_chinese_is_answered_and_explained(shop: Workspace) -> None:
    add_items(shop, "Shop", [Item(item_id="zh", title="红色帽子")])
    found = shop.suggester.suggest(Need(text="帽子"))
    assert _ids(found)[0] == "zh"
    (note,) = found.notes
    assert "multilingual" in note
    # The text part is not switched off, and the note does not say so.
    assert any(one.parts["text"] for one in found.page) and "a guess" in note and "only exact words" not in note
    assert shop.suggester.suggest(Need(text="hat")).notes == ()


def test_items_that_a_version_has_not_read_are_said(shop: Workspace) -> None:
    """As after an update that makes its vectors anew: they stand as without training, and nobody was told."""
    catalog = shop.catalogs.find("Shop")
    shop.versions.add("v", catalog.id, title="", backbone="fake", has_log=False, metrics={})
    (shop.home.versions / "v").mkdir(parents=True)
    (shop.home.versions / "v" / "card.json").write_text("{}")
    assert shop.versions.activate(catalog.id, "v")
    found = shop.suggester.suggest(Need(text="hat"))
    assert len(found.page) and "has not read 30 items of “Shop” yet" in " ".join(found.notes)


def test_a_catalogue_that_is_named_twice_answers_once(shop: Workspace) -> None:
    once, twice = (shop.suggester.suggest(Need(text="hat", catalogs=names)) for names in (("Shop",), ("Shop", "shop")))
    assert _ids(twice) == _ids(once) and twice.candidates == once.candidates


def test_new_items_are_found_at_once(shop: Workspace) -> None:
    assert "kite" not in _ids(shop.suggester.suggest(Need(text="kite")))
    add_items(shop, "Shop", [Item(item_id="kite", title="kite")])
    assert _ids(shop.suggester.suggest(Need(text="kite")))[0] == "kite"


def test_nothing_is_encoded_twice(shop: Workspace, encoder: object) -> None:
    before = len(encoder.encoded_pictures)  # type: ignore[attr-defined]
    item = Item(item_id="shoe-red", title="shoe number0r", attributes={"Kind": ("shoe",)}, pictures=("red",))
    stored = StoredItem(id=0, catalog_id=0, item=item, pictures=(PictureLink(source="red", picture=f"{0:064x}"),))
    assert not any(one.vectors for one in encode_missing(shop, shop.encoder("fake"), [stored]))
    assert len(encoder.encoded_pictures) == before  # type: ignore[attr-defined]


def test_an_empty_folder_has_nothing_to_suggest(workspace: Workspace) -> None:
    found = workspace.suggester.suggest(Need(text="anything"))
    assert found.page == () and found.ranked == 0


def test_a_catalog_of_one_item(workspace: Workspace) -> None:
    add_items(workspace, "One", [Item(item_id="1", title="only thing")])
    assert _ids(workspace.suggester.suggest(Need(text="thing"))) == ["1"]


def test_the_picture_of_a_need_is_kept_by_content(
    workspace: Workspace, tmp_path: Path, save_picture: Callable[..., Path]
) -> None:
    data = save_picture(tmp_path / "x.png", "green").read_bytes()
    picture = workspace.keep_need_picture(data)
    assert workspace.keep_need_picture(data) == picture
    assert np.asarray(workspace.open_need_picture(picture)).shape == (30, 40, 3)
    for bad in ("../../x", "f" * 64):
        with pytest.raises(NeedError):
            workspace.open_need_picture(bad)
    with pytest.raises(NeedError):
        workspace.keep_need_picture(b"no picture")

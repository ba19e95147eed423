from collections.abc import Callable, Iterable

import pytest
from streamlit.testing.v1 import AppTest

from core.catalog.importing.sample import SAMPLE_NAME, SAMPLE_NEEDS
from core.catalog.schema import Item
from core.workspace import Workspace
from tests.core.suggest.test_suggester import add_items

Open = Callable[..., AppTest]


def _words(test: AppTest) -> str:
    html = " ".join(element.proto.body for element in test.get("html"))
    return " ".join([html, *(one.value for one in test.markdown), *(one.value for one in test.caption)])


def _unescaped(texts: Iterable[str]) -> str:
    return " ".join(texts).replace("\\", "")


def _labels(test: AppTest) -> list[str]:
    return [_unescaped([button.label]) for button in test.button]


def _titles(test: AppTest) -> list[str]:
    bodies = [element.proto.body for element in test.get("html")]
    return [body.split('title="')[1].split('"')[0] for body in bodies if 'class="wl-title"' in body]


def test_without_a_catalog_it_offers_the_two_ways_on(app: Open) -> None:
    test = app()
    assert [button.label for button in test.button] == ["Load the sample catalogue", "Import a file"]
    assert "There is no catalogue yet" in _words(test)


def test_examples_fill_the_need(app: Open, shop: Workspace) -> None:
    test = app()
    example = next(button for button in test.button if button.key == "example-0")
    example.click().run()
    assert test.text_input(key="need").value == example.label
    assert len(_titles(test)) == 24


def test_a_need_is_answered_with_cards(app: Open, shop: Workspace) -> None:
    test = app()
    test.text_input(key="need").input("red shoe").run()
    assert _titles(test)[0] == "red shoe"
    assert "1–24 of the best 60" in _words(test)
    assert not test.exception and not test.error


def test_a_link_shows_the_same_page(app: Open, shop: Workspace) -> None:
    test = app(need="blue hat", **{"f.brand": "Hat House"})
    assert _titles(test)[0] == "blue hat" and len(_titles(test)) == 6
    assert "Brand: Hat House" in _labels(test)


def test_filters_chips_and_pages(app: Open, shop: Workspace) -> None:
    test = app(need="shoe")
    test.number_input(key="f.price.to").set_value(20.0).run()
    assert len(_titles(test)) == 10
    chip = next(button for button in test.button if (button.key or "").startswith("chip-price"))
    chip.click().run()
    assert len(_titles(test)) == 24


def test_a_filter_keeps_all_digits_of_a_price(app: Open, shop: Workspace) -> None:
    from decimal import Decimal

    from core.catalog.schema import Item

    catalog = shop.catalogs.find("Shop")
    for number, price in enumerate(("12345.67", "1234567")):
        with shop.database.transaction():
            shop.items.upsert(catalog.id, [(Item(item_id=f"dear-{number}", title=price, price=Decimal(price)), ())])
    test = app()
    test.number_input(key="f.price.from").set_value(12345.67).run()
    assert _titles(test) == ["1234567", "12345.67"]
    test.number_input(key="f.price.from").set_value(1234567.0).run()
    assert _titles(test) == ["1234567"]
    assert "Price from 1234567" in _labels(test)


def test_in_stock_only_is_one_click(app: Open, shop: Workspace) -> None:
    from core.catalog.schema import Item

    assert not [one for one in app().toggle if one.key == "stock"], "nothing is known of its stock"
    catalog = shop.catalogs.find("Shop")
    for item_id, state in (("a", "in stock"), ("b", "out of stock")):
        with shop.database.transaction():
            shop.items.upsert(catalog.id, [(Item(item_id=item_id, title=f"red {item_id}", availability=state), ())])
    test = app()
    test.toggle(key="stock").set_value(True).run()
    assert _titles(test) == ["red a"] and "Availability: in stock" in _labels(test)
    test.toggle(key="stock").set_value(False).run()
    assert len(_titles(test)) == 24


def test_a_need_that_is_too_long_is_cut_and_said(app: Open, shop: Workspace) -> None:
    long = "red shoe " * 200
    test = app()
    test.text_input(key="need").input(long).run()
    assert "its end was cut off" in test.warning[0].value and _titles(test)[0] == "red shoe"
    assert len(test.text_input(key="need").value) <= 1000
    link = app(need=long.strip())
    assert "its end was cut off" in link.warning[0].value and _titles(link)[0] == "red shoe"


def test_a_need_that_only_avoids_shows_everything_else(app: Open, shop: Workspace) -> None:
    test = app(need="not a shoe, not red")
    assert "only what to avoid: 15 of 60 items" in test.info[0].value
    assert len(_titles(test)) == 24 and not [title for title in _titles(test) if "shoe" in title or "red" in title]


def test_what_is_to_be_avoided_is_said(app: Open, shop: Workspace) -> None:
    test = app(need="shoe, not red")
    assert "avoiding red" in _words(test)
    assert _titles(test)[:5] and "red shoe" not in _titles(test)[:5]


def test_more_like_this(app: Open, shop: Workspace) -> None:
    test = app(need="red shoe")
    next(button for button in test.button if button.label == "More like this").click().run()
    assert test.query_params["like"] == "shoe-red"
    assert "More like **red shoe**" in _words(test) and "red shoe" not in _titles(test)
    next(button for button in test.button if button.key == "clear-like").click().run()
    assert not test.query_params.get("like")


def test_why_shows_the_parts(app: Open, shop: Workspace) -> None:
    test = app(need="red shoe")
    next(button for button in test.button if button.label == "Why?").click().run()
    assert "Words mean the same" in _words(test) and "rank 1" in _words(test)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"catalog": "Nowhere", "need": "red"}, "There is no catalogue “Nowhere” here"),
        ({"like": "nothing"}, "no item “nothing” in “Shop”"),
        ({"like": "nothing", "like_in": "Shop"}, "no item “nothing” in “Shop”"),
        ({"like": "shoe-red", "like_in": "Nowhere"}, "There is no catalogue “Nowhere” here"),
        ({"like": "shoe-red", "like_in": "Nowhere", "catalog": "Shop"}, "no item “shoe-red” in “Nowhere”"),
        ({"picture": "f" * 64}, "not on this machine"),
        ({"picture": "../../etc/passwd"}, "not on this machine"),
        ({"f.nocolumn": "zz"}, "No item has a field “nocolumn” to filter by"),
        ({"f.nocolumn.from": "3"}, "No item has a field “nocolumn” to filter by"),
        ({"f.brand": "zz", "need": "hat"}, "No item has “zz” as its brand"),
        ({"f.price.to": "cheap"}, "“cheap” is no number"),
        ({"f.price.to": "nan"}, "“nan” is no number"),
        ({"page": "9999"}, "There is no page “9999”"),
        ({"page": "9999", "need": "hat"}, "There is no page “9999”"),
        ({"page": "-1", "need": "hat"}, "There is no page “-1”"),
        ({"page": "two"}, "There is no page “two”"),
    ],
)
def test_a_link_to_what_is_not_there_says_so(app: Open, shop: Workspace, address: dict[str, str], said: str) -> None:
    test = app(**address)
    assert said in _unescaped(one.value for one in [*test.error, *test.warning, *test.info])
    assert not test.exception and not (test.error and _titles(test)), "nothing is answered in its place"


def test_a_link_to_another_catalog_offers_those_that_are_here(app: Open, shop: Workspace) -> None:
    test = app(catalog="Nowhere", need="red shoe", **{"f.brand": "Hat House"})
    next(button for button in test.button if button.label == "Shop").click().run()
    assert test.query_params["catalog"] == "Shop" and _titles(test)[0] == "red shoe"
    assert not [one for one in test.button if (one.key or "").startswith("chip-")], "filters were the other catalogue's"


def test_a_catalog_is_found_however_its_name_is_written(app: Open, shop: Workspace) -> None:
    test = app(catalog="SHOP", need="red shoe")
    assert _titles(test)[0] == "red shoe" and test.selectbox(key="catalog").value == "Shop"


def test_hostile_titles_stay_text(app: Open, shop: Workspace) -> None:
    from core.catalog.schema import Item

    catalog = shop.catalogs.find("Shop")
    evil = '<script>alert(1)</script> **bold** "quoted" :red[x] $x$'
    with shop.database.transaction():
        shop.items.upsert(catalog.id, [(Item(item_id="evil", title=evil, brand="[a](javascript:b)"), ())])
    test = app(need=evil, **{"f.brand": "Hat House"})
    assert not test.exception
    assert "<script>alert" not in _words(app(need="alert bold quoted"))


def test_a_need_is_saved_with_the_item_it_must_bring(app: Open, shop: Workspace) -> None:
    test = app(need="red shoe, not leather", **{"f.brand": "Shoe House"})
    next(button for button in test.button if button.label == "Why?").click().run()
    test.button(key="expect").click().run()
    catalog = shop.catalogs.find("Shop")
    (saved,) = shop.expectations.list(catalog.id)
    assert saved.item_id == "shoe-red" and saved.need.title == "red shoe, not leather (brand = Shoe House)"
    test = app(need="red shoe, not leather", **{"f.brand": "Shoe House"})
    next(button for button in test.button if button.label == "Why?").click().run()
    assert "You expect this item for" in _words(test) and not [one for one in test.button if one.key == "expect"]
    test.button(key="expect-undo").click().run()
    assert not test.exception and shop.expectations.list(catalog.id) == ()


def test_more_like_this_is_no_need_to_save(app: Open, shop: Workspace) -> None:
    test = app(like="shoe-red", like_in="Shop")
    next(button for button in test.button if button.label == "Why?").click().run()
    assert "rank 1" in _words(test) and not [one for one in test.button if one.key == "expect"]


def test_examples_are_the_catalogues_own(app: Open, shop: Workspace) -> None:
    test = app()
    examples = [button.label for button in test.button if (button.key or "").startswith("example-")]
    titles = {stored.item.title for stored in shop.items.iterate(shop.catalogs.list()[0].id)}
    assert examples and set(examples) <= titles
    assert test.text_input(key="need").placeholder == f"Say it in your own words, e.g. {examples[0]}"
    assert "made for demos" not in _words(test)


def test_the_sample_says_what_its_pictures_are_and_has_its_own_examples(app: Open, workspace: Workspace) -> None:
    add_items(workspace, SAMPLE_NAME, [Item(item_id="1", title="a chair", category=("Home", "Chairs"))])
    test = app()
    assert tuple(b.label for b in test.button if (b.key or "").startswith("example-")) == SAMPLE_NEEDS
    assert "pictures made for demos, most of them rendered or generated" in _words(test)
    test.text_input(key="need").input("chair").run()
    assert "pictures made for demos" in _words(test)
    test = app("../pages/catalogs.py")
    assert "Pictures made for demos" in _words(test)
    assert any("Magento" in one.value and "Spree Commerce" in one.value for one in test.markdown)

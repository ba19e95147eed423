from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.catalog.sample import SAMPLE_NAME, SAMPLE_NEEDS
from core.catalog.schema import Item
from core.workspace import Workspace
from tests.core.suggest.test_suggester import add_items

Open = Callable[..., AppTest]


def _words(test: AppTest) -> str:
    html = " ".join(element.proto.body for element in test.get("html"))
    return " ".join([html, *(one.value for one in test.markdown), *(one.value for one in test.caption)])


def _titles(test: AppTest) -> list[str]:
    bodies = [element.proto.body for element in test.get("html")]
    return [body.split('title="')[1].split('"')[0] for body in bodies if 'class="wl-title"' in body]


def test_without_a_catalog_it_offers_the_two_ways_on(app: Open) -> None:
    test = app()
    assert [button.label for button in test.button] == ["Load the sample catalogue", "Import a CSV"]
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
    assert any("brand = Hat House" in button.label for button in test.button)


def test_filters_chips_and_pages(app: Open, shop: Workspace) -> None:
    test = app(need="shoe")
    test.number_input(key="f.price.to").set_value(20.0).run()
    assert len(_titles(test)) == 10
    chip = next(button for button in test.button if (button.key or "").startswith("chip-price"))
    chip.click().run()
    assert len(_titles(test)) == 24


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
    assert "like" not in test.query_params


def test_why_shows_the_parts(app: Open, shop: Workspace) -> None:
    test = app(need="red shoe")
    next(button for button in test.button if button.label == "Why?").click().run()
    assert "Words mean the same" in _words(test) and "rank 1" in _words(test)


def test_a_link_to_what_is_gone_is_a_sentence(app: Open, shop: Workspace) -> None:
    assert "no longer" in app(like="nothing", like_in="Shop").error[0].value
    assert "no catalogue named" in app(like="x", like_in="Nowhere").error[0].value
    assert "not on this machine" in app(picture="f" * 64).error[0].value
    assert "not on this machine" in app(picture="../../etc/passwd").error[0].value


def test_hostile_titles_stay_text(app: Open, shop: Workspace) -> None:
    from core.catalog.schema import Item

    catalog = shop.catalogs.find("Shop")
    evil = '<script>alert(1)</script> **bold** "quoted" :red[x] $x$'
    with shop.database.transaction():
        shop.items.upsert(catalog.id, [(Item(item_id="evil", title=evil, brand="[a](javascript:b)"), ())])
    test = app(need=evil, **{"f.brand": "Hat House"})
    assert not test.exception
    assert "<script>" not in _words(app(need="alert bold quoted"))


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

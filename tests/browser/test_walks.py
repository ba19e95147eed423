"""Ways through the pages and back, links to what is not there, and cards that hide nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Server, Visit, import_rows
from tests.conftest import COLOURS

pytestmark = pytest.mark.long

Open = Callable[..., Visit]
KINDS = ("shoe", "hat", "bag", "scarf", "glove")
LONG = "Weatherproof outdoor equipment and accessories for expeditions"


@pytest.fixture(scope="module")
def server(start_server: Callable[[], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Two catalogues without pictures: one of sixty items, some of them out of stock, and one of three."""
    server = start_server()
    rows = [
        (f"{kind}-{colour}-{size}", f"{size} {colour} {kind}", f"Goods > {LONG}", price, stock)
        for price, (colour, kind, size, stock) in enumerate(
            (colour, kind, size, stock)
            for size, stock in (("small", "in stock"), ("large", "out of stock"))
            for colour in COLOURS
            for kind in KINDS
        )
    ]
    few = [(name, name, "Tools", 5, "in stock") for name in ("spade", "rake", "hose")]
    columns = ("id", "title", "category", "price", "availability")
    for name, lines in (("Corner shop", rows), ("Garden", few)):
        import_rows(server, name, [columns, *lines], tmp_path_factory.mktemp("table"))
    return server


def test_each_need_and_page_is_an_entry_of_the_history(server: Server, visit: Open) -> None:
    page = visit(server).open("/").ask("a red hat")
    hats = page.titles()
    page.ask("a blue shoe").press("Next page")
    assert page.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    assert page.asked == {"catalog": ["Corner shop"], "need": ["a blue shoe"], "page": ["2"]}
    assert page.page.title() == "Suggestions · Wishlight"
    assert "page" not in page.go_back().asked and "blue shoe" in page.titles()[0]
    page.go_back()
    assert page.titles() == hats and page.page.get_by_label("What do you need?").input_value() == "a red hat"
    page.page.go_forward()
    page.page.wait_for_function("() => location.search.includes('blue')")
    assert "blue shoe" in page.settle().titles()[0]
    page.follow("Training").go_back()
    assert "blue shoe" in page.titles()[0], "the way back from another page keeps the need"


@pytest.mark.parametrize("by_link", [True, False], ids=["link", "browser"])
def test_back_from_a_full_explanation_to_exactly_what_was_there(server: Server, visit: Open, by_link: bool) -> None:
    page = visit(server).open("/?catalog=Corner+shop&need=something+to+wear&f.price.from=3&variety=0.3&page=2")
    titles, there = page.titles(), page.asked
    page.click("Why?").follow("Explain it in full").says("What the score is made of")
    assert page.page.title() == "Why? · Wishlight"
    if by_link:
        page = visit(server).open(page.path).says("What the score is made of")  # in a new window
        page.follow("Back to the suggestions")
    else:
        page.go_back()
    page.says("25–48 of the best")
    assert page.titles() == titles and page.asked == there
    assert page.page.get_by_role("button", name="Price from 3").count() == 1


@pytest.mark.parametrize("by_link", [True, False], ids=["link", "browser"])
def test_back_from_more_like_this_to_exactly_what_was_there(server: Server, visit: Open, by_link: bool) -> None:
    page = visit(server).open("/?catalog=Corner+shop&need=something+to+wear&f.availability=in+stock&page=2")
    titles, there = page.titles(), page.asked
    page.press("More like this").says(f"More like {titles[0]}")
    assert "like=" in page.path and page.page.get_by_label("What do you need?").input_value() == ""
    if by_link:
        page.page.reload()
        page.settle().press("Back to “something to wear”")
    else:
        page.go_back()
    assert page.titles() == titles and page.asked == there


@pytest.mark.parametrize(
    ("path", "said", "offered"),
    [
        ("/?catalog=Nowhere&need=red", "There is no catalogue “Nowhere” here.", "Corner shop"),
        ("/training?catalog=Nowhere", "There is no catalogue “Nowhere” here.", "Garden"),
        ("/?catalog=Garden&like=hat-red-small", "There is no item “hat-red-small” in “Garden”", "Clear"),
        (
            "/?catalog=Garden&f.colour=red&need=hat",
            "No item has a field “colour” to filter by.",
            "Take all filters away",
        ),
        ("/?need=hat&page=9999", "There is no page “9999”. There are", "First page"),
        ("/?catalog=Garden&page=two", "There is no page “two”. There is one page.", "First page"),
    ],
)
def test_a_link_to_what_is_not_there_says_so_and_offers_what_is(
    server: Server, visit: Open, path: str, said: str, offered: str
) -> None:
    page = visit(server).open(path).says(said)
    assert not [title for title in page.titles() if title not in ("spade", "rake", "hose")]
    page.press(offered)
    assert page.page.get_by_text(said).count() == 0


def test_an_item_that_is_not_there_leads_to_the_suggestions(server: Server, visit: Open) -> None:
    page = visit(server).open("/why?catalog=Garden&need=spade&item=NOPE").says("There is no item “NOPE” in “Garden”")
    assert page.follow("Go to the suggestions").titles()[0] == "spade"


def test_a_page_that_is_not_there_is_said(server: Server, visit: Open) -> None:
    page = visit(server).open("/nowhere").says("The page that you have requested does not seem to exist")
    page.complaints.clear()  # Streamlit says it in the console as well


def test_another_catalogue_is_a_step_that_one_can_take_back(server: Server, visit: Open) -> None:
    page = visit(server).open("/").ask("a spade")
    assert "spade" not in page.titles()
    before = page.page.url
    page.page.get_by_role("combobox", name="Catalogue").click()
    page.page.get_by_role("option", name="Garden").click()
    assert page.moved(before).titles()[0] == "spade" and page.asked == {"catalog": ["Garden"], "need": ["a spade"]}
    assert "catalog=Garden" in page.follow("Audit").path, "the side bar's links keep the catalogue"
    page.go_back().go_back()
    assert "spade" not in page.titles() and "catalog=Corner+shop" in page.path


def test_only_what_is_in_stock_is_one_click(server: Server, visit: Open) -> None:
    page = visit(server).open("/?need=a+large+hat")
    assert "large" in page.titles()[0]
    before = page.page.url
    page.page.get_by_text("In stock only").click()
    assert all("small" in title for title in page.moved(before).titles())
    page.page.get_by_role("button", name="Filters (1)").wait_for()
    page.press("Availability: in stock")
    assert "large" in page.titles()[0]


def test_a_folded_control_neither_undoes_what_another_has_set_nor_forgets(server: Server, visit: Open) -> None:
    page = visit(server).open("/?catalog=Corner+shop").ask("a hat").click("Filters")
    before = page.page.url
    page.page.get_by_label("Price from", exact=True).fill("3")
    page.page.keyboard.press("Enter")
    page.moved(before).page.keyboard.press("Escape")
    before = page.page.url
    page.page.get_by_text("In stock only").click()
    page.moved(before).press("Price from 3").ask("a bag")
    wanted = {"catalog": ["Corner shop"], "need": ["a bag"], "f.availability": ["in stock"]}
    assert page.asked == wanted, "the folded filters said nothing of their own"
    page.click("Options")
    before = page.page.url
    page.page.get_by_label("Avoid").fill("red")
    page.page.keyboard.press("Enter")
    assert page.moved(before).asked == wanted | {"avoid": ["red"]}, "nor did the sliders beside it"
    page.page.keyboard.press("Escape")
    assert page.go_back().ask("a scarf").asked == wanted | {"need": ["a scarf"]}
    page.click("Options")
    assert page.page.get_by_label("Avoid").input_value() == ""


def test_a_need_that_is_too_long_is_cut_and_said(server: Server, visit: Open) -> None:
    page = visit(server).open("/").ask("a red hat " * 160)
    page.says("its end was cut off")
    assert "red hat" in page.titles()[0]
    assert len(page.page.get_by_label("What do you need?").input_value()) <= 1000
    page.ask("not a hat").says("12 of 60 items")
    assert not [title for title in page.titles() if "hat" in title]


def test_a_long_text_hangs_under_its_first_line(server: Server, visit: Open) -> None:
    need = "+".join(["something+red+to+wear"] * 12)
    page = visit(server).open(f"/why?catalog=Corner+shop&need={need}").says("What the score is made of")
    left = """() => {
      const text = document.querySelector('.wl-marked');
      const label = text.querySelector('.wl-label').getBoundingClientRect();
      return [...text.querySelectorAll('mark')].every((one) => one.getBoundingClientRect().left >= label.right - 1);
    }"""
    assert page.page.locator(".wl-marked").first.bounding_box()["height"] > 60  # several lines
    assert page.page.evaluate(left)


@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (390, "dark")])
@pytest.mark.parametrize("catalog", ["Corner shop", "All catalogues"])
def test_badges_are_never_cut_off(server: Server, visit: Open, width: int, scheme: str, catalog: str) -> None:
    page = visit(server, width=width, scheme=scheme).open(f"/?catalog={catalog}&need=a+large+hat")
    cut = page.page.evaluate(
        """() => [...document.querySelectorAll('[class*=st-key-card-]')].flatMap((card) => {
          const edge = card.getBoundingClientRect();
          return [...card.querySelectorAll('.stMarkdownBadge')].filter((badge) => {
            const box = badge.getBoundingClientRect();
            let hidden = box.left < edge.left || box.right > edge.right || box.bottom > edge.bottom;
            for (let node = badge.parentElement; node && node !== card; node = node.parentElement) {
              const outer = node.getBoundingClientRect();
              if (getComputedStyle(node).overflow !== 'visible' && box.bottom > outer.bottom + 1) hidden = true;
            }
            return hidden;
          }).map((badge) => badge.textContent);
        })"""
    )
    assert cut == []
    first = page.page.locator("[class*=st-key-card-]").first.locator(".stMarkdownBadge")
    assert first.first.inner_text() == "out of stock" and first.count() == 3


def test_on_a_phone_a_link_of_the_side_bar_folds_it(server: Server, visit: Open) -> None:
    page = visit(server, width=390).open("/")
    page.page.get_by_test_id("stExpandSidebarButton").click()
    page.follow("Activity").says("Nothing has been started yet")
    page.page.get_by_test_id("stExpandSidebarButton").wait_for()


def test_a_hostile_name_of_a_file_is_kept_and_harmless(server: Server, visit: Open, tmp_path: Path) -> None:
    page = visit(server).open("/import")
    broken = {"name": "🛒 \u202elager <b>.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\r\n\x1a\n" + b"\0" * 64}
    page.page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(broken)
    page.settle().says("lager <b>.csv")
    assert all(part not in page.page.inner_text("[data-testid=stAlert]") for part in ("89504e47", "uploads"))

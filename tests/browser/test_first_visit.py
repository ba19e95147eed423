"""What a new user sees: an empty folder, the sample, the first suggestion; and work that outlives the page."""

from collections.abc import Callable

import pytest

from core.catalog.importing.sample import SAMPLE_FOLDER, SAMPLE_NEEDS
from tests.browser.conftest import Server, Visit

Open = Callable[..., Visit]


@pytest.fixture
def server(start_server: Callable[[], Server]) -> Server:
    return start_server()


@pytest.mark.skipif(not (SAMPLE_FOLDER / "products.csv").is_file(), reason="this checkout has no sample")
def test_from_nothing_to_a_suggestion(server: Server, visit: Open) -> None:
    first = visit(server).open("/").says("There is no catalogue yet")
    first.page.get_by_role("button", name="Load the sample catalogue").click()
    first.says("Load “Sample shop”")
    second = visit(server).open("/activity").says("Load “Sample shop”")
    first.page.reload()
    first.page.locator(".wl-title").first.wait_for(timeout=240_000)
    first.settle().says("pictures made for demos")
    first.click(SAMPLE_NEEDS[0]).says("of the best")
    assert len(first.titles()) == 24
    second.open("/activity").says("done in")


def test_a_link_to_a_page_works_on_a_fresh_server(server: Server, visit: Open) -> None:
    page = visit(server).open("/catalogs")
    page.says("There is no catalogue yet")
    assert page.page.get_by_text("Page not found").count() == 0
    assert page.page.get_by_role("link", name="Suggestions").count() == 1


def test_answers_carry_security_headers(server: Server, visit: Open) -> None:
    answer = visit(server).page.goto(server.address)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"

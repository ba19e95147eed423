"""Suggestions to a person and the reasons for them, in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Server, Visit

Open = Callable[..., Visit]
LINK = "/person?user=simulated-00003&item=tie-black"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server], people_home: Path) -> Server:
    return start_server(people_home)


def test_from_a_person_to_a_reason_and_back_by_its_link(server: Server, visit: Open) -> None:
    page = visit(server).open("/person").says("Choose a person")
    page.click("simulated-00002").says("What this person liked")
    first = page.titles()[0]
    page.page.get_by_role("button", name="Why?").first.click()
    page.settle().says(f"Why “{first}”?").says("The model relied").says("Nearest flip")
    page.page.wait_for_function("() => location.search.includes('item=')")
    again = visit(server).open(page.page.url.removeprefix(server.address))
    again.says(f"Why “{first}”?")
    again.click("All suggestions")
    assert again.titles()[0] == first


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/person", LINK, "/person?liked=hat-red&liked=bag-red"], ids=["empty", "why", "new"])
def test_accessible(server: Server, visit: Open, path: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(server, scheme=scheme).open(path)
    page.page.wait_for_timeout(500)
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    ours = {"exclude": [["[data-testid=stSidebarNavItems]"]]}  # as in test_browser
    found = Axe().run(page.page, context=ours, options=options).response["violations"]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found] == []


def test_nothing_runs_over_the_edge_of_a_phone(server: Server, visit: Open) -> None:
    page = visit(server, width=390).open(LINK).says("Why “black tie”?")
    assert page.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

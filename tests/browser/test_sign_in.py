"""The password in a real browser: going back, other windows, and a visit that has ended (issue 12)."""

from collections.abc import Callable

from tests.browser.conftest import Server, Visit
from ui.password import PASSWORD_VARIABLE

PASSWORD = "correct horse"


def _sign_in(page: Visit, typed: str) -> None:
    page.page.get_by_label("Password").fill(typed)
    page.page.keyboard.press("Enter")


def test_a_visit_with_two_windows(start_server: Callable[..., Server], visit: Callable[..., Visit]) -> None:
    page = visit(start_server(**{PASSWORD_VARIABLE: PASSWORD}), scheme="dark")
    window = page.page
    window.goto(page.address + "/training")
    _sign_in(page, "battery staple")
    page.says("This is not the password")
    _sign_in(page, PASSWORD)
    page.settle().says("There is no catalogue yet")
    window.go_back()
    page.settle().says("There is no catalogue yet")
    link = window.get_by_role("link", name="Sign out")
    assert link.evaluate("(link) => getComputedStyle(link).color === getComputedStyle(link.parentElement).color")
    other = page.context.new_page()  # type: ignore[attr-defined]
    other.goto(page.address + "/activity")
    other.get_by_text("Nothing has been started yet").wait_for()
    link.click()
    page.says("Password")
    other.get_by_label("Password").wait_for()
    assert other.url == page.address + "/activity"
    window.go_back()
    page.says("Password")
    page.complaints.clear()  # the browser says in the console that it was asked to sign in

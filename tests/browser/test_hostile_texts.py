"""Texts of somebody who wants a page to load, to link or to run something: they are shown, and that is all."""

import csv
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.conftest import Server, Visit, import_rows

pytestmark = pytest.mark.long

Open = Callable[..., Visit]
#: What a spreadsheet would run, each as a cell of a table.
FORMULAS = ("=cmd|' /C calc'!A0", "@SUM(1)", '"=HYPERLINK(""x"")"', "＝1+1", " +1+1+cmd")


class Listener:
    """A site of the attacker's; it notes who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.server.shutdown()
    assert found.asked == [], "a page asked the attacker's site for something"


def lures(address: str) -> tuple[str, ...]:
    """Texts that Markdown, as Streamlit reads it, makes something of."""
    return (
        f"![boots]({address}/picture.png)",
        f"[Log in again]({address}/login)",
        f"{address}/bare boots",
        "www.evil.example boots",
        "me@evil.example boots",
        "$x^2$ :material/home: :red[boots] `x`",
        f'<img src="{address}/tag.png"> boots',
    )


@pytest.fixture(scope="module")
def server(start_server: Callable[[], Server], listener: Listener, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A catalogue whose every text is a lure."""
    server, texts = start_server(), lures(listener.address)
    columns = ("id", "title", "description", "category", "price", f"![colour]({listener.address}/column.png)")
    rows = [(f"![i]({listener.address}/id{n}.png)", text, text, text, 5 + n, text) for n, text in enumerate(texts)]
    name = f"![shop]({listener.address}/name.png)"
    import_rows(server, name, [columns, *rows], tmp_path_factory.mktemp("table"))
    return server


def is_inert(page: Visit, listener: Listener) -> None:
    """Nothing was drawn from a lure, and nothing asked for."""
    page.page.wait_for_timeout(300)
    drawn = page.page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMain] a, [data-testid=stSidebar] a, img, .katex')]
            .map((one) => one.href || one.src || one.className)
            .filter((one) => !one.startsWith(location.origin) && /katex|evil|mailto|127\\.0\\.0\\.1/.test(one))"""
    )
    assert drawn == [] and listener.asked == []


def test_a_catalogue_of_lures_is_shown_as_it_is_written(server: Server, listener: Listener, visit: Open) -> None:
    page = visit(server).open(f"/?need={quote('boots')}")
    *texts, markup = lures(listener.address)
    assert set(page.titles()) == {*texts, markup.split("> ")[1]}, "markup is taken out when a table is read"
    is_inert(page, listener)
    page.click("Filters")
    page.says("![colour](")
    is_inert(page, listener)
    for path in ("/catalogs", "/import", "/training", "/person", "/audit", "/activity"):
        is_inert(page.open(path), listener)


@pytest.mark.parametrize(
    "path",
    [
        "/?like={lure}&like_in=x",
        "/?like=1&like_in={lure}",
        "/?catalog={lure}",
        "/?need={lure}",
        "/why?need={lure}&item={lure}",
        "/why?need=boots&item=1&against={lure}",
        "/person?catalog={lure}&user={lure}",
    ],
)
def test_an_address_of_lures_is_inert(server: Server, listener: Listener, visit: Open, path: str) -> None:
    lure = quote(f"![x]({listener.address}/url.png) [Log in again]({listener.address}/login)", safe="")
    is_inert(visit(server).open(path.replace("{lure}", lure)), listener)


def test_a_page_may_load_nothing_from_elsewhere(server: Server, listener: Listener, visit: Open) -> None:
    page = visit(server).open()
    blocked = page.page.evaluate(
        """(address) => new Promise((done) => {
            document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
            new Image().src = address + '/by-script.png';
        })""",
        listener.address,
    )
    assert blocked == "img-src" and listener.asked == []
    page.complaints.clear()  # the browser says in the console what it has blocked


def test_a_downloaded_table_holds_no_formula(server: Server, visit: Open, tmp_path: Path) -> None:
    table = tmp_path / "shop.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = [(n, f"thing {n}", text, -5) for n, text in enumerate(FORMULAS)]
        csv.writer(file).writerows([("id", "title", "=note", "price"), *rows])
    page = visit(server)
    page.page.add_init_script("delete window.showSaveFilePicker")
    page.open("/import").page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(table)
    page.settle()
    frame = page.page.get_by_test_id("stDataFrame").first
    frame.hover()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download as CSV").first.click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    texts = [cell for cell in cells if cell != "-5" and cell.lstrip(" \t\"'").startswith(("=", "+", "-", "@", "＝"))]
    assert len(cells) >= 24
    assert all(cell.startswith("'") for cell in texts) and len(texts) >= len(FORMULAS)

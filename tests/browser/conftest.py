"""A real server over its own data folder, and real Chromium."""

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.home import HOME_VARIABLE
from tests.conftest import ROOT

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_COMPLAINT = re.compile(r"Traceback|warning|created with a default value|A page failed", re.IGNORECASE)
_SETTLED = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton]') && !document.querySelector('[data-stale=true]');
}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and skip it where there is no browser."""
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str
    home: Path

    @property
    def log(self) -> Path:
        """All that the server says."""
        return self.home / "server.log"


@pytest.fixture(scope="session")
def start_server(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers, each with an empty data folder or a copy of one; all are stopped at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def start(like: Path | None = None, **variables: str) -> Server:
        home = tmp_path_factory.mktemp("home")
        if like is not None:
            shutil.copytree(like, home, dirs_exist_ok=True)
            shutil.rmtree(home / "models")
        (home / "models").symlink_to(models_folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = (home / "server.log").open("wb")
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        environment = os.environ | {HOME_VARIABLE: str(home), "STREAMLIT_SERVER_HEADLESS": "true"} | variables
        running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        address = f"http://localhost:{port}"
        _wait_for(f"{address}/_stcore/health", running[-1])
        return Server(address=address, home=home)

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=30)


def import_rows(server: Server, name: str, rows: Sequence[Sequence[object]], folder: Path) -> None:
    """Import a table, names of columns first, as the page would with all that it guesses."""
    from core.catalog.importing.spec import ImportSpec
    from core.catalog.read.read import detect, preview_table
    from core.catalog.shape.suggest_mapping import suggest_mapping
    from core.home import open_home
    from core.work.import_catalog import run_import
    from core.workspace import Workspace

    table = folder / "shop.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    options = detect(table).options
    preview = preview_table(table, options)
    mapping = suggest_mapping(preview.columns, preview.rows).build()
    spec = ImportSpec(catalog=name, backbone="embedded", table=table, options=options, mapping=mapping)
    run_import(Workspace(open_home(server.home)), spec)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """One browser for all tests."""
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        yield browser
        browser.close()


class Visit:
    """One visitor's page, with what the browser complained about."""

    def __init__(self, context: object, address: str) -> None:
        self.address = address
        self.context = context
        self.page = context.new_page()  # type: ignore[attr-defined]
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(f"error {error}"))
        self.page.on("console", self._note)

    def _note(self, message: object) -> None:
        # Streamlit looks for its own files below the page's address first; that 404 is its way of asking.
        text = message.text  # type: ignore[attr-defined]
        if message.type == "error" and "404" not in text:  # type: ignore[attr-defined]
            self.complaints.append(text)

    def open(self, path: str = "/") -> "Visit":
        self.page.goto(self.address + path)
        return self.settle()

    def settle(self) -> "Visit":
        self.page.wait_for_selector("[data-testid=stApp]")
        self.page.wait_for_timeout(250)
        self.page.wait_for_function(_SETTLED, timeout=60_000)
        assert not self.page.locator("[data-testid=stException]").count(), "a stack trace in the page"
        return self

    def click(self, name: str, *, exact: bool = False) -> "Visit":
        self.page.get_by_role("button", name=name, exact=exact).first.click()
        return self.settle()

    def ask(self, need: str, label: str = "What do you need?") -> "Visit":
        """Type a need and wait until the address names it."""
        before = self.page.url
        self.page.get_by_label(label).fill(need)
        self.page.keyboard.press("Enter")
        return self.moved(before)

    def moved(self, before: str) -> "Visit":
        """Wait until the address is another one and the page has settled."""
        self.page.wait_for_function("(before) => location.href !== before", arg=before, timeout=30_000)
        return self.settle()

    def go_back(self) -> "Visit":
        before = self.page.url
        self.page.go_back()
        return self.moved(before)

    def follow(self, name: str) -> "Visit":
        before = self.page.url
        self.page.get_by_role("link", name=name).first.click()
        return self.moved(before)

    def press(self, name: str) -> "Visit":
        """Press a button that leads to another address."""
        before = self.page.url
        self.page.get_by_role("button", name=name).first.click()
        return self.moved(before)

    @property
    def path(self) -> str:
        """The address without the server."""
        return str(self.page.url).removeprefix(self.address)

    @property
    def asked(self) -> dict[str, list[str]]:
        """What the address names, in whatever order."""
        return parse_qs(urlsplit(self.page.url).query)

    def titles(self) -> list[str]:
        return [str(title).strip() for title in self.page.locator(".wl-title").all_inner_texts()]

    def says(self, text: str) -> "Visit":
        playwright_api.expect(self.page.get_by_text(text).first).to_be_visible(timeout=20_000)
        return self


@pytest.fixture
def visit(chromium: object) -> Iterator[Callable[..., Visit]]:
    """Opens a fresh visitor; at the end there may be no error in the console and no complaint in the server's log."""
    contexts: list[object] = []
    visits: list[Visit] = []
    read: dict[Path, int] = {}

    def open_visit(server: Server, *, scheme: str = "light", width: int = 1360) -> Visit:
        read.setdefault(server.log, server.log.stat().st_size)
        size = {"width": width, "height": 900}
        context = chromium.new_context(color_scheme=scheme, viewport=size)  # type: ignore[attr-defined]
        contexts.append(context)
        visits.append(Visit(context, server.address))
        return visits[-1]

    yield open_visit
    complaints = [text for one in visits for text in one.complaints]
    complaints += [text for log, start in read.items() for text in _complaints(log, start)]
    for context in contexts:
        context.close()  # type: ignore[attr-defined]
    assert complaints == []


def _complaints(log: Path, start: int) -> list[str]:
    """What a server's log says since a place of it, where that holds a warning or a stack."""
    said = log.read_bytes()[start:].decode(errors="replace")
    return [said] if _COMPLAINT.search(said) else []


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert process.poll() is None, "the server ended at once; its log is in its data folder"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except urllib.error.HTTPError:
            return  # it answers, if only to ask for the password
        except OSError:
            time.sleep(0.25)
    raise AssertionError("the server did not start")

"""An AppTest of the whole app over an empty data folder and the fake encoder."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core.home import HOME_VARIABLE, Home, open_home
from core.work.import_catalog import run_import
from core.workspace import Workspace
from tests.conftest import COLOURS, ROOT, FakeEncoder
from tests.core.work.test_import_catalog import write_spec


@pytest.fixture(scope="session", autouse=True)
def _packages_read_once() -> Iterator[None]:
    """Each AppTest starts a runtime, which looks through every installed package for components: one look is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def app(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens a page with query parameters."""
    encoder = FakeEncoder()
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))
    monkeypatch.setattr("core.serving.models.load_encoder", lambda _name, _models: encoder)
    monkeypatch.setattr("ui.visitor.is_owner", lambda: True)
    monkeypatch.setattr("ui.jobs.ensure_worker", lambda _home: None)
    monkeypatch.setattr("ui.jobs.has_worker", lambda _home, _lane: True)
    st.cache_resource.clear()
    st.cache_data.clear()

    def open_page(page: str = "", /, **parameters: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=30)
        for name, value in parameters.items():
            test.query_params[name] = value
        test.run()
        if page:
            test.switch_page(page).run()
        assert not test.exception
        return test

    yield open_page
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a catalogue of sixty items in six colours, imported once."""
    folder = tmp_path_factory.mktemp("shop")
    rows = ["id,title,brand,price,image\n"]
    for colour, rgb in COLOURS.items():
        Image.new("RGB", (40, 30), rgb).save(folder / f"{colour}.png")
        for kind in ("shoe", "hat", "bag", "scarf", "glove", "coat", "sock", "belt", "tie", "cap"):
            rows.append(f"{kind}-{colour},{colour} {kind},{kind.title()} House,{10 + len(rows)},{colour}.png\n")
    table = folder / "shop.csv"
    table.write_text("".join(rows))
    home = open_home(folder / "home")
    run_import(Workspace(home, encoder_loader=lambda _name: FakeEncoder()), write_spec(table, folder=folder))
    return home.root


@pytest.fixture
def shop(shop_home: Path, home: Home, encoder: FakeEncoder) -> Workspace:
    """That catalogue in the test's own data folder."""
    shutil.copytree(shop_home, home.root, dirs_exist_ok=True)
    return Workspace(home, encoder_loader=lambda _name: encoder)

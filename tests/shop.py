"""One fresh data folder and the commands run over it, as a person at a terminal would."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.catalog.schema import Item
from core.config import Home
from core.encode.loading import load_encoder
from core.store.items import StoredItem
from core.workspace import Workspace
from tests.conftest import FakeEncoder


class Shop:
    """The commands, with a case's files named by their plain names."""

    def __init__(
        self, case: Path, workspace: Workspace, home: Home, capsys: pytest.CaptureFixture[str], tiny: Path
    ) -> None:
        self.case = case
        self.workspace = workspace
        self.tiny = tiny
        self._home = str(home.root)
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        given = [str(self.case / word) if (self.case / word).exists() else word for word in words]
        code = main(["--home", self._home, *given])
        printed = self._capsys.readouterr()
        return code, printed.out + printed.err

    def read(self, *words: str) -> dict[str, Any]:
        """What a command that succeeds prints as JSON."""
        code, printed = self.run(*words, "--json")
        assert code == 0, printed
        found: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return found

    def stored(self, name: str = "S") -> dict[str, StoredItem]:
        """Item id to item, with its pictures."""
        catalog = self.workspace.catalogs.find(name)
        return {one.item.item_id: one for one in self.workspace.items.iterate(catalog.id)}

    def items(self, *words: str) -> dict[str, Item]:
        """Item id to item, after an import with these words."""
        self.read("import", *words, "--name", "S")
        return {item_id: one.item for item_id, one in self.stored().items()}

    def titles(self, *words: str) -> list[str]:
        return [item.title for item in self.items(*words).values()]

    def first(self, need: str) -> str:
        """Id of the first suggestion."""
        return str(self.read("suggest", need, "--catalog", "S")["suggestions"][0]["item_id"])


def open_shop(
    case: Path, home: Home, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shop:
    """A shop over a fresh data folder, with the tests' encoder and a tiny real model beside it."""
    loaders = {str(tiny): partial(load_encoder, str(tiny), home.models, runtime="torch")}
    workspace = Workspace(home, encoder_loader=lambda backbone: loaders.get(backbone, FakeEncoder)())
    monkeypatch.setattr("core.__main__.Workspace", lambda _home: workspace)
    return Shop(case, workspace, home, capsys, tiny)

"""One fresh data folder and the commands run over it, as a person at a terminal would."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.catalog.schema import Item
from core.cli.main import main
from core.store.items import StoredItem
from core.workspace import Workspace


class Shop:
    """The commands, with a case's files named by their plain names."""

    def __init__(self, case: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str], tiny: Path) -> None:
        self.case = case
        self.workspace = workspace
        self.tiny = tiny
        self._home = str(workspace.home.root)
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        code, out, err = self._run(*words)
        return code, out + err

    def _run(self, *words: str) -> tuple[int, str, str]:
        given = [str(self.case / word) if (self.case / word).exists() else word for word in words]
        code = main(["--home", self._home, *given])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def read(self, *words: str) -> dict[str, Any]:
        """What a command that succeeds prints as JSON."""
        code, printed, errors = self._run(*words, "--json")
        assert code == 0, printed + errors
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


def list_cases(folder: Path, checks: Mapping[str, Any]) -> list[str]:
    """Names of the cases of a folder, so that one without a check fails; of the checks where there is no folder."""
    return sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else sorted(checks)

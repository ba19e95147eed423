"""Wishlight from Python: a data folder, with what its pages and commands do as methods."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from core.home import open_home
from core.suggest.need import Need, split_avoid
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.explain.explanation import Explanation
    from core.suggest.results import Suggestion
    from core.work.activate import ActivationReport
    from core.work.import_report import ImportReport
    from core.work.train_report import TrainReport


class Wishlight:
    """An opened data folder.

    Args:
        home: The folder, made where there is none; None takes that of `WISHLIGHT_HOME`, else `.wishlight`.

    Attributes:
        workspace: Everything else that can be done with it.

    Raises:
        WishlightError: It cannot be opened; every method raises its kind, whose text says what to do.
    """

    def __init__(self, home: Path | str | None = None) -> None:
        self.workspace = Workspace(open_home(home))

    def import_catalog(
        self, path: Path | str, name: str, *, images: Path | str | None = None, columns: Mapping[str, str] | None = None
    ) -> "ImportReport":
        """Import a catalogue file; done twice it changes nothing.

        Args:
            path: A table file, or a ZIP file with one and its pictures.
            name: Of the catalogue, made where there is none.
            images: Folder or ZIP file with the pictures that the table names.
            columns: Field of an item to its column, where the guess is wrong: {"title": "Name"}.
        """
        from core.work.open_import import import_opened, open_import

        folder = None if images is None else Path(images)
        opened = open_import(self.workspace, Path(path), name, images=folder, overrides=columns or {})
        return import_opened(self.workspace, opened)

    def suggest(self, need: Need | str, catalog: str = "", *, limit: int = 10) -> "tuple[Suggestion, ...]":
        """The items that fit a need best.

        Args:
            need: In plain words, what to avoid among them, or with a picture and filters as a `Need`.
            catalog: Where to look; "" for where the need says, else everywhere.
            limit: At most so many.
        """
        return self.workspace.suggester.suggest(_read_need(need, catalog), limit=limit).page

    def explain(self, need: Need | str, item_id: str, catalog: str) -> "Explanation":
        """Why an item is suggested for a need: parts that add up to its score, and what would change its rank."""
        found = self.workspace.catalogs.find(catalog)
        return self.workspace.explainer.explain(found, _read_need(need, catalog), item_id)

    def train(self, catalog: str, **settings: Any) -> "TrainReport":
        """Train a version for a catalogue, and measure it before it may serve.

        Args:
            catalog: Its name.
            settings: Fields of `TrainSpec`, such as `preset` or `interactions`.

        Returns:
            `version` for `activate`, `recommendation`, and in `answer` what was measured.
        """
        from core.progress import silent
        from core.work.train_catalog import TrainSpec, run_train

        return run_train(self.workspace, TrainSpec(catalog=catalog, **settings), uuid4().hex, silent)

    def activate(self, version: str, catalog: str = "") -> "ActivationReport":
        """Let a trained version serve its catalogue; "" with the catalogue's name goes back to the untrained model."""
        from core.progress import silent
        from core.work.activate import ActivateSpec, activate_version

        return activate_version(self.workspace, ActivateSpec(version=version, catalog=catalog), silent)


def _read_need(need: Need | str, catalog: str) -> Need:
    if isinstance(need, Need):
        return replace(need, catalogs=(catalog,)) if catalog else need
    text, avoid = split_avoid(need)
    return Need(text=text, avoid=avoid, catalogs=(catalog,) if catalog else ())

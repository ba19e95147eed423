"""Where things live on disk."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError

HOME_VARIABLE = "WISHLIGHT_HOME"
DEFAULT_HOME = Path(".wishlight")
#: How the folder of a catalogue's log files begins; its id follows.
LOG_UPLOADS = "logs-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folder that holds everything a person put into Wishlight.

    Attributes:
        root: Absolute path of the folder.
    """

    root: Path

    @property
    def database(self) -> Path:
        """The system of record."""
        return self.root / "wishlight.db"

    @property
    def pictures(self) -> Path:
        """Normalised pictures, named by content hash."""
        return self.root / "pictures"

    @property
    def thumbnails(self) -> Path:
        """Derived WebP thumbnails."""
        return self.root / "thumbnails"

    @property
    def uploads(self) -> Path:
        """Catalogue files and archives as they were uploaded."""
        return self.root / "uploads"

    @property
    def drafts(self) -> Path:
        """Imports that a person is still preparing."""
        return self.uploads / "drafts"

    def log_uploads(self, catalog_id: int) -> Path:
        """Log files of one catalogue as they were uploaded, made when missing."""
        folder = self.uploads / f"{LOG_UPLOADS}{catalog_id}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def needs(self) -> Path:
        """Pictures that somebody looked with."""
        return self.root / "needs"

    @property
    def unswept(self) -> Path:
        """What a deletion has yet to remove; there while one is under way, or was stopped."""
        return self.root / "unswept.json"

    @property
    def models(self) -> Path:
        """Derived model folders and downloaded weights."""
        return self.root / "models"

    @property
    def indexes(self) -> Path:
        """Derived vector indexes."""
        return self.root / "indexes"

    @property
    def tokens(self) -> Path:
        """Derived token caches, one folder a catalogue."""
        return self.root / "tokens"

    @property
    def runs(self) -> Path:
        """One folder a run: a training's checkpoints and curves, a search's trials, an audit's cases."""
        return self.root / "runs"

    @property
    def versions(self) -> Path:
        """One folder a trained model version."""
        return self.root / "versions"

    @property
    def logs(self) -> Path:
        """One log file a job."""
        return self.root / "logs"


def open_home(path: str | Path | None = None) -> Home:
    """Create the data folder where it is missing and return it.

    Args:
        path: The folder; None takes the environment's WISHLIGHT_HOME, then `.wishlight` in the working directory.

    Raises:
        StoreError: The folder cannot be created or written.
    """
    root = Path(path or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()
    home = Home(root=root)
    # What is written from here on, by this process and those that it starts, is for its owner alone.
    os.umask(0o077)
    try:
        folders = (home.pictures, home.thumbnails, home.uploads, home.models, home.indexes, home.logs)
        for folder in (root, *folders, home.tokens, home.runs, home.versions):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _close_to_others(home)
    except OSError as exc:
        raise StoreError(
            f"The data folder {root} cannot be created ({exc.strerror}). "
            f"Choose a folder you may write to with --home or {HOME_VARIABLE}."
        ) from exc
    if not os.access(root, os.W_OK):
        raise StoreError(f"The data folder {root} cannot be written. Choose another with --home or {HOME_VARIABLE}.")
    return home


def _close_to_others(home: Home) -> None:
    """Take the rights of others from a folder that was there before, and from the database in it.

    Whatever else lies there is a person's own, as where a project's folder is chosen, and keeps its rights. A folder
    that several accounts share on purpose (a sticky one, as /tmp) and one of another owner are left alone, and so is
    what a link leads to.
    """
    if home.root.stat().st_mode & stat.S_ISVTX:
        return
    ours = [*home.root.glob(f"{home.database.name}*"), *home.root.glob("worker*.lock")]
    for path in (home.root, *(file for file in ours if not file.is_symlink())):
        with suppress(OSError):  # another's, or gone since
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & 0o700)

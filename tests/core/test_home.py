"""The data folder is its owner's alone."""

import os
import stat
from pathlib import Path

from core.home import open_home
from core.store.database import Database


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "home"
    root.mkdir()
    root.chmod(0o755)
    (root / "wishlight.db-wal").touch()
    (root / "wishlight.db-wal").chmod(0o644)
    (root / "run.sh").touch()
    (root / "run.sh").chmod(0o755)
    os.umask(0o022)
    home = open_home(root)
    Database(home.database).connection.execute("SELECT 1")
    assert _mode(root) == 0o700
    assert {_mode(file) for file in root.glob("wishlight.db*")} == {0o600}
    assert _mode(root / "run.sh") == 0o755, "a person's own file, as where a project's folder is chosen"
    assert {_mode(folder) for folder in root.iterdir() if folder.is_dir()} == {0o700}


def test_a_folder_that_accounts_share_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    open_home(tmp_path)
    assert _mode(tmp_path) == 0o1777


def test_files_that_are_not_ours_keep_their_rights(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    root.mkdir()
    for file in (root / "run.sh", elsewhere):
        file.touch()
        file.chmod(0o755)
    (root / "wishlight.db-journal").symlink_to(elsewhere)
    open_home(root)
    assert _mode(root / "run.sh") == _mode(elsewhere) == 0o755

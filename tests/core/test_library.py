"""The ten lines of the README, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import core
from core.library import Wishlight
from core.suggest.need import Need
from core.train.config import TrainConfig
from tests.conftest import COLOURS, ROOT

KINDS = ("shoe", "boot", "hat", "bag", "scarf", "glove", "coat", "sock", "belt", "tie")
SMALL = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}


@pytest.fixture
def shop_files(tmp_path: Path) -> Path:
    """A folder with products.csv and pictures/, as the README names them."""
    (tmp_path / "pictures").mkdir()
    rows = ["id,title,description,image\n"]
    for colour, rgb in COLOURS.items():
        Image.new("RGB", (40, 40), rgb).save(tmp_path / "pictures" / f"{colour}.png")
        rows += [f"{kind}-{colour},{colour} {kind},soft {colour} cloth,{colour}.png\n" for kind in KINDS]
    (tmp_path / "products.csv").write_text("".join(rows))
    return tmp_path


def test_the_face_is_there_and_costs_nothing_until_it_is_asked_for() -> None:
    assert core.Wishlight is Wishlight
    code = "import sys, core; print([name for name in sys.modules if name.startswith(('core.', 'numpy'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        core.nothing_of_this_name  # noqa: B018


def test_columns_can_be_said(shop_files: Path, tmp_path: Path, monkeypatch, encoder) -> None:
    monkeypatch.setattr("core.serving.models.load_encoder", lambda _name, _models: encoder)
    shop = Wishlight(tmp_path / "home")
    report = shop.import_catalog(shop_files / "products.csv", "Shop", columns={"title": "description", "pictures": ""})
    assert (report.created, report.rejected) == (60, ())
    best = shop.suggest("red", limit=3)
    assert [one.stored.item.title for one in best] == ["soft red cloth"] * 3
    assert shop.suggest(Need(text="red"), "Shop", limit=1)[0].stored.item.title == "soft red cloth"


@pytest.mark.slow
def test_the_lines_of_the_readme_run(shop_files: Path, models_folder: Path, monkeypatch, capsys) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(lines.splitlines()) <= 10
    monkeypatch.chdir(shop_files)
    monkeypatch.setattr("core.train.settings.preset_config", lambda _name: TrainConfig(**SMALL))
    (shop_files / "my-shop").mkdir()
    (shop_files / "my-shop" / "models").symlink_to(models_folder)
    exec(compile(lines, "README.md", "exec"), {})
    assert "boot" in capsys.readouterr().out
    shop = Wishlight("my-shop")
    assert shop.workspace.catalogs.find("Shop").version
    shop.activate("", "Shop")
    assert not shop.workspace.catalogs.find("Shop").version


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """A pool of processes that read pictures would import the script, and begin the import again in each of them."""
    Image.new("RGB", (40, 40)).save(tmp_path / "black.png")
    script = (
        "import sys\nfrom pathlib import Path\nfrom core.catalog.pictures.picture_store import *\nprint('begun')\n"
        "with PictureImporter(PictureStore(Path('pictures'), Path('thumbnails')), workers=1) as pictures:\n"
        "    print(len(pictures.add({'a': Path('black.png').read_bytes})['a']), sys.modules['__main__'].__file__)\n"
    )
    (tmp_path / "script.py").write_text(script)
    command, paths = [sys.executable, "script.py"], os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=paths, check=True)
    assert (done.stdout.split(), done.stderr) == (["begun", "64", str(tmp_path / "script.py")], "")

"""What tests share: a deterministic encoder without weights, an empty data folder, and the real data where it is."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from core.encode.encoder import PictureEmbeddings
from core.home import Home, open_home
from core.workspace import Workspace

if TYPE_CHECKING:
    from tests.shop import Shop

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 60),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 40),
    "black": (10, 10, 10),
    "white": (250, 250, 250),
}


def word_vector(word: str, dimension: int = 64) -> np.ndarray:
    """A fixed unit vector of a word."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class FakeEncoder:
    """Texts are bags of words, pictures are the name of their main colour, in one space."""

    def __init__(self, backbone: str = "fake", *, dimension: int = 64, languages: frozenset[str] = frozenset({"en"})):
        self.backbone = backbone
        self.dimension = dimension
        self.model_version = f"{backbone}-1"
        self.languages = languages
        self.runtime = "fake"
        self.encoded_texts: list[str] = []
        self.encoded_pictures: list[Path] = []

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded_texts.extend(texts)
        rows = [self._unit(re.findall(r"\w+", text.lower())) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    def encode_pictures(self, paths: Sequence[Path]) -> PictureEmbeddings:
        self.encoded_pictures.extend(paths)
        return PictureEmbeddings(embeddings=self.encode_images([Image.open(path) for path in paths]), failures={})

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        names = list(COLOURS)
        colours = np.array(list(COLOURS.values()), float)
        rows = []
        for image in images:
            centre = np.asarray(image.convert("RGB").resize((3, 3)), float)[1, 1]
            rows.append(self._unit([names[int(np.argmin(((colours - centre) ** 2).sum(axis=1)))]]))
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    def _unit(self, words: list[str]) -> np.ndarray:
        total = sum((word_vector(word, self.dimension) for word in words or [""]), np.zeros(self.dimension))
        return (total / np.linalg.norm(total)).astype(np.float32)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long is slow: -m "not slow and not browser" takes the place of the -m that leaves it out."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty data folder."""
    return open_home(tmp_path / "home")


@pytest.fixture
def encoder() -> FakeEncoder:
    """The encoder that the workspace's catalogues use."""
    return FakeEncoder()


@pytest.fixture
def workspace(home: Home, encoder: FakeEncoder) -> Workspace:
    """An empty data folder with the fake encoder behind every backbone."""
    return Workspace(home, encoder_loader=lambda _name: encoder)


@pytest.fixture
def save_picture() -> Callable[..., Path]:
    """Writes a picture of one colour."""

    def save(path: Path, colour: str, size: tuple[int, int] = (40, 30)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, COLOURS[colour]).save(path)
        return path

    return save


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not beside this checkout (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model, built once for all tests that need it; WISHLIGHT_TEST_MODELS keeps it for longer."""
    from core.encode.loading import load_encoder

    kept = os.environ.get("WISHLIGHT_TEST_MODELS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("models")
    load_encoder("embedded", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A CLIP of random weights in a folder, as a person would bring their own."""
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tiny")
    model_cfg = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    torch.manual_seed(0)
    model = CLIP(**model_cfg)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model_cfg, "preprocess_cfg": {}}))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(scope="session")
def people_home(tmp_path_factory, tiny_folder) -> Path:
    """A data folder with a catalogue “People's shop” on the tiny model, invented shoppers, and a version of both."""
    from core.encode.loading import load_encoder
    from core.interactions.simulate import simulate_log
    from core.progress import silent
    from core.work.import_catalog import run_import
    from core.work.material import load_material
    from core.work.train_catalog import TrainSpec, run_train
    from tests.core.work.test_import_catalog import write_spec

    folder = tmp_path_factory.mktemp("people")
    rows = ["id,title,description,category,image\n"]
    for colour, rgb in COLOURS.items():
        Image.new("RGB", (40, 40), rgb).save(folder / f"{colour}.png")
        for number, kind in enumerate(("shoe", "hat", "bag", "scarf", "glove", "coat", "sock", "belt", "tie", "cap")):
            about = f"soft {colour} cloth for every day" if number % 2 else ""
            picture = "" if kind == "cap" else f"{colour}.png"
            rows.append(f"{kind}-{colour},{colour} {kind},{about},{kind},{picture}\n")
    (folder / "shop.csv").write_text("".join(rows))
    home = open_home(folder / "home")
    workspace = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))
    spec = write_spec(folder / "shop.csv", folder=folder, catalog="People's shop")
    run_import(workspace, replace(spec, backbone=str(tiny_folder)))
    material = load_material(workspace, "People's shop", silent)
    log = simulate_log(material.table.item_ids, material.table.text_embeddings, users=60, events_per_user=10, seed=0)
    # The last shoes are new: nobody has met them.
    kept = ~np.isin(log.items, [place for place, one in enumerate(log.item_ids) if one == "shoe-white"])
    workspace.interactions.replace(material.catalog.id, log.take(kept), kind="events")
    small = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
    run_train(workspace, TrainSpec(catalog="People's shop", config=small, device="cpu"), "e" * 32, silent)
    return home.root


@pytest.fixture
def people_shop(people_home: Path, tmp_path: Path) -> Workspace:
    """A copy of that data folder, opened."""
    from core.encode.loading import load_encoder

    shutil.copytree(people_home, tmp_path / "people")
    home = open_home(tmp_path / "people")
    return Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))


@pytest.fixture
def open_shop(
    shared_data: Path,
    home: Home,
    tiny_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[Path], "Shop"]:
    """Opens a shop for a case's folder, with the tests' encoder and a tiny real model beside it."""
    from core.encode.loading import load_encoder
    from tests.shop import Shop

    loaders = {str(tiny_folder): partial(load_encoder, str(tiny_folder), home.models, runtime="torch")}
    workspace = Workspace(home, encoder_loader=lambda backbone: loaders.get(backbone, FakeEncoder)())
    monkeypatch.setattr("core.cli.main.Workspace", lambda _home: workspace)
    return lambda case: Shop(case, workspace, capsys, tiny_folder)

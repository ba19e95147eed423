"""A version that tuned its image-text model: from training to needs that its own text tower reads."""

from dataclasses import replace

import numpy as np
import pytest

from core.config import open_home
from core.encode.loading import load_encoder
from core.jobs.activate import activate_version
from core.jobs.import_catalog import run_import
from core.jobs.progress import silent
from core.jobs.train_catalog import TrainSpec, run_train
from core.suggest.need import Need
from core.workspace import Workspace
from tests.conftest import COLOURS
from tests.core.jobs.test_import_catalog import write_spec

SMALL = {
    "tuning": "lora",
    "tower_rate": 1e-2,
    "gate_rate": 5e-2,
    "rank": 2,
    "epochs": 1,
    "width": 16,
    "layers": 1,
    "items": 12,
    "alone": 12,
    "tasks": {"contrastive": 1.0},
}


@pytest.fixture
def shop(tmp_path, tiny_folder) -> Workspace:
    """Ninety items in six colours on a small model of random weights."""
    from PIL import Image

    rows = ["id,title,image\n"]
    for colour, rgb in COLOURS.items():
        Image.new("RGB", (40, 40), rgb).save(tmp_path / f"{colour}.png")
        rows += [f"{colour}{number},{colour} thing {number},{colour}.png\n" for number in range(15)]
    (tmp_path / "shop.csv").write_text("".join(rows))
    home = open_home(tmp_path / "home")
    workspace = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))
    run_import(workspace, replace(write_spec(tmp_path / "shop.csv", folder=tmp_path), backbone=str(tiny_folder)))
    return workspace


def test_needs_are_read_by_the_tower_that_was_tuned(shop, tmp_path) -> None:
    (catalog,) = shop.catalogs.list()
    spec = TrainSpec(catalog=catalog.name, config=SMALL, device="cpu", use_log=False)
    done = run_train(shop, spec, "c" * 32, silent)
    assert done["blend"] > 0, "the planted colours must be learned"
    activate_version(shop, done["version"], "", silent)
    (served,) = shop.catalogs.list()
    tuned, plain = shop.serving_encoder(served), shop.encoder(served.backbone)
    assert np.abs(tuned.encode_texts(["red thing"]) - plain.encode_texts(["red thing"])).max() > 1e-3
    assert shop.serving_encoder(served) is tuned
    assert len(shop.suggester.suggest(Need(text="red thing")).page)
    later = tmp_path / "later.csv"
    later.write_text("id,title,image\nnew,purple thing,red.png\nred0,red thing 0 renamed,red.png\n")
    run_import(shop, replace(write_spec(later, folder=tmp_path), catalog=catalog.name, backbone=""))
    (served,) = shop.catalogs.list()
    model = shop.embeddings.model_number(served.served_version(plain.model_version))
    assert len(shop.embeddings.of_fused(served.id, model)) == served.items == 91
    activate_version(shop, "", catalog.name, silent)
    assert shop.serving_encoder(shop.catalogs.list()[0]) is plain


def test_the_command_line_tunes_and_says_what_cannot_be(shop, capsys) -> None:
    from core.__main__ import main

    (catalog,) = shop.catalogs.list()
    command = ["--home", str(shop.home.root), "train", "--catalog", catalog.name, "--tuning", "magic"]
    with pytest.raises(SystemExit) as wrong:
        main(command)
    assert wrong.value.code == 2
    assert "invalid choice: 'magic'" in capsys.readouterr().err

"""A version that tuned its image-text model: from training to needs that its own text tower reads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.encode.loading import load_encoder
from core.evaluate.answer import Answer
from core.evaluate.catalog_report import TASKS, Matching
from core.home import open_home
from core.parts import read_key
from core.progress import silent
from core.suggest.need import Need
from core.train.config import TrainConfig
from core.train.run import Trained
from core.work.activate import ActivateSpec, activate_version
from core.work.forgetting import add_forgetting, find_other
from core.work.import_catalog import run_import
from core.work.material import load_material
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace
from tests.conftest import COLOURS
from tests.core.work.test_import_catalog import write_spec

pytestmark = pytest.mark.slow

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
        for number in range(15):
            Image.new("RGB", (40 + number, 40), rgb).save(tmp_path / f"{colour}{number}.png")
            rows.append(f"{colour}{number},{colour} thing {number},{colour}{number}.png\n")
    (tmp_path / "shop.csv").write_text("".join(rows))
    home = open_home(tmp_path / "home")
    workspace = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))
    run_import(workspace, replace(write_spec(tmp_path / "shop.csv", folder=tmp_path), backbone=str(tiny_folder)))
    return workspace


def test_needs_are_read_by_the_tower_that_was_tuned(shop, tmp_path) -> None:
    (catalog,) = shop.catalogs.list()
    spec = TrainSpec(catalog=catalog.name, config=SMALL, device="cpu", use_log=False)
    done = run_train(shop, spec, "c" * 32, silent)
    assert done.blend > 0, "the planted colours must be learned"
    activate_version(shop, ActivateSpec(version=done.version), silent)
    (served,) = shop.catalogs.list()
    tuned, plain = shop.models.serving_encoder(served), shop.encoder(served.backbone)
    assert np.abs(tuned.encode_texts(["red thing"]) - plain.encode_texts(["red thing"])).max() > 1e-3
    assert shop.models.serving_encoder(served) is tuned
    assert len(shop.suggester.suggest(Need(text="red thing")).page)
    later = tmp_path / "later.csv"
    later.write_text("id,title,image\nnew,purple thing,red1.png\nred0,red thing 0 renamed,red0.png\n")
    run_import(shop, replace(write_spec(later, folder=tmp_path), catalog=catalog.name, backbone=""))
    (served,) = shop.catalogs.list()
    model = shop.embeddings.model_number(served.served_version(plain.model_version))
    keys = [read_key(one) for one in shop.items.iterate(served.id)]
    assert not shop.embeddings.missing(model, "item", keys) and len(keys) == served.items == 91
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)
    assert shop.models.serving_encoder(shop.catalogs.list()[0]) is plain


def import_other(shop: Workspace, folder: Path, items: int) -> None:
    """A second catalogue of the same model, with pictures of two colours."""
    lines = [
        f"o{number},other {number},{'red' if number % 2 else 'blue'}{number // 2}.png\n" for number in range(items)
    ]
    (folder / "other.csv").write_text("id,title,image\n" + "".join(lines))
    (first,) = shop.catalogs.list()
    run_import(shop, replace(write_spec(folder / "other.csv", folder=folder), catalog="Other", backbone=first.backbone))


def test_the_card_says_what_training_costs_elsewhere(shop, tmp_path, monkeypatch) -> None:
    (catalog,) = shop.catalogs.list()
    import_other(shop, tmp_path, 30)
    spec = TrainSpec(catalog=catalog.name, config=SMALL, device="cpu", use_log=False)
    done = run_train(shop, spec, "d" * 32, silent)
    rows = {row.name: row for row in done.answer.rows}
    before = rows["title to picture in “Other”, before"]
    assert before.count == 30 and rows["title to picture in “Other”, trained"].count == 30
    assert before.metric == "mrr" and 0 < before.value < 0.5, "thirty titles, pictures of two colours"
    assert "by their titles worse" not in done.recommendation


def test_a_loss_elsewhere_is_said_in_words(shop, tmp_path, monkeypatch) -> None:
    def matching(value: float) -> Matching:
        return Matching(task=TASKS[0], metric="mrr", values=np.full(30, value), pool=30)

    import_other(shop, tmp_path, 30)
    material = load_material(shop, "Other", silent)
    catalogs = {one.name: one for one in shop.catalogs.list()}
    assert find_other(shop, catalogs["Other"])[0] == catalogs[write_spec(tmp_path / "shop.csv").catalog]
    answer = Answer(
        verdict="helps", recommendation="Use it.", rows=(), gain=0, gain_low=0, gain_high=0, split="titles", tested=1
    )
    trained = Trained(
        model=None,
        items=None,
        heads=None,
        blend=1,
        validation={},
        flat={},
        steps=1,
        seconds=1,
        tokens=material.tokens,
        config=TrainConfig(),
    )
    for after, said in ((0.0, True), (1.0, False)):
        both = ((matching(1.0),), (matching(after),))
        monkeypatch.setattr("core.work.forgetting.match_both_ways", lambda *_, both=both: both)
        found = add_forgetting(shop, material, trained, answer, lambda texts: np.zeros((len(texts), 2)), silent)
        assert [row.value for row in found.rows] == [after, 1.0]
        assert ("it finds pictures by their titles worse" in found.recommendation) is said
    shop.delete_catalog(catalogs[write_spec(tmp_path / "shop.csv").catalog])
    assert find_other(shop, catalogs["Other"]) == (None, [])


def test_the_command_line_tunes_and_says_what_cannot_be(shop, capsys) -> None:
    from core.cli.main import main

    (catalog,) = shop.catalogs.list()
    command = ["--home", str(shop.home.root), "train", "--catalog", catalog.name, "--tuning", "magic"]
    with pytest.raises(SystemExit) as wrong:
        main(command)
    assert wrong.value.code == 2
    assert "invalid choice: 'magic'" in capsys.readouterr().err

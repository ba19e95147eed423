"""From a catalogue and a log to a version that serves, with the real embedded model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import main
from core.encode.loading import load_encoder
from core.errors import CancelledError, MappingError, TrainError, WishlightError
from core.interactions.simulate import simulate_log
from core.progress import silent
from core.store.expectations import SavedNeed
from core.suggest.need import Need
from core.train.config import LOG_TASKS, TrainConfig
from core.train.tracking import read_curve
from core.work.activate import ActivateSpec, activate_version
from core.work.compare import CompareSpec, run_compare
from core.work.import_catalog import run_import
from core.work.material import load_material
from core.work.rebuild import rebuild
from core.work.recommend import recommend_history, recommend_user
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace
from tests.conftest import COLOURS
from tests.core.work.test_import_catalog import write_spec

pytestmark = pytest.mark.slow
KINDS = ("shoe", "hat", "bag", "scarf", "glove", "coat", "sock", "belt", "tie", "cap", "ring", "lamp", "cup", "chair")
SMALL = {"epochs": 1, "width": 16, "layers": 1, "items": 16, "alone": 8, "bank": 32, "people": 8, "history": 16}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Workspace:
    """84 items with pictures, the real model, and a simulated log."""
    from PIL import Image

    from core.home import open_home

    folder = tmp_path_factory.mktemp("trained")
    home = open_home(folder / "home")
    shutil.rmtree(home.models)
    home.models.symlink_to(models_folder)
    rows = ["id,title,description,category,image\n"]
    for colour, rgb in COLOURS.items():
        for number, kind in enumerate(KINDS):  # a picture each, since one of many titles is learned from as a whole
            Image.new("RGB", (60 + number, 50), rgb).save(folder / f"{colour}-{kind}.png")
            rows.append(f"{kind}-{colour},{colour} {kind},A {kind} for every day,{kind},{colour}-{kind}.png\n")
    (folder / "shop.csv").write_text("".join(rows))
    workspace = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models))
    run_import(workspace, replace(write_spec(folder / "shop.csv", folder=folder), backbone="embedded"))
    material = load_material(workspace, workspace.catalogs.list()[0].name, silent)
    log = simulate_log(material.table.item_ids, material.table.text_embeddings, users=80, events_per_user=12, seed=0)
    workspace.interactions.replace(material.catalog.id, log, kind="events")
    return workspace


@pytest.fixture(scope="module")
def spec(shop: Workspace) -> TrainSpec:
    return TrainSpec(catalog=shop.catalogs.list()[0].name, config=SMALL, device="cpu")


@pytest.fixture(scope="module")
def trained(shop: Workspace, spec: TrainSpec) -> str:
    return run_train(shop, spec, "a" * 32, silent).version


def test_a_version_is_measured_and_registered(shop: Workspace, trained: str) -> None:
    version = shop.versions.find(trained)
    assert version.has_log and version.metrics["verdict"] == "too few"
    names = [row["name"] for row in version.metrics["rows"]]
    assert names[0] == "trained version" and {"zero-shot", "popularity", "ease"} <= set(names)
    assert {"title to picture, trained", "title to picture, before"} <= set(names), "what it costs needs in words"
    card = json.loads((shop.home.versions / trained / "card.json").read_text())
    assert card["config"]["seed"] == 0 and card["items"] == 84 and len(card["fingerprint"]) == 12
    assert list((shop.home.runs / ("a" * 32) / "tensorboard").glob("events*"))
    facts = read_curve(shop.home.runs / ("a" * 32)).facts
    assert card["config"] == facts["config"] == TrainConfig.from_json(card["config"]).to_json()
    assert set(SMALL) <= set(card["config"]) and set(card["config"]["tasks"]) == set(LOG_TASKS)
    assert card["computed"] == facts["computed"]
    assert card["computed"]["device"] == facts["device"] == "cpu" and card["computed"]["precision"] == "float32"
    assert card["computed"]["processes"] == 1 and card["computed"]["threads"] >= 1
    words = (shop.home.versions / trained / "MODEL_CARD.md").read_text()
    assert "- precision: float32" in words and "- threads: " in words


def test_serving_it_and_going_back(shop: Workspace, trained: str) -> None:
    catalog = shop.catalogs.list()[0]
    need = Need(text="a red hat")
    before = [one.stored.item.item_id for one in shop.suggester.suggest(need).page]
    activate_version(shop, ActivateSpec(version=trained), silent)
    served = shop.catalogs.find(catalog.name)
    assert served.version == trained
    after = shop.suggester.suggest(need)
    assert after.page[0].stored.item.title == "red hat"
    assert np.isclose(sum(after.page[0].parts.values()), after.page[0].score)
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)
    assert [one.stored.item.item_id for one in shop.suggester.suggest(need).page] == before


def test_an_untrained_version_serves_as_the_towers_do(shop: Workspace, spec: TrainSpec, trained: str) -> None:
    """With its gates at 0 a served version suggests exactly what was suggested without it."""
    from core.train.checkpoint import load_weights, save_weights
    from core.versions.bundle import WEIGHTS

    copy = "b" * 12
    shutil.copytree(shop.home.versions / trained, shop.home.versions / copy)
    network, _ = load_weights(shop.home.versions / copy / WEIGHTS)
    network.fusion.gate.data.zero_()
    save_weights(network, shop.home.versions / copy / WEIGHTS)
    catalog = shop.catalogs.list()[0]
    shop.versions.add(copy, catalog.id, title="", backbone="embedded", has_log=True, metrics={})
    needs = [Need(text=text) for text in ("a red hat", "something to sit on", "blue")]
    before = [{one.stored.id: one.score for one in shop.suggester.suggest(need, limit=84).page} for need in needs]
    activate_version(shop, ActivateSpec(version=copy), silent)
    after = [{one.stored.id: one.score for one in shop.suggester.suggest(need, limit=84).page} for need in needs]
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)
    shop.database.connection.execute("DELETE FROM versions WHERE id = ?", (copy,))
    # Towers that give tokens are read by torch, the others by a runtime that rounds a little differently.
    moved = [
        abs(score - other[number]) for one, other in zip(before, after, strict=True) for number, score in one.items()
    ]
    assert max(moved) < 0.1, max(moved)


def test_a_trained_version_is_explained_by_itself(shop: Workspace, trained: str) -> None:
    catalog, need = shop.catalogs.list()[0], Need(text="a red hat")
    before = shop.explainer.explain(catalog, need, "hat-red")
    activate_version(shop, ActivateSpec(version=trained), silent)
    served = shop.catalogs.find(catalog.name)
    found = shop.explainer.explain(served, need, "hat-red")
    (card,) = (one for one in shop.suggester.suggest(need, limit=84).page if one.stored.item.item_id == "hat-red")
    assert (found.score, found.rank) == (pytest.approx(card.score, abs=1e-4), card.rank)
    # Its vectors are kept in half precision and were made by a faster runtime than the variants are.
    assert found.completeness < 0.02 * abs(found.score)
    assert found.modalities.keys() == before.modalities.keys() and found.modalities != before.modalities
    for one in found.counterfactuals:
        if one.need:
            ranks = {
                card.stored.item.item_id: card.rank
                for card in shop.suggester.suggest(Need(text=one.need), limit=84).page
            }
            assert ranks["hat-red"] == one.rank
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)


def test_suggesting_to_people(shop: Workspace, trained: str) -> None:
    found = recommend_user(shop, "simulated-00001", "", trained, 5)
    assert len(found.suggestions) == 5 and found.history == 12
    first = found.suggestions[0]
    assert np.isclose(sum(first.parts.values()), first.score, atol=1e-4)
    liked = recommend_history(shop, ["hat-red", "hat-blue"], "", "", 5)
    assert not {"hat-red", "hat-blue"} & {one.item_id for one in liked.suggestions}
    with pytest.raises(TrainError, match="is not in the catalogue's log"):
        recommend_user(shop, "nobody", "", trained, 5)
    with pytest.raises(TrainError, match="does not know the items no-such"):
        recommend_history(shop, ["no-such"], "", trained, 5)


def test_a_stopped_job_goes_on(shop: Workspace, spec: TrainSpec) -> None:
    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "Training" and done == 26:
            raise CancelledError("stop")

    longer = replace(spec, config={**SMALL, "epochs": 2})
    with pytest.raises(CancelledError):
        run_train(shop, longer, "c" * 32, stop)
    with pytest.raises(TrainError, match="have changed since this run began"):
        run_train(shop, spec, "c" * 32, silent)
    seen: list[int] = []
    run_train(shop, longer, "c" * 32, lambda stage, done, _total: seen.append(done) if stage == "Training" else None)
    assert min(seen) == 26, "it goes on after the last whole epoch"


def test_without_a_log(shop: Workspace, spec: TrainSpec) -> None:
    found = run_train(shop, replace(spec, use_log=False), "d" * 32, silent)
    assert found.replay is None and "replay" not in found.to_json(), "no need is saved"
    answer = found.answer
    assert answer.split == "titles" and {row.metric for row in answer.rows} == {"mrr", "recall@10", "accuracy"}
    assert answer.tested == answer.needed == 20 and answer.verdict in ("helps", "unclear", "hurts")
    version = shop.versions.find(found.version)
    assert not version.has_log
    with pytest.raises(TrainError, match="catalogue alone"):
        recommend_history(shop, ["hat-red"], "", version.id, 3)


def test_saved_needs_are_replayed(shop: Workspace, spec: TrainSpec) -> None:
    """What the run says would move is what moves when the version serves."""
    catalog = shop.catalogs.list()[0]
    shop.expectations.add(catalog.id, SavedNeed(text="a red hat"), ["hat-red", "lamp-blue"])
    found = run_train(shop, replace(spec, use_log=False, seed=1), "f" * 32, silent)
    version = shop.versions.find(found.version)
    assert found.replay is not None and "find" in found.replay.summary
    moves = found.to_json()["replay"]
    assert version.metrics["replay"] == moves
    ranks = {one.item_id: (one.before, one.after) for one in found.replay.moves}
    folder = shop.home.versions / version.id
    assert json.loads((folder / "card.json").read_text())["metrics"]["replay"] == moves
    assert "| a red hat | red hat (hat-red) |" in (folder / "MODEL_CARD.md").read_text()
    for place in (0, 1):
        page = shop.suggester.suggest(Need(text="a red hat"), limit=84).page
        served = {one.stored.item.item_id: one.rank for one in page}
        assert {item_id: both[place] for item_id, both in ranks.items()}.items() <= served.items()
        activate_version(shop, ActivateSpec(version="" if place else version.id, catalog=catalog.name), silent)
    for one in shop.expectations.list(catalog.id):
        shop.expectations.remove(catalog.id, one.id)


def test_a_failed_replay_keeps_the_trained_version(
    shop: Workspace, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = shop.catalogs.list()[0]
    (saved,) = shop.expectations.add(catalog.id, SavedNeed(text="a red hat"), ["hat-red"])
    monkeypatch.setattr("core.work.replay.rank_expected", lambda *_: 1 / 0)
    found = run_train(shop, replace(spec, use_log=False), "9" * 32, silent)
    shop.expectations.remove(catalog.id, saved.id)
    version = shop.versions.find(found.version)
    assert version.metrics["verdict"] == found.answer.verdict
    assert found.replay is not None and found.replay.moves == ()
    assert "could not be replayed" in version.metrics["replay_summary"]
    assert "could not be replayed" in (shop.home.versions / version.id / "MODEL_CARD.md").read_text()


def test_comparing_models(shop: Workspace, tmp_path: Path) -> None:
    catalog = shop.catalogs.list()[0]
    log = shop.interactions.load(catalog.id, tuple(shop.items.content_hashes(catalog.id)))
    rows = [
        f"{log.user_ids[user]},{log.item_ids[item]},{time}"
        for user, item, time in zip(log.users, log.items, log.times, strict=True)
    ]
    path = tmp_path / "log.csv"
    path.write_text("user,item,time\n" + "\n".join(rows))
    spec = CompareSpec(
        catalog=catalog.name, interactions=str(path), models=("popularity", "ease", "random"), split="users"
    )
    found = run_compare(shop, spec, silent)
    assert found.users > 60 and found.items == 84 and found.split == "users"
    assert {row.name for row in found.models} == {"popularity", "ease", "random"}
    best = found.models[0]
    assert best.interval[0] <= best.values["ndcg@10"] <= best.interval[1]
    again = run_compare(shop, replace(spec, seeds=2), silent)
    for row in again.models:
        first, second = row.by_seed
        assert row.values["ndcg@10"] == pytest.approx((first + second) / 2, abs=1e-4)
        assert (first,) == next(one.by_seed for one in found.models if one.name == row.name)
    with pytest.raises(WishlightError, match="between 1 and 20"):
        run_compare(shop, replace(spec, seeds=0), silent)
    with pytest.raises(WishlightError, match="no model called nonsense"):
        run_compare(shop, replace(spec, models=("nonsense",)), silent)


def test_wrong_settings_end_in_sentences(shop: Workspace, spec: TrainSpec, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no device"):
        run_train(shop, replace(spec, device="abacus"), "e" * 32, silent)
    with pytest.raises(TrainError, match="no preset"):
        run_train(shop, replace(spec, preset="huge", config={}), "e" * 32, silent)
    (tmp_path / "other.csv").write_text("user,item\nu1,elsewhere\n")
    with pytest.raises(MappingError, match=r"No event names an item .* “item” was taken"):
        run_train(shop, replace(spec, interactions=str(tmp_path / "other.csv")), "e" * 32, silent)
    with pytest.raises(TrainError, match="no version called"):
        shop.versions.find("zzz")


def test_the_best_of_a_search_is_what_training_reads(
    shop: Workspace, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("core.train.settings.preset_config", lambda _name: TrainConfig.from_json(SMALL))
    out = tmp_path / "best settings.json"
    start = ["--home", str(shop.home.root), "search", "--json"]
    names = ["--catalog", spec.catalog, "--device", "cpu"]
    assert main([*start, *names, "--trials", "2", "--seed", "3"]) == 0
    searched = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in searched["trials"]] == [1, 2] and searched["out"] == ""
    assert {"tasks.popularity", "tasks.act"} <= set(searched["best"]["settings"]), "the stored log is learned from"
    assert main([*start, "--resume", searched["run"][:12], "--out", str(out)]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again == searched | {"out": str(out)}, "a search that has ended is not run again"
    assert json.loads(out.read_text()) == searched["config"]
    train = ["--home", str(shop.home.root), "train", "--json", *names, "--config", str(out), "--seed", "3"]
    assert main(train) == 0
    version = json.loads(capsys.readouterr().out)["version"]
    card = json.loads((shop.home.versions / version / "card.json").read_text())
    assert card["config"] == searched["config"]


def test_a_version_serves_an_item_as_it_reads_it(shop: Workspace, trained: str, tmp_path: Path) -> None:
    """What it says of a missing picture was replaced by an average, and a picture that came later changed nothing."""
    from core.serving.variants import Variant

    catalog, need = shop.catalogs.list()[0], Need(text="a red hat")
    activate_version(shop, ActivateSpec(version=trained), silent)
    (tmp_path / "late.csv").write_text("id,title,description,image\nlate,red hat of felt,A hat,red-hat.png\n")
    rows = []
    for folder, there in ((tmp_path, False), (shop.home.root.parent, True)):  # the picture comes with the second one
        spec = write_spec(tmp_path / "late.csv", folder=folder)
        run_import(shop, replace(spec, catalog=catalog.name, backbone=""))
        served = shop.catalogs.find(catalog.name)
        stored = shop.items.find(served.id, "late")
        assert stored is not None and (stored.main_picture is not None) == there
        row, _ = shop.serving.of(served).index.rows(np.array([stored.id]))
        read = shop.models.version_reader(served).read(stored, [Variant(item=stored.item)])
        assert np.abs(row - read).max() < 0.02, "measured is served"
        found = shop.explainer.explain(served, need, "late")
        assert found.completeness < 0.02 * abs(found.score) and ("picture" in found.modalities) == there
        rows.append(row)
    assert np.abs(rows[0] - rows[1]).max() > 0.05
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)


def _answer(shop: Workspace) -> dict[str, float]:
    return {
        one.stored.item.item_id: one.score for one in shop.suggester.suggest(Need(text="a red hat"), limit=480).page
    }


def test_going_back_and_rebuilding_move_no_vector(
    shop: Workspace, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebuild took the version off, and each switch read everything anew."""
    catalog = shop.catalogs.list()[0]
    plain = _answer(shop)
    activate_version(shop, ActivateSpec(version=trained), silent)
    served = _answer(shop)
    monkeypatch.setattr("core.work.activate.load_material", lambda *_: pytest.fail("everything was read again"))
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)
    assert _answer(shop) == plain
    activate_version(shop, ActivateSpec(version=trained), silent)
    assert _answer(shop) == served
    rebuild(shop)
    assert shop.catalogs.find(catalog.name).version == trained and _answer(shop) == pytest.approx(served, abs=1e-5)
    activate_version(shop, ActivateSpec(version="", catalog=catalog.name), silent)
    assert _answer(shop) == pytest.approx(plain, abs=1e-5)


def test_a_version_that_was_looked_at_too_soon_serves_all_its_vectors(shop: Workspace, trained: str) -> None:
    """Rows that a version had not read when its index was made stayed as the untrained model had them."""
    from core.work.activate import embed_items

    copy = "e" * 12
    shutil.copytree(shop.home.versions / trained, shop.home.versions / copy)
    catalog = shop.catalogs.list()[0]
    shop.versions.add(copy, catalog.id, title="", backbone="embedded", has_log=True, metrics={})
    soon = replace(catalog, version=copy)
    early = shop.serving.of(soon).index.rows(shop.serving.of(soon).index.ids)[0]
    embed_items(shop, catalog, copy, silent)
    shop.catalogs.bump(catalog.id)
    index = shop.serving.of(replace(shop.catalogs.find(catalog.name), version=copy)).index
    other = shop.serving.of(replace(shop.catalogs.find(catalog.name), version=trained)).index
    ids = np.sort(index.ids)
    assert (
        np.allclose(index.rows(ids)[0], other.rows(ids)[0], atol=1e-3)
        and np.abs(early - index.rows(ids)[0]).max() > 0.01
    )
    shop.database.connection.execute("DELETE FROM versions WHERE id = ?", (copy,))

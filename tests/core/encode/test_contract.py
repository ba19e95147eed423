"""What every kind of backbone holds on every runtime, with small models of random weights saved as a person's own.

A new kind needs one function that writes a folder and one line in `KINDS`; the registry's own entries are of these
kinds (`tests/core/encode/test_registry.py` holds their names against open_clip's).
"""

import json
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from core.encode.embedded_weights import text_folder
from core.encode.encoder import Encoder
from core.encode.loading import load_encoder
from core.encode.runtime import LEAST_AGREEMENT, measure_agreement

RUNTIMES = ("torch", "openvino")
WIDTH = 32
TEXTS = ("a red shoe", "", "green " * 500, "中文 \ud800 \x00 text", "lamp", "x" * 10_000, "🧦", " \n\t")
VISION: Mapping[str, Any] = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
TEXT: Mapping[str, Any] = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def save_model(folder: Path, vision: Mapping[str, Any], text: Mapping[str, Any], *, seed: int, **more: Any) -> Path:
    """A model as open_clip saves it, with the weights of this seed."""
    import torch
    from open_clip.factory import CLIP, CustomTextCLIP
    from safetensors.torch import save_file

    config = {"embed_dim": WIDTH, "vision_cfg": dict(vision), "text_cfg": dict(text)}
    torch.manual_seed(seed)
    built = {**text, "hf_model_name": str(folder)} if "hf_model_name" in text else text
    custom = more.pop("custom", False)
    model = (CustomTextCLIP if custom else CLIP)(**{**config, "text_cfg": dict(built)}, **more)
    config |= {"custom_text": True} if custom else {}
    folder.mkdir(exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config | more, "preprocess_cfg": {}}))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    return folder


def save_clip(folder: Path, seed: int) -> Path:
    return save_model(folder, VISION, TEXT, seed=seed)


def save_siglip(folder: Path, seed: int) -> Path:
    """A text tower without a causal mask that reads its last place, and a bias beside the scale."""
    text = {**TEXT, "no_causal_mask": True, "proj_bias": True, "pool_type": "last"}
    return save_model(folder, VISION, text, seed=seed, custom=True, init_logit_bias=-10.0)


def save_timm(folder: Path, seed: int) -> Path:
    """A picture tower of timm's, convolutional."""
    vision = {"timm_model_name": "test_efficientnet", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64}
    return save_model(folder, vision, TEXT, seed=seed, custom=True)


def save_bert(folder: Path, seed: int) -> Path:
    """A text tower of transformers, with its configuration and its tokenizer in the folder."""
    folder.mkdir(exist_ok=True)
    for name in ("tokenizer.json", "vocab.txt"):
        shutil.copyfile(text_folder() / name, folder / name)
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]"}))
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 30522, **small}))
    text = {
        "hf_model_name": "somebody/bert", "hf_tokenizer_name": "somebody/bert", "hf_pooler_type": "mean_pooler",
        "hf_proj_type": "linear", "hf_model_pretrained": False, "context_length": 16,
    }  # fmt: skip
    return save_model(folder, VISION, text, seed=seed, custom=True)


#: A kind of model to what writes one with the weights of a seed.
KINDS: Mapping[str, Callable[[Path, int], Path]] = {
    "clip": save_clip,
    "siglip": save_siglip,
    "timm": save_timm,
    "bert": save_bert,
}
EVERY = [
    *(pytest.param(kind, runtime, id=f"{kind}-{runtime}") for kind in (*KINDS, "hub") for runtime in RUNTIMES),
    *(pytest.param("embedded", runtime, id=f"embedded-{runtime}", marks=pytest.mark.slow) for runtime in RUNTIMES),
]
every = pytest.mark.parametrize(("kind", "runtime"), EVERY)


class Saved(NamedTuple):
    """A model's name and the folder of derived models."""

    name: str
    models: Path


@pytest.fixture(scope="module")
def save(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[..., Saved]:
    """Writes each kind once; a hub's model is in the cache already, and the network is not asked."""
    root = tmp_path_factory.mktemp("backbones")

    @cache
    def write(kind: str, seed: int = 0) -> Saved:
        if kind == "embedded":
            return Saved("embedded", request.getfixturevalue("models_folder"))
        if kind != "hub":
            place = root / str(seed)
            place.mkdir(exist_ok=True)
            return Saved(str(KINDS[kind](place / kind, seed)), root / "models")
        cached = root / f"hub-{seed}" / "hub" / "models--somebody--tiny"
        (cached / "refs").mkdir(parents=True)
        (cached / "refs" / "main").write_text("a" * 40)
        (cached / "snapshots").mkdir()
        save_clip(cached / "snapshots" / ("a" * 40), seed)
        return Saved("hf-hub:somebody/tiny", cached.parents[1])

    return write


@pytest.fixture(scope="module")
def load(save: Callable[..., Saved]) -> Callable[..., Encoder]:
    """Loads each encoder once; `again` tells two loads apart."""
    from huggingface_hub import constants

    @cache
    def open_one(kind: str, runtime: str, seed: int = 0, again: int = 0) -> Encoder:
        saved = save(kind, seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(constants, "HF_HUB_OFFLINE", True)
            return load_encoder(saved.name, saved.models, runtime=runtime, device="cpu")  # type: ignore[arg-type]

    return open_one


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight pictures of several modes and shapes; number 3 is broken, number 5 is empty, number 6 is missing."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(8)]
    sizes = ((90, 60), (1, 1), (7, 300), (90, 60), (64, 64), (90, 60), (90, 60), (40, 40))
    for path, size, mode in zip(paths, sizes, ("RGB", "L", "RGBA", "RGB", "P", "RGB", "RGB", "1"), strict=True):
        Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize(size).convert(mode).save(path)
    paths[3].write_bytes(b"broken")
    paths[5].write_bytes(b"")
    paths[6].unlink()
    return paths


UNREAD = {3, 5, 6}


@every
def test_it_says_what_it_is(load: Callable[..., Encoder], kind: str, runtime: str) -> None:
    encoder = load(kind, runtime)
    assert encoder.runtime == runtime, encoder.runtime_reason
    assert encoder.dimension == (384 if kind == "embedded" else WIDTH)
    assert "en" in encoder.languages and encoder.runtime_reason.endswith(".")
    assert np.isfinite(encoder.logit_scale) and encoder.logit_scale > 0
    assert encoder.model_version


@every
def test_any_text_has_a_vector_of_norm_1_and_the_same_one_in_any_company(
    load: Callable[..., Encoder], kind: str, runtime: str
) -> None:
    encoder = load(kind, runtime)
    found = encoder.encode_texts(TEXTS)
    assert found.shape == (len(TEXTS), encoder.dimension) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    np.testing.assert_allclose(found, alone, atol=0.02)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS[::-1]), found[::-1], atol=0.02)
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), found)
    assert encoder.encode_texts([]).shape == (0, encoder.dimension)


@every
def test_texts_and_pictures_that_differ_have_vectors_that_differ(
    load: Callable[..., Encoder], pictures: list[Path], kind: str, runtime: str
) -> None:
    encoder = load(kind, runtime)
    texts = encoder.encode_texts(["a red shoe", "lamp", "green", "warm woollen hat"])
    read = np.delete(encoder.encode_pictures(pictures).embeddings, sorted(UNREAD), axis=0)
    for rows in (texts, read):
        assert (rows @ rows.T)[~np.eye(len(rows), dtype=bool)].max() < 1 - 1e-6


@every
def test_a_picture_that_cannot_be_read_is_reported_and_no_other_lost(
    load: Callable[..., Encoder], pictures: list[Path], kind: str, runtime: str
) -> None:
    encoder = load(kind, runtime)
    found = encoder.encode_pictures(pictures)
    assert set(found.failures) == UNREAD and all(said.endswith(".") for said in found.failures.values())
    assert found.embeddings.shape == (len(pictures), encoder.dimension)
    assert not found.embeddings[sorted(UNREAD)].any()
    read = np.delete(found.embeddings, sorted(UNREAD), axis=0)
    np.testing.assert_allclose(np.linalg.norm(read, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode_pictures([path]).embeddings for path in pictures])
    np.testing.assert_allclose(found.embeddings, alone, atol=0.02)
    np.testing.assert_array_equal(encoder.encode_pictures(pictures).embeddings, found.embeddings)
    images = [Image.open(path) for number, path in enumerate(pictures) if number not in UNREAD]
    assert measure_agreement(encoder.encode_images(images), read) > LEAST_AGREEMENT
    none = encoder.encode_pictures(pictures[3:4])
    assert set(none.failures) == {0} and not none.embeddings.any()
    assert encoder.encode_pictures([]).embeddings.shape == encoder.encode_images([]).shape == (0, encoder.dimension)


@every
def test_loaded_again_it_gives_the_same(
    load: Callable[..., Encoder], pictures: list[Path], kind: str, runtime: str
) -> None:
    first, second = load(kind, runtime), load(kind, runtime, again=1)
    assert first is not second and first.model_version == second.model_version
    np.testing.assert_allclose(first.encode_texts(TEXTS), second.encode_texts(TEXTS), atol=1e-6)
    read = [path for number, path in enumerate(pictures) if number not in UNREAD]
    pair = (one.encode_pictures(read).embeddings for one in (first, second))
    np.testing.assert_allclose(*pair, atol=1e-6)


@pytest.mark.parametrize("kind", [*KINDS, "hub", pytest.param("embedded", marks=pytest.mark.slow)])
def test_the_runtime_is_no_part_of_the_version(load: Callable[..., Encoder], pictures: list[Path], kind: str) -> None:
    one, other = (load(kind, runtime) for runtime in RUNTIMES)
    assert one.model_version == other.model_version
    assert measure_agreement(one.encode_texts(TEXTS), other.encode_texts(TEXTS)) > LEAST_AGREEMENT
    read = [path for number, path in enumerate(pictures) if number not in UNREAD]
    pair = (encoder.encode_pictures(read).embeddings for encoder in (one, other))
    assert measure_agreement(*pair) > LEAST_AGREEMENT


@pytest.mark.parametrize("kind", KINDS)
def test_other_weights_are_another_version(load: Callable[..., Encoder], kind: str) -> None:
    """Folders of one name, so that nothing but what is inside tells them apart."""
    one, other = load(kind, "torch"), load(kind, "torch", seed=1)
    assert one.model_version != other.model_version
    assert measure_agreement(one.encode_texts(["lamp"]), other.encode_texts(["lamp"])) < 0.9

"""Loading any open_clip folder, and the way out when a runtime disagrees."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.encode import hub, loading, runtime_openvino
from core.encode.loading import load_encoder
from core.encode.registry import find_backbone
from core.encode.runtime import measure_agreement
from core.encode.runtime_openvino import find_folder, read_record
from core.encode.towers import describe_version
from core.errors import BackboneError

pytestmark = pytest.mark.slow

TEXTS = ("a red shoe", "", "green " * 500, "中文 \ud800 \x00 text", "lamp")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> list[Path]:
    """Ten pictures; number 3 is broken, number 7 is missing."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(10)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((90, 60)).save(path)
    paths[3].write_bytes(b"broken")
    paths[7].unlink()
    return paths


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_own_folder_equals_plain_open_clip(tiny_folder, pictures, tmp_path, runtime) -> None:
    import open_clip
    import torch

    encoder = load_encoder(str(tiny_folder), tmp_path, runtime=runtime)
    assert (encoder.runtime, encoder.dimension) == (runtime, 32)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tiny_folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{tiny_folder}")(["a red shoe", "lamp"])
    with torch.inference_mode():
        texts = model.eval().encode_text(tokens, normalize=True).numpy()
        image = model.encode_image(transform(Image.open(pictures[0])).unsqueeze(0), normalize=True).numpy()
    assert measure_agreement(encoder.encode_texts(["a red shoe", "lamp"]), texts) > 0.998
    assert measure_agreement(encoder.encode_pictures(pictures[:1]).embeddings, image) > 0.998
    assert measure_agreement(encoder.encode_images([Image.open(pictures[0])]), image) > 0.998


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_failures_are_reported_and_order_is_kept(tiny_folder, pictures, tmp_path, runtime) -> None:
    encoder = load_encoder(str(tiny_folder), tmp_path, runtime=runtime)
    found = encoder.encode_pictures(pictures)
    assert set(found.failures) == {3, 7}
    norms = np.linalg.norm(found.embeddings, axis=1)
    np.testing.assert_allclose(np.delete(norms, [3, 7]), 1, atol=1e-5)
    assert not found.embeddings[[3, 7]].any()
    alone = np.concatenate([encoder.encode_pictures([path]).embeddings for path in pictures])
    np.testing.assert_allclose(found.embeddings, alone, atol=0.02)
    assert encoder.encode_pictures([]).embeddings.shape == (0, 32)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_odd_texts(tiny_folder, tmp_path, runtime) -> None:
    encoder = load_encoder(str(tiny_folder), tmp_path, runtime=runtime)
    found = encoder.encode_texts(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    np.testing.assert_allclose(found, alone, atol=0.02)
    assert encoder.encode_texts([]).shape == (0, 32)


def test_version_is_the_runtimes_business_never(tiny_folder, tmp_path) -> None:
    versions = {load_encoder(str(tiny_folder), tmp_path, runtime=name).model_version for name in ("torch", "openvino")}
    assert len(versions) == 1


def test_version_follows_the_weights(tiny_folder, tmp_path) -> None:
    before = describe_version(find_backbone(str(tiny_folder)))
    other = tmp_path / tiny_folder.name
    other.mkdir()
    for path in tiny_folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert describe_version(find_backbone(str(other))) == before
    (other / "open_clip_model.safetensors").write_bytes(b"else")
    assert describe_version(find_backbone(str(other))) != before


def test_second_load_opens_what_was_converted(tiny_folder, tmp_path, monkeypatch) -> None:
    first = load_encoder(str(tiny_folder), tmp_path, runtime="openvino").encode_texts(["lamp"])
    monkeypatch.setattr(loading, "load_towers", _refuse)
    second = load_encoder(str(tiny_folder), tmp_path, runtime="openvino").encode_texts(["lamp"])
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_runtime_that_disagrees_is_not_used_and_remembered(tiny_folder, tmp_path, monkeypatch) -> None:
    honest = runtime_openvino._infer
    monkeypatch.setattr(runtime_openvino, "_infer", lambda compiled, inputs: -honest(compiled, inputs))
    encoder = load_encoder(str(tiny_folder), tmp_path, runtime="openvino")
    assert encoder.runtime == "torch"
    assert "differ" in encoder.runtime_reason
    monkeypatch.setattr(runtime_openvino, "_infer", honest)
    assert load_encoder(str(tiny_folder), tmp_path).runtime == "torch"
    record = read_record(find_folder(tmp_path, encoder.model_version))
    assert record is not None
    assert not record.accepted


def test_a_tower_that_cannot_be_converted_runs_in_torch(tiny_folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(loading, "convert_towers", _refuse)
    encoder = load_encoder(str(tiny_folder), tmp_path, runtime="openvino")
    assert encoder.runtime == "torch"
    assert "cannot run" in encoder.runtime_reason


def test_damaged_record_is_no_record(tmp_path) -> None:
    (tmp_path / "record.json").write_text('{"preparation": {}}')
    assert read_record(tmp_path) is None


def test_folder_without_weights_is_refused(tiny_folder, tmp_path) -> None:
    """open_clip alone would go on with random weights."""
    (tmp_path / "open_clip_config.json").write_text((tiny_folder / "open_clip_config.json").read_text())
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_encoder(str(tmp_path), tmp_path / "models", runtime="torch")


def test_pickled_code_is_not_run(tiny_folder, tmp_path) -> None:
    import torch

    (tmp_path / "open_clip_config.json").write_text((tiny_folder / "open_clip_config.json").read_text())
    torch.save({"state_dict": _Trap(tmp_path / "sprung")}, tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(BackboneError, match=r"pickle.*safetensors"):
        load_encoder(str(tmp_path), tmp_path / "models", runtime="torch")
    assert not (tmp_path / "sprung").exists()


def test_offline_says_the_size_and_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(hub, "_can_reach", lambda _: False)
    with pytest.raises(BackboneError, match=r"605 MB.*embedded"):
        load_encoder("vit-b-32", tmp_path)


def test_unreachable_host_is_found_out_in_seconds(monkeypatch) -> None:
    monkeypatch.setattr(hub.urllib.request, "getproxies", dict)
    begun = time.monotonic()
    assert not hub._can_reach("https://no-such-host.invalid")
    assert time.monotonic() - begun < hub.PROBE_SECONDS + 1


def test_downloaded_weights_are_seen(tmp_path) -> None:
    backbone = find_backbone("fashion")
    assert not hub.is_downloaded(backbone, tmp_path)
    folder = tmp_path / "hub" / "models--Marqo--marqo-fashionSigLIP" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "open_clip_model.safetensors").touch()
    assert hub.is_downloaded(backbone, tmp_path)


def test_unknown_runtime(tmp_path) -> None:
    with pytest.raises(ValueError, match="fast"):
        load_encoder("embedded", tmp_path, runtime="fast")  # type: ignore[arg-type]


def test_agreement_by_hand() -> None:
    one = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert measure_agreement(one, one) == 1
    assert measure_agreement(one, one[::-1]) == 0
    assert measure_agreement(one, np.full_like(one, np.nan)) == 0
    assert measure_agreement(one, one[:1]) == 0


class _Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def _refuse(*_, **__):
    raise RuntimeError("must not be called")


def test_a_changed_file_of_the_converted_model_is_noticed(tmp_path, caplog) -> None:
    (tmp_path / "text.bin").write_bytes(b"weights")
    preparation = {"side": 8, "mean": [0, 0, 0], "std": [1, 1, 1]}
    record = runtime_openvino.ConversionRecord(
        picture_precision="f32", text_precision="f32", agreement=1.0, dimension=4, trims=True, logit_scale=1.0,
        preparation=runtime_openvino.Preparation(**preparation), files=runtime_openvino._hash_files(tmp_path),
    )  # fmt: skip
    (tmp_path / "record.json").write_text(json.dumps(asdict(record)))
    assert runtime_openvino.read_record(tmp_path) is not None
    (tmp_path / "text.bin").write_bytes(b"weightz")
    assert runtime_openvino.read_record(tmp_path) is None
    assert caplog.text.count("converted again") == 1

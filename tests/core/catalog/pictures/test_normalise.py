import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from core.catalog.pictures import normalise as pictures
from core.catalog.pictures.normalise import MAX_SIDE, THUMBNAIL_SIDE, normalise_picture
from core.errors import PictureError


def _bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(normalise_picture(data).jpeg)).convert("RGB"), float)


@pytest.mark.parametrize(
    ("image", "kind", "colour"),
    [
        (Image.new("RGB", (8, 8), (200, 40, 40)), "PNG", (200, 40, 40)),
        (Image.new("L", (8, 8), 90), "PNG", (90, 90, 90)),
        (Image.new("1", (8, 8), 1), "PNG", (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("LA", (8, 8), (0, 0)), "PNG", (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (0, 0, 255, 128)), "PNG", (127, 127, 255)),
        (Image.new("RGB", (8, 8), (10, 200, 10)).quantize(4), "PNG", (10, 200, 10)),
        (Image.new("I;16", (8, 8), 32768), "PNG", (128, 128, 128)),
        (Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", (254, 0, 0)),
        (Image.new("RGB", (8, 8), (20, 30, 200)), "BMP", (20, 30, 200)),
        (Image.new("RGB", (8, 8), (20, 30, 200)), "TIFF", (20, 30, 200)),
        (Image.new("RGB", (8, 8), (20, 30, 200)), "WEBP", (20, 30, 200)),
    ],
    ids=[
        "rgb",
        "grey",
        "bilevel",
        "clear",
        "clear-grey",
        "half-clear",
        "palette",
        "16-bit",
        "cmyk",
        "bmp",
        "tiff",
        "webp",
    ],
)
def test_every_mode_becomes_the_right_srgb_colour(image: Image.Image, kind: str, colour: tuple[int, ...]) -> None:
    assert np.abs(_pixels(_bytes(image, kind)).mean(axis=(0, 1)) - colour).max() < 6


def test_turns_upright_by_exif_and_drops_the_metadata() -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: turn a quarter clockwise
    exif[0x010F] = "a camera"
    normal = normalise_picture(_bytes(image, "JPEG", exif=exif, quality=95))
    upright = Image.open(io.BytesIO(normal.jpeg))
    assert upright.size == (normal.width, normal.height) == (20, 40)
    assert upright.getpixel((10, 5))[1] < 60 < 200 < upright.getpixel((10, 35))[1]
    assert not upright.getexif() and "icc_profile" not in upright.info
    assert b"a camera" not in normal.jpeg + normal.thumbnail


def test_converts_a_wide_gamut_to_srgb(shared_data: Path) -> None:
    icc = Image.open(shared_data / "bad_images/pillow/hopper.iccprofile.tif").info["icc_profile"]
    assert ImageCms.getOpenProfile(io.BytesIO(icc))
    plain = Image.new("RGB", (8, 8), (120, 60, 30))
    assert np.abs(_pixels(_bytes(plain, "PNG", icc_profile=icc)) - _pixels(_bytes(plain, "PNG"))).max() < 80


def test_takes_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = _bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(_pixels(data).mean(axis=(0, 1)) - (255, 0, 0)).max() < 6


def test_shrinks_but_never_enlarges() -> None:
    large = normalise_picture(_bytes(Image.new("RGB", (3000, 1500), "teal"), "JPEG"))
    assert (large.width, large.height) == (MAX_SIDE, MAX_SIDE // 2)
    assert max(Image.open(io.BytesIO(large.thumbnail)).size) == THUMBNAIL_SIDE
    small = normalise_picture(_bytes(Image.new("RGB", (60, 80), "teal"), "PNG"))
    assert (small.width, small.height) == Image.open(io.BytesIO(small.thumbnail)).size == (60, 80)


def test_a_line_of_pixels_survives() -> None:
    normal = normalise_picture(_bytes(Image.new("RGB", (5000, 1), "teal"), "PNG"))
    assert (normal.width, normal.height) == (MAX_SIDE, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"\xef\xbb\xbf <?xml version='1.0'?><!-- x --><svg/>", "svg"),
        (b"<!DOCTYPE html><html></html>", "not_a_picture"),
        (b"plainly no picture", "unsupported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "unsupported"),
        (_bytes(Image.effect_noise((64, 64), 80), "JPEG")[:900], "truncated"),
        (_bytes(Image.effect_noise((64, 64), 80), "PNG")[:900], "truncated"),
    ],
    ids=["empty", "svg", "svg-xml", "html", "text", "eps", "cut-jpeg", "cut-png"],
)
def test_says_why_a_file_cannot_be_used(data: bytes, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        normalise_picture(data)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


def test_refuses_bombs_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 99)
    with pytest.raises(PictureError) as caught:
        normalise_picture(_bytes(Image.new("RGB", (10, 10)), "PNG"))
    assert caught.value.code == "too_large"


def test_refuses_a_compressed_text_bomb() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "a" * 80_000_000, zip=True)
    with pytest.raises(PictureError):
        normalise_picture(_bytes(Image.new("RGB", (4, 4)), "PNG", pnginfo=info))


def test_every_hostile_file_gives_a_picture_or_a_reason(shared_data: Path) -> None:
    files = sorted(path for path in (shared_data / "bad_images").rglob("*") if path.is_file())
    reasons: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in files:
            try:
                normal = normalise_picture(path.read_bytes())
            except PictureError as exc:
                reasons[path.name] = exc.code
            else:
                Image.open(io.BytesIO(normal.jpeg)).load()
    assert len(files) - len(reasons) >= 320
    assert reasons["png_decompression_dos.png"] == "damaged"
    assert reasons["LICENSE"] == "unsupported"
    assert set(reasons.values()) <= {"damaged", "unsupported", "truncated", "too_large"}


def test_a_bomb_that_pillow_itself_refuses_is_too_large() -> None:
    packed = zlib.compress(bytes(1000))
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    with pytest.raises(PictureError) as caught:
        normalise_picture(b"\x89PNG\r\n\x1a\n" + body)
    assert caught.value.code == "too_large"

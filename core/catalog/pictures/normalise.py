"""One picture file made safe and uniform.

A catalogue's pictures come as anything: CMYK, 16 bits, palettes, animations, rotated by EXIF, truncated, hostile. Each
becomes an sRGB JPEG without metadata and a WebP thumbnail, or a `PictureError` with the reason.
"""

import io
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from core.errors import PictureError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "ICO", "JPEG2000")
MAX_BYTES = 30 * 2**20
MAX_PIXELS = 50_000_000
MAX_SIDE = 1024
THUMBNAIL_SIDE = 320
JPEG_QUALITY = 92
THUMBNAIL_QUALITY = 82
DECODE_SECONDS = 20
_WHITE = (255, 255, 255)
_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPicture:
    """A picture ready to be stored.

    Attributes:
        jpeg: sRGB JPEG without metadata, longest side at most `MAX_SIDE` pixels.
        thumbnail: WebP, longest side at most `THUMBNAIL_SIDE` pixels.
        width: Of the JPEG, pixels.
        height: Of the JPEG, pixels.
    """

    jpeg: bytes
    thumbnail: bytes
    width: int
    height: int


def normalise_picture(data: bytes) -> NormalPicture:
    """Decode, turn upright, convert to sRGB and shrink.

    Args:
        data: The file's bytes.

    Raises:
        PictureError: With code empty, too_large, svg, not_a_picture, unsupported, truncated, damaged or too_slow.
    """
    _check_bytes(data)
    with _time_limit(DECODE_SECONDS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _encode(_decode(data))
        except PictureError:
            raise
        except (MemoryError, Image.DecompressionBombError) as exc:
            raise _too_large() from exc
        except Exception as exc:
            # The decoders raise nearly every built-in exception on a crafted file; the row must survive all of them.
            raise _damaged(exc) from exc


def _check_bytes(data: bytes) -> None:
    if not data:
        raise PictureError("empty", "The picture file is empty. Export it again.")
    if len(data) > MAX_BYTES:
        raise file_too_large()
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!doctype svg")) and b"<svg" in head):
        raise PictureError("svg", "SVG drawings are not supported. Export the picture as PNG or JPEG.")
    if head.startswith((b"<!doctype html", b"<html")):
        raise PictureError("not_a_picture", "This is a web page, not a picture. Give the picture's own address.")


def _decode(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as exc:
        raise PictureError(
            "unsupported", "This is not a picture that can be read. Use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF."
        ) from exc
    if image.width * image.height > MAX_PIXELS or not image.width or not image.height:
        raise _too_large()
    if image.format == "JPEG" and image.mode in ("RGB", "L"):
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    image.load()
    return _to_srgb(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # A broken EXIF block says nothing about the pixels.
        return image


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = _to_eight_bits(image)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("LA", "La", "PA", "RGBa") or ("transparency" in image.info and image.mode in ("L", "RGB", "1")):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        flat = Image.new("RGB", image.size, _WHITE)
        flat.paste(_apply_profile(image.convert("RGB"), profile), mask=alpha)
        return flat
    return _apply_profile(image, profile)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Grey pictures with more than 8 bits: 12 and 16 bits by their range, floating point stretched."""
    if image.mode not in _DEEP_MODES:
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode == "F":
        values = (values - low) * 255 / (high - low or 1.0)
    elif high > 255:
        values = values / (16 if high <= 4095 else 256)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "LAB" and not profile:
        lab = ImageCms.createProfile("LAB")
        return _transform(image, ImageCms.ImageCmsProfile(lab)) or image.convert("L").convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L", "LAB"):
        try:
            converted = _transform(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return image if image.mode == "RGB" else image.convert("RGB")


def _transform(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    try:
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, ValueError):
        return None


def _encode(image: Image.Image) -> NormalPicture:
    # A fresh image carries neither EXIF, comments nor profiles.
    clean = Image.new("RGB", image.size, _WHITE)
    clean.paste(image)
    clean.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    jpeg = io.BytesIO()
    clean.save(jpeg, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    small = clean.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    thumbnail = io.BytesIO()
    small.save(thumbnail, "WEBP", quality=THUMBNAIL_QUALITY, method=2)
    return NormalPicture(jpeg=jpeg.getvalue(), thumbnail=thumbnail.getvalue(), width=clean.width, height=clean.height)


def file_too_large() -> PictureError:
    """The reason of a file beyond `MAX_BYTES`, wherever it came from."""
    return PictureError("too_large", f"The picture file is larger than {MAX_BYTES // 2**20} MB. Save a smaller one.")


def _too_large() -> PictureError:
    return PictureError(
        "too_large", f"The picture has more than {MAX_PIXELS // 10**6} million pixels. Save a smaller one."
    )


def _damaged(exc: Exception) -> PictureError:
    if "truncated" in str(exc).lower() or isinstance(exc, EOFError):
        return PictureError("truncated", "The picture file ends too early. Copy or export it again.")
    return PictureError("damaged", "The picture file is damaged and cannot be decoded. Export it again.")


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Stop a decoder that takes for ever, where the platform has alarms and this is the main thread."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise PictureError("too_slow", f"The picture took more than {seconds} seconds to decode. Export it again.")

    try:
        before = signal.signal(signal.SIGALRM, give_up)
    except ValueError:  # not the main thread
        yield
        return
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

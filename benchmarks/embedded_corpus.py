"""What the frozen towers say about picture-text pairs: the input of training and of the retrieval benchmark."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.clipart import Pair, group_pairs, read_openclipart, read_tuxpaint
from core.encode import embedded
from core.encode import embedded_weights as weights
from core.encode.embedded_parts import CLASSES, ConseHead
from core.encode.pictures import Preparation, open_picture, prepare

VIEWS = 4
PREPARATION = Preparation(
    side=embedded.PICTURE_SIDE, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, resize_mode="longest", fill=255
)
DEFAULT_CACHE = Path(".wishlight/models/training")


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Pairs with everything that the frozen towers say about them.

    Attributes:
        pairs: N pairs.
        groups: (N,) leakage groups.
        features: (N, 4, 1280), pooled, of the picture, its mirror image, its trimmed and a cut-out version.
        convex: (N, 4, 384), the untrained part of the head, unit-norm.
        captions: (N, 4, 384), unit-norm, in the order of `Recipe.captions`.
        titles: (N,) number of the title; pairs with equal ones are no negatives of each other.
        head: Holds the classifier and the class embeddings.
    """

    pairs: list[Pair]
    groups: NDArray[np.int64]
    features: Tensor
    convex: Tensor
    captions: Tensor
    titles: Tensor
    head: ConseHead


def load_corpus(cache: Path) -> Corpus:
    """Read pairs and encode them with the frozen towers; features are kept in `cache`."""
    pairs = read_openclipart() + read_tuxpaint()
    path = cache / f"features-{len(pairs)}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, _picture_features(pairs))
    features = torch.from_numpy(np.load(path, allow_pickle=False))
    groups = group_pairs(pairs, normalize(features[:, 0], dim=-1).numpy())
    head = build_untrained_head()
    with torch.inference_mode():
        convex = torch.stack([head.convex(features[:, view]) for view in range(VIEWS)], 1)
    titles = np.unique([" ".join(pair.title.lower().split()) for pair in pairs], return_inverse=True)[1]
    return Corpus(
        pairs=pairs,
        groups=groups,
        features=features,
        convex=convex.clone(),
        captions=_caption_embeddings(pairs),
        titles=torch.from_numpy(titles),
        head=head,
    )


def build_untrained_head() -> ConseHead:
    """ConSE alone: the linear part is zero."""
    head = ConseHead(embedded.PICTURE_FEATURES, embedded.DIMENSION).eval().requires_grad_(False)
    state = weights.load_picture_state()
    head.classifier.load_state_dict({kind: state[f"classifier.{kind}"] for kind in ("weight", "bias")})
    texts = embedded.list_class_texts()
    rows = encode_sentences([text for variants in texts for text in variants])
    head.class_embeddings.copy_(normalize(rows.view(CLASSES, -1, embedded.DIMENSION).mean(1), dim=-1))
    torch.nn.init.zeros_(head.linear.weight)
    torch.nn.init.zeros_(head.linear.bias)
    return head


def encode_sentences(texts: list[str]) -> Tensor:
    """(N, 384), unit-norm, of the frozen sentence model."""
    from sentence_transformers import SentenceTransformer

    tower = SentenceTransformer(str(weights.text_folder()), device="cpu")
    return torch.from_numpy(tower.encode(texts, batch_size=64, normalize_embeddings=True))


def _caption_embeddings(pairs: list[Pair]) -> Tensor:
    """(N, 4, 384): title; title and tags; title and two tags; tags."""
    variants = [
        (
            p.title,
            f"{p.title}, {', '.join(p.tags)}",
            f"{p.title}. {', '.join(p.tags[:2])}",
            ", ".join(p.tags) or p.title,
        )
        for p in pairs
    ]
    return encode_sentences([text for row in variants for text in row]).view(len(pairs), -1, embedded.DIMENSION)


def _picture_features(pairs: list[Pair]) -> NDArray[np.float32]:
    """(N, 4, 1280), pooled features of four views each."""
    import timm

    tower = timm.create_model(weights.PICTURE_TOWER, pretrained=False)
    tower.load_state_dict(weights.load_picture_state())
    tower = tower.eval().to(memory_format=torch.channels_last)
    rows = [_encode_views(tower, pair.path, number) for number, pair in enumerate(pairs)]
    return np.stack(rows)


def _encode_views(tower: Any, path: Path, seed: int) -> NDArray[np.float32]:
    pixels = np.stack([prepare(view, PREPARATION) for view in _draw_views(path, seed)])
    with torch.inference_mode():
        standard = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
        features: NDArray[np.float32] = tower.forward_head(tower.forward_features(standard), pre_logits=True).numpy()
    return features


def _draw_views(path: Path, seed: int) -> list[Image.Image]:
    """The picture, its mirror image, trimmed to its content, and four fifths of that, mirrored and tilted."""
    rng = np.random.default_rng(seed)
    image = open_picture(path, side=embedded.PICTURE_SIDE)
    image.thumbnail((600, 600))
    trimmed = _trim(image)
    left, top = rng.uniform(0, 0.2) * trimmed.width, rng.uniform(0, 0.2) * trimmed.height
    box = (int(left), int(top), int(left + 0.8 * trimmed.width) + 1, int(top + 0.8 * trimmed.height) + 1)
    tilted = trimmed.crop(box).rotate(rng.uniform(-12, 12), fillcolor="white", resample=Image.Resampling.BICUBIC)
    return [image, ImageOps.mirror(image), trimmed, ImageOps.mirror(tilted)]


def _trim(image: Image.Image) -> Image.Image:
    box = ImageChops.difference(image, Image.new("RGB", image.size, "white")).getbbox()
    if not box:
        return image
    content = image.crop(box)
    return ImageOps.expand(content, round(0.04 * max(content.size)), "white")

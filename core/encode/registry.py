"""The backbones a person can choose, by name, and how any other open_clip model is named."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import BackboneError

EMBEDDED = "embedded"
LOCAL_PREFIX = "local-dir:"
HUB_PREFIX = "hf-hub:"
CONFIG_NAME = "open_clip_config.json"

ENGLISH = frozenset({"en"})
#: The languages that the multilingual towers here share; their own lists are longer.
MULTILINGUAL = frozenset(
    [
        "ar",
        "bg",
        "bn",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "sw",
        "ta",
        "te",
        "th",
        "tr",
        "uk",
        "ur",
        "vi",
        "zh",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One image-text model.

    Attributes:
        name: What a person chooses, e.g. "siglip2".
        model: Name for `open_clip.create_model_and_transforms`; "" for the embedded model.
        pretrained: open_clip's tag of the weights; "" when the model's name already says them.
        download_mb: What is fetched once, megabytes; 0 when unknown or nothing.
        parameters_m: Both towers, millions; 0 when unknown.
        dimension: Of the joint space; 0 when only loading tells.
        image_size: Edge of the square that the tower reads, pixels; 0 when only loading tells.
        languages: ISO 639-1 codes of needs that are understood.
        licence: Of the weights.
        good_for: One sentence that helps to choose.
        needs_download: Whether a model hub must be reached the first time.
    """

    name: str
    model: str
    pretrained: str = ""
    download_mb: int = 0
    parameters_m: int = 0
    dimension: int = 0
    image_size: int = 0
    languages: frozenset[str] = ENGLISH
    licence: str = "see the model's own page"
    good_for: str = ""
    needs_download: bool = True


BACKBONES: tuple[Backbone, ...] = (
    Backbone(
        name=EMBEDDED,
        model="",
        parameters_m=28,
        dimension=384,
        image_size=260,
        licence="Apache-2.0; head trained on public-domain drawings",
        good_for="Works at once, without a network: single things on a plain ground, English needs.",
        needs_download=False,
    ),
    Backbone(
        name="vit-b-32",
        model="ViT-B-32",
        pretrained="laion2b_s34b_b79k",
        download_mb=605,
        parameters_m=151,
        dimension=512,
        image_size=224,
        licence="MIT",
        good_for="The well-known all-rounder: everyday photos, English needs, quick on a processor.",
    ),
    Backbone(
        name="siglip2",
        model="ViT-B-16-SigLIP2",
        pretrained="webli",
        download_mb=1540,
        parameters_m=375,
        dimension=768,
        image_size=224,
        languages=MULTILINGUAL,
        licence="Apache-2.0",
        good_for="The most exact of this list, in many languages, Chinese among them; best with a graphics card.",
    ),
    Backbone(
        name="mobileclip2",
        model="MobileCLIP2-S0",
        pretrained="dfndr2b",
        download_mb=300,
        parameters_m=75,
        dimension=512,
        image_size=256,
        licence="Apple ML research licence (research use)",
        good_for="Fast and small with real CLIP quality, English needs; check its licence before selling with it.",
    ),
    Backbone(
        name="fashion",
        model="hf-hub:Marqo/marqo-fashionSigLIP",
        download_mb=815,
        parameters_m=203,
        dimension=768,
        image_size=224,
        licence="Apache-2.0",
        good_for="Clothes, shoes and accessories, English needs.",
    ),
    Backbone(
        name="multilingual",
        model="xlm-roberta-base-ViT-B-32",
        pretrained="laion5b_s13b_b90k",
        download_mb=1465,
        parameters_m=366,
        dimension=512,
        image_size=224,
        languages=MULTILINGUAL,
        licence="MIT",
        good_for="Needs in a hundred languages, Chinese among them, with a small picture tower.",
    ),
)


def find_backbone(name: str) -> Backbone:
    """Look a backbone up.

    Args:
        name: A name of `BACKBONES`, an open_clip "MODEL" or "MODEL/PRETRAINED", "hf-hub:ORG/NAME", "local-dir:PATH",
            or the path of a folder that holds an open_clip_config.json.

    Raises:
        BackboneError: Nothing is called so; the message lists what is, near matches first.
    """
    name = name.strip()
    for backbone in BACKBONES:
        if backbone.name == name.lower():
            return backbone
    if name.startswith(LOCAL_PREFIX) or (name and (Path(name).expanduser() / CONFIG_NAME).is_file()):
        return _local_backbone(name)
    if name.startswith(HUB_PREFIX):
        return _hub_backbone(name)
    return _open_clip_backbone(name)


def _local_backbone(name: str) -> Backbone:
    folder = Path(name.removeprefix(LOCAL_PREFIX)).expanduser().absolute()
    if not (folder / CONFIG_NAME).is_file():
        raise BackboneError(
            f"There is no model in {folder}: a model's folder holds {CONFIG_NAME}, its weights as *.safetensors and, "
            "for some text towers, tokenizer files. Check the path."
        )
    return Backbone(
        name=f"{LOCAL_PREFIX}{folder}",
        model=f"{LOCAL_PREFIX}{folder}",
        good_for="A model of your own.",
        needs_download=False,
    )


def _hub_backbone(name: str) -> Backbone:
    organisation, _, model = name.removeprefix(HUB_PREFIX).partition("/")
    if not organisation or not model or "/" in model:
        raise BackboneError(f"{name!r} is not a model on the hub. Write it as hf-hub:ORGANISATION/MODEL.")
    known = next((backbone for backbone in BACKBONES if backbone.model == name), None)
    return replace(known, name=name) if known else Backbone(name=name, model=name, good_for="A model from the hub.")


def _open_clip_backbone(name: str) -> Backbone:
    import open_clip

    model, _, tag = name.partition("/")
    models = {known.lower(): known for known in open_clip.list_models()}
    if model.lower() not in models:
        raise _unknown(name, list(models.values()))
    model = models[model.lower()]
    tags = open_clip.list_pretrained_tags_by_model(model)
    if not tags:
        raise BackboneError(f"open_clip knows {model}, and no weights for it. Choose another model or give a folder.")
    if tag and tag not in tags:
        near = difflib.get_close_matches(tag, tags, n=3) or tags
        raise BackboneError(
            f"{model} has no weights called {tag!r}. Write one of: {_list(f'{model}/{t}' for t in near)}."
        )
    known = next((b for b in BACKBONES if b.model == model and b.pretrained == (tag or b.pretrained)), None)
    chosen = tag or (known.pretrained if known else tags[0])
    if known:
        return replace(known, name=f"{model}/{chosen}")
    languages = MULTILINGUAL if any(word in model.lower() for word in ("xlm", "i18n", "siglip2", "nllb")) else ENGLISH
    return Backbone(
        name=f"{model}/{chosen}",
        model=model,
        pretrained=chosen,
        languages=languages,
        good_for="A model of open_clip's own list.",
    )


def _unknown(name: str, models: list[str]) -> BackboneError:
    own = [backbone.name for backbone in BACKBONES]
    near = difflib.get_close_matches(name.lower(), [*own, *(model.lower() for model in models)], n=4, cutoff=0.5)
    cased = {model.lower(): model for model in models}
    hint = f" Did you mean {_list(dict.fromkeys(cased.get(match, match) for match in near))}?" if near else ""
    return BackboneError(
        f"There is no model called {name!r}.{hint} Choose one of {_list(own)}, an open_clip MODEL/WEIGHTS, "
        "hf-hub:ORGANISATION/MODEL, or the folder of a model."
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)

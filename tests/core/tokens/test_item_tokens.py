"""Tokens are as wide as what the towers say, whatever all items of a batch lack."""

import json
from pathlib import Path

import torch
from open_clip.model import CLIP
from PIL import Image
from safetensors.torch import save_file

from core.catalog.schema import Item
from core.device import choose_device
from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.parts import PARTS
from core.store.items import PictureLink, StoredItem
from core.tokens.item_tokens import PICTURE_GRID
from core.tokens.token_runtime import TokenRuntime


def make_towers(folder: Path) -> Towers:
    """A CLIP whose joint space is as wide as neither tower."""
    cfg = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    torch.manual_seed(0)
    weights = {name: one.contiguous() for name, one in CLIP(**cfg).state_dict().items()}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg, "preprocess_cfg": {}}))
    save_file(weights, folder / "open_clip_model.safetensors")
    return load_towers(find_backbone(str(folder)), folder)


def test_tokens_are_as_wide_whatever_all_items_lack(tmp_path: Path) -> None:
    """One new item without a picture, under a version that was trained with pictures, could not be read."""
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    runtime = TokenRuntime(make_towers(tmp_path), choose_device("cpu"), grid=PICTURE_GRID, convert=False)
    whole = Item(item_id="a", title="red hat", description="soft wool", brand="Loom")
    links = (PictureLink(source="red", picture="red.png"),)

    def read(item: Item, pictures: tuple[PictureLink, ...] = ()) -> dict[str, tuple[int, ...]]:
        stored = [StoredItem(id=1, catalog_id=1, item=item, pictures=pictures)]
        extracted = {
            name: part.extract(runtime, stored, lambda name: tmp_path / name, lambda *_: None)
            for name, part in PARTS.items()
        }
        return {name: one.tokens.shape[1:] for name, one in extracted.items()}

    full = read(whole, links)
    assert {name: shape[1] for name, shape in full.items()} == {"picture": 64, "text": 32}
    assert read(Item(item_id="b", title="hat")) == full
    assert read(Item(item_id="c", title=""), links) == full

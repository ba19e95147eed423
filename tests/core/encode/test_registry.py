"""Names of backbones."""

from pathlib import Path

import pytest

from core.encode.registry import BACKBONES, find_backbone
from core.errors import BackboneError


def test_names_are_unique_and_one_needs_no_network() -> None:
    names = [backbone.name for backbone in BACKBONES]
    assert len(set(names)) == len(names)
    assert [backbone.name for backbone in BACKBONES if not backbone.needs_download] == ["embedded"]


def test_chinese_is_covered() -> None:
    assert any("zh" in backbone.languages for backbone in BACKBONES)


@pytest.mark.parametrize("backbone", [b for b in BACKBONES if b.model and ":" not in b.model], ids=lambda b: b.name)
def test_open_clip_knows_our_names_sizes_and_dimensions(backbone) -> None:
    import open_clip

    assert backbone.pretrained in open_clip.list_pretrained_tags_by_model(backbone.model)
    wishes = open_clip.get_model_config(backbone.model)
    assert wishes["embed_dim"] == backbone.dimension
    assert wishes["vision_cfg"]["image_size"] == backbone.image_size


def test_open_clip_names_with_and_without_weights() -> None:
    assert find_backbone("vit-b-32/OPENAI".replace("OPENAI", "openai")).pretrained == "openai"
    assert find_backbone("ViT-L-14").pretrained
    assert find_backbone("ViT-B-32/laion2b_s34b_b79k").download_mb == 605


def test_hub_names() -> None:
    assert find_backbone("hf-hub:Marqo/marqo-fashionSigLIP").dimension == 768
    assert find_backbone("hf-hub:someone/something").needs_download
    with pytest.raises(BackboneError, match="ORGANISATION/MODEL"):
        find_backbone("hf-hub:nothing")


def test_unknown_name_lists_near_matches() -> None:
    with pytest.raises(BackboneError, match=r"Did you mean .*siglip2"):
        find_backbone("siglp2")
    with pytest.raises(BackboneError, match="embedded"):
        find_backbone("")
    with pytest.raises(BackboneError, match=r"ViT-B-32/laion2b_s34b_b79k"):
        find_backbone("ViT-B-32/laion2b_s34b_b79")


def test_folder_by_prefix_and_by_path(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"open_clip_config\.json"):
        find_backbone(f"local-dir:{tmp_path}")
    (tmp_path / "open_clip_config.json").write_text("{}")
    assert find_backbone(str(tmp_path)) == find_backbone(f"local-dir:{tmp_path}")

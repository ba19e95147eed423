"""Backbones, and the encoder that turns needs, item texts and pictures into embeddings."""

from core.encode.encoder import Encoder, PictureEmbeddings
from core.encode.loading import load_encoder
from core.encode.registry import BACKBONES, Backbone, find_backbone
from core.encode.text import TEMPLATE_VERSION, is_supported_language, item_text

__all__ = [
    "BACKBONES",
    "TEMPLATE_VERSION",
    "Backbone",
    "Encoder",
    "PictureEmbeddings",
    "find_backbone",
    "is_supported_language",
    "item_text",
    "load_encoder",
]

"""Encoding items: only what has no embedding yet, by (content hash, model version)."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.encode.encoder import Encoder
from core.encode.text import item_text
from core.errors import JobError
from core.jobs.bound import bound_to
from core.jobs.progress import Progress
from core.store.items import StoredItem
from core.workspace import Workspace

_log = logging.getLogger(__name__)
_CHUNK = 256
#: So often a catalogue is gone through to find that nobody writes to it meanwhile.
PASSES = 10


def encode_missing(
    workspace: Workspace, encoder: Encoder, items: Sequence[Item], pictures: Sequence[str]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Embeddings of the texts and pictures that have none yet.

    Args:
        workspace: The data folder.
        encoder: The model.
        items: Items whose texts are needed.
        pictures: Content hashes of stored pictures that are needed.

    Returns:
        Text hash to embedding, and picture hash to embedding, (D,) each. A picture that cannot be decoded is left out.
    """
    model = workspace.embeddings.model_number(encoder.model_version)
    texts = {item.text_hash(): item_text(item) for item in items}
    wanted = [key for key in workspace.embeddings.missing(model, "text", list(texts)) if texts[key]]
    encoded = encoder.encode_texts([texts[key] for key in wanted]) if wanted else ()
    return dict(zip(wanted, encoded, strict=True)), _encode_pictures(workspace, encoder, model, pictures)


def find_missing(
    workspace: Workspace, encoder: Encoder, items: Sequence[Item], pictures: Sequence[str]
) -> frozenset[str]:
    """Content hashes of these items' texts and of these pictures that have no vector."""
    model = workspace.embeddings.model_number(encoder.model_version)
    texts = workspace.embeddings.missing(model, "text", [item.text_hash() for item in items])
    return frozenset((*texts, *workspace.embeddings.missing(model, "picture", pictures)))


def store_embeddings(
    workspace: Workspace,
    encoder: Encoder,
    texts: Mapping[str, NDArray[np.float32]],
    pictures: Mapping[str, NDArray[np.float32]],
) -> None:
    """Write what `encode_missing` returned; part of the caller's transaction when one is open."""
    model = workspace.embeddings.model_number(encoder.model_version)
    workspace.embeddings.put(model, "text", texts)
    workspace.embeddings.put(model, "picture", pictures)


def encode_catalog(workspace: Workspace, name: str, backbone: str, progress: Progress) -> dict[str, int]:
    """Encode a whole catalogue with a backbone while the old one serves, then let the new one serve.

    A second pass takes what was imported meanwhile. Stopped and started again it goes on where it was.

    Raises:
        CatalogNotFoundError: There is no such catalogue.
        BackboneError: The backbone cannot be loaded.
        JobError: The catalogue kept changing for too long.
        CancelledError: The catalogue was deleted.
    """
    progress(f"Loading {backbone}", 0, 0)
    encoder = workspace.encoder(backbone)
    with bound_to(workspace, workspace.catalogs.find(name), "", progress) as told:
        return {"encoded": _encode_until_still(workspace, name, backbone, encoder, told)}


def _encode_until_still(workspace: Workspace, name: str, backbone: str, encoder: Encoder, progress: Progress) -> int:
    encoded = 0
    for _ in range(PASSES):
        catalog = workspace.catalogs.find(name)
        encoded += _encode_pass(workspace, catalog.id, catalog.items, encoder, progress)
        if workspace.catalogs.switch_backbone(catalog, backbone):
            progress("Writing the index", 0, 0)
            workspace.serving.write(workspace.catalogs.find(name))
            return encoded
    raise JobError("The catalogue kept changing while it was encoded. Start again when its import has ended.")


def _encode_pass(workspace: Workspace, catalog_id: int, total: int, encoder: Encoder, progress: Progress) -> int:
    encoded = done = 0
    chunk: list[StoredItem] = []
    for stored in workspace.items.iterate(catalog_id):
        chunk.append(stored)
        if len(chunk) == _CHUNK:
            encoded += _encode_chunk(workspace, encoder, chunk)
            done += len(chunk)
            chunk = []
            progress("Encoding items", done, total)
    encoded += _encode_chunk(workspace, encoder, chunk)
    progress("Encoding items", total, total)
    return encoded


def _encode_chunk(workspace: Workspace, encoder: Encoder, chunk: Sequence[StoredItem]) -> int:
    pictures = [link.picture for stored in chunk for link in stored.pictures if link.picture]
    texts, encoded = encode_missing(workspace, encoder, [stored.item for stored in chunk], pictures)
    with workspace.database.transaction():
        store_embeddings(workspace, encoder, texts, encoded)
    return len(texts) + len(encoded)


def _encode_pictures(
    workspace: Workspace, encoder: Encoder, model: int, pictures: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    wanted = workspace.embeddings.missing(model, "picture", pictures)
    if not wanted:
        return {}
    encoded = encoder.encode_pictures([workspace.pictures.path(picture) for picture in wanted])
    for position, reason in encoded.failures.items():
        _log.warning("Picture %s cannot be encoded: %s", wanted[position], reason)
    return {
        picture: encoded.embeddings[position]
        for position, picture in enumerate(wanted)
        if position not in encoded.failures
    }

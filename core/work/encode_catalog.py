"""Encoding items: only what has no embedding yet, by (content hash, model version)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.encode.encoder import Encoder
from core.errors import JobError
from core.parts import PARTS, NeedEncoder, Part
from core.progress import Progress
from core.store.items import StoredItem
from core.work.bound import bound_to
from core.workspace import Workspace

_CHUNK = 256
#: So often a catalogue is gone through to find that nobody writes to it meanwhile.
PASSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Vectors of one part that were not there yet.

    Attributes:
        part: Its name.
        model_version: Of what made them.
        vectors: Content hash to embedding, (D,).
    """

    part: str
    model_version: str
    vectors: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSpec:
    """What is to be encoded.

    Attributes:
        catalog: Its name.
        backbone: The image-text model that is to serve it.
    """

    catalog: str
    backbone: str

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "EncodeSpec":
        """Read what `to_json` wrote."""
        return cls(catalog=data["catalog"], backbone=data["backbone"])


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeReport:
    """What an encoding did.

    Attributes:
        encoded: Vectors that were not there yet.
    """

    encoded: int

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def encode_missing(workspace: Workspace, encoder: Encoder, items: Sequence[StoredItem]) -> tuple[Encoded, ...]:
    """Embeddings of the parts of items that have none yet; what cannot be read is left out.

    Args:
        workspace: The data folder.
        encoder: The image-text model.
        items: The items, stored or about to be.
    """
    return tuple(
        _encode_part(workspace, name, part, one, items)
        for (name, part), one in zip(PARTS.items(), workspace.models.open_parts(encoder).values(), strict=True)
    )


def find_missing(workspace: Workspace, encoder: Encoder, items: Sequence[StoredItem]) -> frozenset[str]:
    """Content hashes of what these items' parts read that have no vector."""
    found: set[str] = set()
    for (name, part), one in zip(PARTS.items(), workspace.models.open_parts(encoder).values(), strict=True):
        model = workspace.embeddings.model_number(one.model_version)
        found.update(workspace.embeddings.missing(model, name, [key for item in items for key in part.read(item)]))
    return frozenset(found)


def store_embeddings(workspace: Workspace, encoded: Sequence[Encoded]) -> None:
    """Write what `encode_missing` returned; part of the caller's transaction when one is open."""
    for one in encoded:
        workspace.embeddings.put(workspace.embeddings.model_number(one.model_version), one.part, one.vectors)


def _encode_part(
    workspace: Workspace, name: str, part: Part, encoder: NeedEncoder, items: Sequence[StoredItem]
) -> Encoded:
    contents = {key: content for one in items for key, content in part.read(one).items()}
    model = workspace.embeddings.model_number(encoder.model_version)
    wanted = workspace.embeddings.missing(model, name, list(contents))
    found = part.encode(encoder, [contents[key] for key in wanted], workspace.pictures.path) if wanted else ()
    vectors = {key: vector for key, vector in zip(wanted, found, strict=True) if vector is not None}
    return Encoded(part=name, model_version=encoder.model_version, vectors=vectors)


def encode_catalog(workspace: Workspace, spec: EncodeSpec, progress: Progress) -> EncodeReport:
    """Encode a whole catalogue with a backbone while the old one serves, then let the new one serve.

    A second pass takes what was imported meanwhile. Stopped and started again it goes on where it was.

    Raises:
        CatalogNotFoundError: There is no such catalogue.
        BackboneError: The backbone cannot be loaded.
        JobError: The catalogue kept changing for too long.
        CancelledError: The catalogue was deleted.
    """
    progress(f"Loading {spec.backbone}", 0, 0)
    encoder = workspace.encoder(spec.backbone)
    with bound_to(workspace, workspace.catalogs.find(spec.catalog), "", progress) as told:
        return EncodeReport(encoded=_encode_until_still(workspace, spec, encoder, told))


def _encode_until_still(workspace: Workspace, spec: EncodeSpec, encoder: Encoder, progress: Progress) -> int:
    encoded = 0
    for _ in range(PASSES):
        catalog = workspace.catalogs.find(spec.catalog)
        encoded += _encode_pass(workspace, catalog.id, catalog.items, encoder, progress)
        if workspace.catalogs.switch_backbone(catalog, spec.backbone):
            progress("Writing the index", 0, 0)
            workspace.serving.write(workspace.catalogs.find(spec.catalog))
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
    encoded = encode_missing(workspace, encoder, chunk)
    with workspace.database.transaction():
        store_embeddings(workspace, encoded)
    return sum(len(one.vectors) for one in encoded)

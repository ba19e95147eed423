"""Letting a trained version serve its catalogue, and back; the old one serves until all vectors are there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.errors import JobError, TrainError
from core.parts import extract_tokens, read_key
from core.progress import Progress
from core.store.catalogs import DELETED, Catalog
from core.store.embeddings import FUSED
from core.store.versions import Version
from core.tokens.item_tokens import ItemTokens
from core.work.bound import bound_to
from core.work.encode_catalog import PASSES
from core.work.material import load_material
from core.workspace import Workspace

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateSpec:
    """What is to serve.

    Attributes:
        version: Id of a version, or the start of one; "" goes back to the model without training.
        catalog: Name of the catalogue, needed for ""; else that of the version, or "".
    """

    version: str
    catalog: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ActivateSpec":
        """Read what `to_json` wrote."""
        return cls(version=data["version"], catalog=data["catalog"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationReport:
    """What serves a catalogue from now on.

    Attributes:
        catalog: Name of the catalogue.
        version: Id of the version; "" for the model without training.
    """

    catalog: str
    version: str

    @property
    def message(self) -> str:
        """That, in a sentence."""
        if not self.version:
            return f"“{self.catalog}” is served without training again."
        return f"Version {self.version} serves “{self.catalog}”."

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {"catalog": self.catalog, "version": self.version, "message": self.message}


def activate_version(workspace: Workspace, spec: ActivateSpec, progress: Progress) -> ActivationReport:
    """Make vectors of all items by a version, then let it serve.

    Args:
        workspace: The data folder.
        spec: What is to serve.
        progress: Told how far it is.

    Raises:
        JobError: The catalogue kept changing.
        TrainError: The version is unknown, of another catalogue, or reads another backbone's tokens than the catalogue
            has now.
        CatalogNotFoundError: There is no such catalogue.
    """
    if not spec.version:
        catalog = workspace.catalogs.find(spec.catalog)
        workspace.versions.activate(catalog.id, "")
        workspace.serving.write(workspace.catalogs.find(catalog.name))
        return ActivationReport(catalog=catalog.name, version="")
    named = workspace.catalogs.find(spec.catalog).id if spec.catalog else None
    version = workspace.versions.find(spec.version, named)
    owner = next((one for one in workspace.catalogs.list() if one.id == version.catalog_id), None)
    if owner is None:
        raise TrainError(DELETED)
    catalog = owner
    with bound_to(workspace, catalog, "", progress) as told:
        _embed_until_still(workspace, catalog.name, version, told)
        told("Writing the index", 0, 0)
        workspace.serving.write(workspace.catalogs.find(catalog.name))
    return ActivationReport(catalog=catalog.name, version=version.id)


def _embed_until_still(workspace: Workspace, name: str, version: Version, progress: Progress) -> None:
    """Make the vectors, and serve with them once nobody has written to the catalogue meanwhile."""
    for _ in range(PASSES):
        catalog = workspace.catalogs.find(name)
        version = workspace.versions.find(version.id)  # it may have been deleted meanwhile
        if catalog.backbone != version.backbone:
            raise TrainError(
                f"This version was trained on {version.backbone}; “{catalog.name}” is served by {catalog.backbone} "
                "now. Switch the catalogue's model back, or train a new version."
            )
        embed_items(workspace, catalog, version.id, progress)
        if workspace.versions.activate(catalog.id, version.id, revision=catalog.revision):
            return
    raise JobError("The catalogue kept changing while vectors were made. Start again when its import has ended.")


def embed_items(workspace: Workspace, catalog: Catalog, version_id: str, progress: Progress) -> int:
    """Make and store the vectors that items, as they are now, do not have under a version yet.

    Returns:
        How many were made.

    Raises:
        TrainError: The version's files are missing or damaged.
    """
    served = replace(catalog, version=version_id)
    model = _model_number(workspace, served)
    keys = {one.id: read_key(one) for one in workspace.items.iterate(catalog.id)}
    missing = set(workspace.embeddings.missing(model, FUSED, list(keys.values())))
    new = [number for number, key in keys.items() if key in missing]
    if not new:
        return 0
    if len(new) == len(keys) and not workspace.versions.find(version_id).metrics.get("tuned"):
        material = load_material(workspace, catalog.name, progress)  # the tokens that it learned from
        _embed(workspace, served, material.keys, material.tokens, progress)
    else:
        stored = workspace.items.fetch(new)
        tokens = extract_tokens(workspace.models.towers(served), stored, workspace.pictures.path, progress)
        _embed(workspace, served, [read_key(one) for one in stored], tokens, progress)
    return len(new)


def embed_new_items(workspace: Workspace, catalog: Catalog, progress: Progress) -> int:
    """The same under the version that serves, e.g. after an import, which then takes them up.

    Raises:
        TrainError: The version's files are missing or damaged.
    """
    made = embed_items(workspace, catalog, catalog.version, progress) if catalog.version else 0
    if made:
        workspace.catalogs.bump(catalog.id)
    return made


def _embed(workspace: Workspace, served: Catalog, keys: Sequence[str], tokens: ItemTokens, progress: Progress) -> None:
    """Store the vectors of N items.

    Args:
        workspace: The data folder.
        served: Names the version.
        keys: What each one's vectors go by, (N,).
        tokens: Of the items.
        progress: Told how far it is.
    """
    from core.model.inference import read_items

    progress("Making vectors", 0, len(keys))
    vectors = read_items(workspace.models.bundle(served.version).network, tokens).vectors
    model = _model_number(workspace, served)
    for start in range(0, len(keys), _BATCH):
        part = slice(start, start + _BATCH)
        rows = {
            key: np.asarray(row.reshape(-1), np.float32) for key, row in zip(keys[part], vectors[part], strict=True)
        }
        with workspace.database.transaction():
            workspace.embeddings.put(model, FUSED, rows)
        progress("Making vectors", min(start + _BATCH, len(keys)), len(keys))


def _model_number(workspace: Workspace, catalog: Catalog) -> int:
    return workspace.embeddings.model_number(workspace.models.serving_version(catalog))

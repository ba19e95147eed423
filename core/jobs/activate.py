"""Letting a trained version serve its catalogue, and back; the old one serves until all vectors are there."""

from dataclasses import replace
from typing import Any

import numpy as np

from core.encode.item_tokens import extract_tokens
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import TrainError
from core.jobs.material import load_material
from core.jobs.progress import Progress
from core.store.catalogs import Catalog
from core.workspace import Workspace

_BATCH = 500


def activate_version(workspace: Workspace, version_id: str, catalog_name: str, progress: Progress) -> dict[str, Any]:
    """Make vectors of all items by a version, then let it serve.

    Args:
        workspace: The data folder.
        version_id: Id, or the start of one; "" goes back to the model without training.
        catalog_name: Needed for "" alone.
        progress: Told how far it is.

    Raises:
        TrainError: The version is unknown, or reads another backbone's tokens than the catalogue has now.
        CatalogNotFoundError: There is no such catalogue.
    """
    if not version_id:
        catalog = workspace.catalogs.find(catalog_name)
        workspace.versions.activate(catalog.id, "")
        workspace.suggester.prepare(workspace.catalogs.find(catalog.name))
        return {
            "catalog": catalog.name,
            "version": "",
            "message": f"“{catalog.name}” is served without training again.",
        }
    version = workspace.versions.find(version_id)
    (catalog,) = (one for one in workspace.catalogs.list() if one.id == version.catalog_id)
    if catalog.backbone != version.backbone:
        raise TrainError(
            f"This version was trained on {version.backbone}; “{catalog.name}” is served by {catalog.backbone} now. "
            "Switch the catalogue's model back, or train a new version."
        )
    embed_items(workspace, catalog, version.id, progress)
    workspace.versions.activate(catalog.id, version.id)
    progress("Writing the index", 0, 0)
    workspace.suggester.prepare(workspace.catalogs.find(catalog.name))
    return {"catalog": catalog.name, "version": version.id, "message": f"Version {version.id} serves “{catalog.name}”."}


def embed_items(workspace: Workspace, catalog: Catalog, version_id: str, progress: Progress) -> int:
    """Make and store the fused vectors of all items as they are now.

    Returns:
        How many there are.

    Raises:
        TrainError: The version's files are missing or damaged.
    """
    from core.train.bundle import load_bundle, load_tuned_towers
    from core.train.inference import read_items

    folder = workspace.home.versions / version_id
    bundle = load_bundle(folder)
    material = load_material(workspace, catalog.name, progress)
    tokens = material.tokens
    if bundle.card.get("tuned"):
        towers = load_tuned_towers(folder, load_towers(find_backbone(catalog.backbone), workspace.home.models))
        tokens = extract_tokens(towers, material.items, material.pictures, progress)
    progress("Making vectors", 0, len(material.items))
    vectors = read_items(bundle.network, tokens).vectors
    served = replace(catalog, version=version_id).served_version(workspace.encoder(catalog.backbone).model_version)
    model = workspace.embeddings.model_number(served)
    for start in range(0, len(material.items), _BATCH):
        part = slice(start, start + _BATCH)
        rows = {
            item.content_hash(): np.asarray(row.reshape(-1), np.float32)
            for item, row in zip(material.items[part], vectors[part], strict=True)
        }
        with workspace.database.transaction():
            workspace.embeddings.put(model, "item", rows)
        progress("Making vectors", min(start + _BATCH, len(material.items)), len(material.items))
    return len(material.items)

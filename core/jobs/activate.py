"""Letting a trained version serve its catalogue, and back; the old one serves until all vectors are there."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.catalog.schema import Item
from core.encode.item_tokens import ItemTokens, extract_tokens
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import JobError, TrainError
from core.jobs.bound import bound_to
from core.jobs.encoding import PASSES
from core.jobs.material import load_material
from core.jobs.progress import Progress
from core.store.catalogs import DELETED, Catalog
from core.store.versions import Version
from core.workspace import Workspace

_BATCH = 500


def activate_version(workspace: Workspace, version_id: str, catalog_name: str, progress: Progress) -> dict[str, Any]:
    """Make vectors of all items by a version, then let it serve.

    Args:
        workspace: The data folder.
        version_id: Id, or the start of one; "" goes back to the model without training.
        catalog_name: Needed for ""; else that of the version, or "".
        progress: Told how far it is.

    Raises:
        JobError: The catalogue kept changing.
        TrainError: The version is unknown, of another catalogue, or reads another backbone's tokens than the catalogue
            has now.
        CatalogNotFoundError: There is no such catalogue.
    """
    if not version_id:
        catalog = workspace.catalogs.find(catalog_name)
        workspace.versions.activate(catalog.id, "")
        workspace.serving.write(workspace.catalogs.find(catalog.name))
        return {
            "catalog": catalog.name,
            "version": "",
            "message": f"“{catalog.name}” is served without training again.",
        }
    named = workspace.catalogs.find(catalog_name).id if catalog_name else None
    version = workspace.versions.find(version_id, named)
    owner = next((one for one in workspace.catalogs.list() if one.id == version.catalog_id), None)
    if owner is None:
        raise TrainError(DELETED)
    catalog = owner
    with bound_to(workspace, catalog, "", progress) as told:
        _embed_until_still(workspace, catalog.name, version, told)
        told("Writing the index", 0, 0)
        workspace.serving.write(workspace.catalogs.find(catalog.name))
    return {"catalog": catalog.name, "version": version.id, "message": f"Version {version.id} serves “{catalog.name}”."}


def _embed_until_still(workspace: Workspace, name: str, version: Version, progress: Progress) -> None:
    """Make the vectors, and serve with them once nobody has written to the catalogue meanwhile."""
    for _ in range(PASSES):
        catalog = workspace.catalogs.find(name)
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
    """Make and store the fused vectors of all items as they are now.

    Returns:
        How many there are.

    Raises:
        TrainError: The version's files are missing or damaged.
    """
    material = load_material(workspace, catalog.name, progress)
    tuned = workspace.versions.find(version_id).metrics.get("tuned")
    tokens = None if tuned else material.tokens
    items = list(zip(material.keys, material.items, material.pictures, strict=True))
    _embed(workspace, replace(catalog, version=version_id), items, progress, tokens=tokens)
    return len(material.items)


def embed_new_items(workspace: Workspace, catalog: Catalog, progress: Progress) -> int:
    """Make the vectors of items that have none under the version that serves, e.g. after an import.

    Returns:
        How many there were.

    Raises:
        TrainError: The version's files are missing or damaged.
    """
    if not catalog.version:
        return 0
    stored = list(workspace.items.iterate(catalog.id))
    model = _model_number(workspace, catalog)
    missing = set(workspace.embeddings.missing(model, "item", [one.read_key for one in stored]))
    new = [one for one in stored if one.read_key in missing]
    if new:
        pictures = [workspace.pictures.path(one.main_picture) if one.main_picture else None for one in new]
        items = [(one.read_key, one.item, picture) for one, picture in zip(new, pictures, strict=True)]
        _embed(workspace, catalog, items, progress)
        workspace.items.touch(catalog.id, [one.id for one in new])
    return len(new)


def _embed(
    workspace: Workspace,
    catalog: Catalog,
    items: Sequence[tuple[str, Item, Path | None]],
    progress: Progress,
    *,
    tokens: ItemTokens | None = None,
) -> None:
    """Store fused vectors under the catalogue's version; tokens of None are read through its towers.

    Args:
        workspace: The data folder.
        catalog: Names the version.
        items: What each one's vectors go by, the item, and its main picture, (N,).
        progress: Told how far it is.
        tokens: Of the items.
    """
    from core.train.bundle import load_bundle, load_tuned_towers
    from core.train.inference import read_items

    folder = workspace.home.versions / catalog.version
    bundle = load_bundle(folder)
    if tokens is None:
        towers = load_tuned_towers(folder, load_towers(find_backbone(catalog.backbone), workspace.home.models))
        tokens = extract_tokens(towers, [item for _, item, _ in items], [path for _, _, path in items], progress)
    progress("Making vectors", 0, len(items))
    vectors = read_items(bundle.network, tokens).vectors
    model = _model_number(workspace, catalog)
    for start in range(0, len(items), _BATCH):
        part = slice(start, start + _BATCH)
        rows = {
            key: np.asarray(row.reshape(-1), np.float32)
            for (key, _, _), row in zip(items[part], vectors[part], strict=True)
        }
        with workspace.database.transaction():
            workspace.embeddings.put(model, "item", rows)
        progress("Making vectors", min(start + _BATCH, len(items)), len(items))


def _model_number(workspace: Workspace, catalog: Catalog) -> int:
    base = workspace.encoder(catalog.backbone).model_version
    return workspace.embeddings.model_number(catalog.served_version(base))

"""A catalogue as training and evaluation read it: what is known of each item, and its tokens, kept on disk."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from core.baselines.recommender import ItemTable
from core.encode.registry import find_backbone
from core.encode.text import item_text
from core.encode.towers import describe_version, load_towers
from core.errors import TrainError
from core.parts import PARTS, extract_tokens, read_key
from core.progress import Progress
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.tokens.bag_of_words import count_words
from core.tokens.item_tokens import TOKENS_VERSION, ItemTokens, load_tokens, save_tokens
from core.work.runs import digest
from core.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """N items in catalogue order.

    Attributes:
        catalog: Whose they are.
        numbers: Database ids, (N,).
        keys: What each item's vectors go by, (N,).
        stored: The items, (N,).
        table: What is known about them.
        tokens: Of both towers.
        contents: Fingerprint of the items and their pictures.
        model: Fingerprint of the backbone and of how tokens are laid out.
    """

    catalog: Catalog
    numbers: tuple[int, ...]
    keys: tuple[str, ...]
    stored: tuple[StoredItem, ...]
    table: ItemTable
    tokens: ItemTokens
    contents: str
    model: str

    @property
    def fingerprint(self) -> str:
        """Of both, which name the tokens, twelve hex digits."""
        return digest(self.contents, self.model)


def load_material(workspace: Workspace, name: str, progress: Progress) -> Material:
    """Read a catalogue, and its tokens from the cache or, once, through the towers.

    Raises:
        CatalogNotFoundError: There is no such catalogue.
        BackboneError: The backbone cannot be loaded.
        TrainError: The catalogue is empty.
    """
    catalog = workspace.catalogs.find(name)
    stored = list(workspace.items.iterate(catalog.id))
    if not stored:
        raise TrainError(f"The catalogue “{catalog.name}” is empty. Import items first.")
    keys = tuple(read_key(one) for one in stored)
    contents = digest(*(f"{one.item.content_hash()}{key}" for one, key in zip(stored, keys, strict=True)))
    model = digest(describe_version(find_backbone(catalog.backbone)), str(TOKENS_VERSION), *PARTS)
    tokens = _cached_tokens(workspace, catalog, stored, digest(contents, model), progress)
    return Material(
        catalog=catalog,
        numbers=tuple(one.id for one in stored),
        keys=keys,
        stored=tuple(stored),
        table=build_table(stored, tokens),
        tokens=tokens,
        contents=contents,
        model=model,
    )


def build_table(stored: Sequence[StoredItem], tokens: ItemTokens) -> ItemTable:
    """What baselines read of the items; their main pictures are named by their contents."""
    items = [one.item for one in stored]
    return ItemTable(
        item_ids=tuple(item.item_id for item in items),
        texts=tuple(item_text(item) for item in items),
        titles=tuple(item.title for item in items),
        categories=tuple(item.category[-1] if item.category else "" for item in items),
        text_embeddings=tokens.modalities["text"].joint,
        picture_embeddings=tokens.modalities["picture"].joint,
        pictures=tuple(one.main_picture or "" for one in stored),
        words=count_words(items),
        domains=tuple(item.domain for item in items),
    )


def _cached_tokens(
    workspace: Workspace,
    catalog: Catalog,
    items: Sequence[StoredItem],
    fingerprint: str,
    progress: Progress,
) -> ItemTokens:
    folder = workspace.home.tokens / f"{catalog.id}-{fingerprint}"
    if folder.exists():
        try:
            return load_tokens(folder)
        except (OSError, ValueError):
            _log.warning("The token cache %s is damaged; it is made again", folder.name)
    progress("Loading the model", 0, 0)
    towers = load_towers(find_backbone(catalog.backbone), workspace.home.models)
    tokens = extract_tokens(towers, items, workspace.pictures.path, progress)
    for old in workspace.home.tokens.glob(f"{catalog.id}-*"):
        shutil.rmtree(old, ignore_errors=True)
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        save_tokens(tokens, draft)
        draft.rename(folder)
    except OSError as exc:
        _log.warning("The token cache cannot be kept (%s); the next run reads the items again", exc)
        shutil.rmtree(draft, ignore_errors=True)
    return tokens

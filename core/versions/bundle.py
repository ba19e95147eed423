"""A version on disk: weights, memory, what the model says about the items, and its card.

Everything in the folder is read as plain arrays or JSON; nothing in it is ever run.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.checksums import CHECKSUM, check_arrays, checksum_arrays, read_arrays
from core.errors import TrainError
from core.failures import plain_failures
from core.files import written_whole
from core.interactions.log import History
from core.model.fitted import PersonScores
from core.model.heads import PeopleHeads
from core.model.memory import Memory
from core.versions import model_card

if TYPE_CHECKING:
    from core.encode.towers import Towers
    from core.model.network import FusionModel
    from core.train.run import Trained

WEIGHTS, ITEMS, HEADS, CARD = "model.safetensors", "items.safetensors", "heads.safetensors", "card.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A version, opened.

    Attributes:
        item_ids: Of N items, in the catalogue's order when it was trained.
        vectors: One unit-norm part a modality, (N, M, D).
        heads: What scores people; None when it was trained without a log.
        card: What was trained on what, and how well it does.
        network: The model, evaluation mode.
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    heads: PeopleHeads | None
    card: Mapping[str, Any]
    network: "FusionModel"

    def score_people(self, histories: Sequence[History]) -> PersonScores:
        """Parts of the scores of all items for people; an empty history leaves the prior alone.

        Raises:
            TrainError: The version was trained without a log, so it knows nothing of people.
        """
        if self.heads is None:
            raise TrainError(
                "This version was trained on the catalogue alone. Train one with an interaction log first."
            )
        return self.heads.score(self.network, self.vectors, histories)


def save_bundle(trained: "Trained", item_ids: Sequence[str], card: Mapping[str, Any], folder: Path) -> None:
    """Write a version beside its place, then rename: a reader never sees half of one.

    Raises:
        TrainError: The disk is full or may not be written.
    """
    with plain_failures("The version cannot be written", TrainError):
        draft = Path(tempfile.mkdtemp(prefix=".version-", dir=folder.parent))
        try:
            _write_parts(trained, item_ids, card, draft)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _write_parts(trained: "Trained", item_ids: Sequence[str], card: Mapping[str, Any], draft: Path) -> None:
    from core.train.checkpoint import save_weights

    save_weights(trained.model, draft / WEIGHTS, towers=trained.tuned.state() if trained.tuned else None)
    ids = np.frombuffer("\0".join(item_ids).encode(), np.uint8)
    _save_arrays({"ids": ids, "vectors": trained.items.vectors}, draft / ITEMS)
    whole = {**card, "parts": list(trained.tokens.modalities)}
    if trained.heads is not None:
        _save_arrays(trained.heads.memory.to_arrays() | {"prior": trained.heads.prior}, draft / HEADS)
        whole |= trained.heads.numbers()
    write_card(whole, draft)


def write_card(card: Mapping[str, Any], folder: Path) -> None:
    """Write the card of a version, for programs and for people.

    Raises:
        OSError: The disk is full or may not be written.
    """
    for name, text in ((CARD, _seal(card)), (model_card.FILE, model_card.build_model_card(card))):
        with written_whole(folder / name, flush=False) as temporary:
            temporary.write_text(text, "utf-8")


def _seal(card: Mapping[str, Any]) -> str:
    """A card as JSON that carries its own checksum."""
    plain = json.loads(json.dumps(card))  # with the names as they will be read, all of them texts
    return json.dumps(plain | {CHECKSUM: checksum_arrays({}, _in_order(plain))}, indent=1, ensure_ascii=False)


def _in_order(card: Mapping[str, Any]) -> str:
    return json.dumps(card, sort_keys=True)


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a version.

    Raises:
        TrainError: It is missing or damaged.
    """
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
        found = {CHECKSUM: card.pop(CHECKSUM)} if CHECKSUM in card else {}
        check_arrays({}, _in_order(card), found)
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        raise _damaged(folder) from exc
    return {"parts": ["picture", "text"], **card}  # earlier releases do not say, and had these


def load_tuned_towers(folder: Path, towers: "Towers") -> "Towers":
    """Towers as a version tuned them; these are changed in place. Frozen ones are given back as they are.

    Raises:
        TrainError: The version is missing or damaged, or was tuned on another model.
    """
    from core.model.tuning.tuned import TunedTowers
    from core.train.checkpoint import load_towers_state
    from core.train.config import TrainConfig
    from core.train.source import tuning_spec

    card = read_card(folder)
    if not card.get("tuned"):
        return towers
    tuned = TunedTowers(towers, tuning_spec(TrainConfig.from_json(card["config"]), steps=1))
    tuned.load(load_towers_state(folder / WEIGHTS))
    towers.model.eval()
    return tuned.towers


def load_bundle(folder: Path) -> Bundle:
    """Open a version.

    Raises:
        TrainError: It is missing or damaged.
    """
    from safetensors import SafetensorError

    from core.train.checkpoint import load_weights

    network, _ = load_weights(folder / WEIGHTS)
    card = read_card(folder)
    try:
        items, _ = read_arrays(folder / ITEMS)
        ids = items["ids"].tobytes().decode()
        heads = None
        if (folder / HEADS).exists():
            arrays, _ = read_arrays(folder / HEADS)
            heads = PeopleHeads.from_parts(arrays["prior"], Memory.from_arrays(arrays), card)
        return Bundle(
            item_ids=tuple(ids.split("\0")) if ids else (),
            vectors=items["vectors"],
            heads=heads,
            card=card,
            network=network,
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as exc:
        raise _damaged(folder) from exc


def _save_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(dict(arrays), path, metadata={CHECKSUM: checksum_arrays(arrays, "")})


def _damaged(folder: Path) -> TrainError:
    return TrainError(
        f"The version in {folder.name} is missing or damaged. Train again, or go back to the model without training."
    )

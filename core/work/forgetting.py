"""What training on one catalogue costs on another one that the same image-text model serves."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.evaluate.answer import Answer
from core.evaluate.catalog_report import MAIN
from core.evaluate.help_report import match_both_ways, matching_rows, measure_main
from core.parts import extract_tokens
from core.progress import Progress
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.train.held_out import hash_bucket
from core.work.material import Material, build_table
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.train.run import Trained

#: Enough to see a loss of some points, few enough to be read in seconds.
_MOST = 300
_LEAST = 20


def add_forgetting(
    workspace: Workspace,
    material: Material,
    trained: "Trained",
    answer: Answer,
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    progress: Progress,
) -> Answer:
    """The card with how well titles find pictures elsewhere, before and after; unchanged where there is no elsewhere.

    Args:
        workspace: With the other catalogues.
        material: What was trained on.
        trained: The version.
        answer: The card so far.
        encode: The text tower as it was before.
        progress: Told how far it is.
    """
    other, stored = find_other(workspace, material.catalog)
    if other is None:
        return answer
    towers, find = load_towers(find_backbone(other.backbone), workspace.home.models), workspace.pictures.path
    tokens = extract_tokens(towers, stored, find, progress)
    again = extract_tokens(trained.tuned.towers, stored, find, progress) if trained.tuned else tokens
    everything = np.ones(len(stored), bool)
    before, after = match_both_ways(
        build_table(stored, tokens), everything, replace(trained, tokens=again), tokens, encode
    )
    change = measure_main(before, after)
    if not change.count:
        return answer
    main = [[one for one in found if (one.task, one.metric) == MAIN] for found in (before, after)]
    rows = matching_rows(main[0], main[1], trained.seconds, where=f" in “{other.name}”")
    loss = f" In “{other.name}” it finds pictures by their titles worse ({MAIN[1]} {change})."
    return replace(
        answer,
        rows=(*answer.rows, *rows),
        recommendation=answer.recommendation + (loss if change.verdict == "hurts" else ""),
    )


def find_other(workspace: Workspace, catalog: Catalog) -> tuple[Catalog | None, list[StoredItem]]:
    """The largest other catalogue of the same model that has pictures, and some of its items with one."""
    others = [one for one in workspace.catalogs.list() if one.id != catalog.id and one.backbone == catalog.backbone]
    for other in sorted(others, key=lambda one: (-one.items, one.id)):
        shown = [one for one in workspace.items.iterate(other.id) if one.main_picture and one.item.title]
        if len(shown) >= _LEAST:
            return other, sorted(shown, key=lambda one: hash_bucket(one.item.item_id, 2**32))[:_MOST]
    return None, []

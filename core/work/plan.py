"""Everything that a run is begun with, divided into what it learns from and what it is tested on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encode.text import item_text
from core.errors import TrainError
from core.evaluate.help_report import CatalogHelp, LogHelp
from core.evaluate.tested import TestedPeople, hold_people_out, hold_titles_out
from core.interactions.log import InteractionLog
from core.interactions.log_file import read_log_file
from core.progress import Progress
from core.store.catalogs import Catalog
from core.train.config import TrainConfig
from core.train.data import LEAST_PAIRS, PAIRS_IN_ALL, TrainData
from core.work.material import Material, load_material
from core.work.runs import Part, digest, digest_json, digest_log
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.work.train_catalog import TrainSpec

#: Items, and events of a log, that are looked through in about a second. Of more there are nearly always enough to
#: tell by, and a run says so before anything long.
MOST_FORESEEN = 20_000


def load_log(workspace: Workspace, catalog: Catalog, spec: "TrainSpec") -> InteractionLog | None:
    """The log that a spec names, None when it is to train on the catalogue alone; it needs no picture read.

    Raises:
        WishlightError: The file cannot be read, or none of its items is in the catalogue.
    """
    item_ids = tuple(workspace.items.content_hashes(catalog.id))
    if not spec.use_log or not item_ids:
        return None
    if spec.interactions:
        return read_log_file(Path(spec.interactions), spec.reading, item_ids).log
    log = workspace.interactions.load(catalog.id, item_ids)
    return log if len(log) else None


def foresee_verdict(workspace: Workspace, spec: "TrainSpec") -> str:
    """Why no verdict will be possible, "" where one will or where that would take long; no picture is read for it.

    Raises:
        WishlightError: The log cannot be read, or it or the catalogue is too small to be trained on.
    """
    catalog = workspace.catalogs.find(spec.catalog)
    if max(catalog.items, workspace.interactions.count(catalog.id) if spec.use_log else 0) > MOST_FORESEEN:
        return ""
    log = load_log(workspace, catalog, spec)
    people = None if log is None else hold_people_out(log, seed=spec.build_config().seed)
    return _warn_of_few(workspace, catalog, people)


def _warn_of_few(workspace: Workspace, catalog: Catalog, people: TestedPeople | None) -> str:
    """Why no verdict can be told, "" where one can; people are those held out, None without a log.

    Raises:
        TrainError: There is no log, and too little else to learn from.
    """
    if people is not None:
        return people.warning
    stored = list(workspace.items.iterate(catalog.id))
    pairs = np.array([bool(one.main_picture and item_text(one.item)) for one in stored], bool)
    if pairs.sum() < LEAST_PAIRS:
        raise TrainError(
            f"Too few items to train on: {int(pairs.sum()):,} have both a picture and a text, and about "
            f"{PAIRS_IN_ALL} are needed. Import more that have both, or add a log of what people did."
        )
    titles, pictures = [one.item.title for one in stored], [one.main_picture or "" for one in stored]
    return hold_titles_out(titles, pictures, pairs).warning


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run learns from, what it is checked with, and what is tested in the end.

    Attributes:
        material: The catalogue.
        help: What is tested in the end.
        data: What may be learned from.
        fingerprints: Of all that the run is begun with.
    """

    material: Material
    help: LogHelp | CatalogHelp
    data: TrainData
    fingerprints: Mapping[Part, str]


def load_plan(
    workspace: Workspace,
    spec: "TrainSpec",
    progress: Progress,
    *,
    settings: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda _warning: None,
) -> Plan:
    """The catalogue and its log, divided.

    Args:
        workspace: The data folder.
        spec: What to train.
        progress: Told how far it is.
        settings: JSON values that a run is begun with beside the configuration, e.g. how many trials a search makes.
        tell: Told, once and before anything long, why no verdict will be possible.

    Raises:
        WishlightError: The catalogue or the log cannot be used, or the log is too small to hold anything out of it.
    """
    from core.train.run import check_data

    config = spec.build_config()
    catalog = workspace.catalogs.find(spec.catalog)
    _check_tasks(workspace, catalog, spec)
    log = load_log(workspace, catalog, spec)
    people = None if log is None else hold_people_out(log, seed=config.seed)
    if few := _warn_of_few(workspace, catalog, people):
        tell(few)
    material = load_material(workspace, spec.catalog, progress)
    help_ = _plan_help(material, people, config)
    data = help_.build_data(material.tokens)
    check_data(data)
    fingerprints: dict[Part, str] = {
        "catalogue": material.contents,
        "model": material.model,
        "log": digest_log(log),
        "settings": digest_json([spec.to_json(), config.to_json(), settings]),
        "split": digest(digest_log(help_.fit), digest_log(data.log), data.validation_items, data.shown),
    }
    return Plan(material=material, help=help_, data=data, fingerprints=fingerprints)


def _plan_help(material: Material, people: TestedPeople | None, config: TrainConfig) -> LogHelp | CatalogHelp:
    if people is None:
        return CatalogHelp(material.table, config)
    if people.split.fit.item_ids != material.table.item_ids:
        raise TrainError("The catalogue has changed while its log was read. Start again.")
    return LogHelp(material.table, people, config)


def _check_tasks(workspace: Workspace, catalog: Catalog, spec: "TrainSpec") -> None:
    """Before the items are read, which takes minutes: is there a log where the tasks need one?"""
    stored = workspace.interactions.count(catalog.id)
    spec.build_config().check_log(has_log=spec.use_log and bool(spec.interactions or stored))

"""The kinds of long work, by name. A new kind is one function and one line here."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from core.catalog.importing.spec import ImportSpec
from core.kept import read_kept
from core.progress import Progress
from core.work.activate import ActivateSpec, activate_version
from core.work.audit_catalog import AuditSpec, run_audit
from core.work.encode_catalog import EncodeSpec, encode_catalog
from core.work.import_catalog import run_import
from core.work.rebuild import rebuild
from core.work.search_catalog import SearchSpec, run_search
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace

_log = logging.getLogger(__name__)
Runner = Callable[[Workspace, Mapping[str, Any], str, Progress], dict[str, Any]]


def _import(workspace: Workspace, payload: Mapping[str, Any], job_id: str, progress: Progress) -> dict[str, Any]:
    spec = read_kept(ImportSpec.from_json, payload)
    return run_import(workspace, spec, progress=progress, import_id=job_id).to_json()


def _encode(workspace: Workspace, payload: Mapping[str, Any], _job_id: str, progress: Progress) -> dict[str, Any]:
    return encode_catalog(workspace, read_kept(EncodeSpec.from_json, payload), progress).to_json()


def _rebuild(workspace: Workspace, _payload: Mapping[str, Any], _job_id: str, progress: Progress) -> dict[str, Any]:
    return rebuild(workspace, progress=progress).to_json()


def _train(workspace: Workspace, payload: Mapping[str, Any], job_id: str, progress: Progress) -> dict[str, Any]:
    spec = read_kept(TrainSpec.from_json, payload)
    return run_train(workspace, spec, job_id, progress, tell=_log.warning).to_json()


def _search(workspace: Workspace, payload: Mapping[str, Any], job_id: str, progress: Progress) -> dict[str, Any]:
    spec = read_kept(SearchSpec.from_json, payload)
    return run_search(workspace, spec, job_id, progress, tell=_log.warning).to_json()


def _audit(workspace: Workspace, payload: Mapping[str, Any], job_id: str, progress: Progress) -> dict[str, Any]:
    return run_audit(workspace, read_kept(AuditSpec.from_json, payload), job_id, progress).to_json()


def _activate(workspace: Workspace, payload: Mapping[str, Any], _job_id: str, progress: Progress) -> dict[str, Any]:
    return activate_version(workspace, read_kept(ActivateSpec.from_json, payload), progress).to_json()


KINDS: Mapping[str, Runner] = {
    "import": _import,
    "encode": _encode,
    "rebuild": _rebuild,
    "train": _train,
    "search": _search,
    "activate": _activate,
    "audit": _audit,
}

"""Work that ends with its catalogue: in a worker and on the command line alike, it stops and leaves nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from core.errors import CancelledError, CatalogNotFoundError
from core.kept import find_catalog_name
from core.progress import Progress
from core.store.catalogs import DELETED, Catalog
from core.workspace import Workspace

_Spec = TypeVar("_Spec", bound=Any)
_More = ParamSpec("_More")
_Report = TypeVar("_Report")
_Run = Callable[Concatenate[Workspace, _Spec, str, Progress, _More], _Report]


@contextmanager
def bound_to(workspace: Workspace, catalog: Catalog, run_id: str, progress: Progress) -> Iterator[Progress]:
    """Work on a catalogue, given a progress that stops it once the catalogue is gone.

    Args:
        workspace: Whose catalogue it is.
        catalog: As it was when the work began.
        run_id: Names the folder of the run; "" where there is none.
        progress: Told how far it is.

    Raises:
        CancelledError: The catalogue was deleted, whatever else went wrong for that.
    """

    def told(stage: str, done: int, total: int) -> None:
        if not workspace.catalogs.exists(catalog.id):
            raise CancelledError(DELETED)
        progress(stage, done, total)

    failure: Exception | None = None
    try:
        yield told
    except Exception as exc:
        if workspace.catalogs.exists(catalog.id):
            raise
        failure = exc
    if not workspace.catalogs.exists(catalog.id):
        workspace.sweep.clear(catalog.id, run_id)
        raise CancelledError(DELETED) from failure


def ends_with_catalog(run: _Run[_Spec, _More, _Report]) -> _Run[_Spec, _More, _Report]:
    """A run that is `bound_to` the catalogue that its spec names."""

    @wraps(run)
    def bound(
        workspace: Workspace, spec: _Spec, run_id: str, progress: Progress, /, *more: _More.args, **named: _More.kwargs
    ) -> _Report:
        try:
            catalog = workspace.catalogs.find(find_catalog_name(spec.to_json()))
        except CatalogNotFoundError:
            return run(workspace, spec, run_id, progress, *more, **named)  # which says so in its own order
        with bound_to(workspace, catalog, run_id, progress) as told:
            return run(workspace, spec, run_id, told, *more, **named)

    return bound

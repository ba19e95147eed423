"""What is kept of what serves, and for how long."""

import threading

import pytest

from core.catalog.schema import Item
from core.suggest.need import Need
from core.workspace import Workspace
from tests.core.suggest.test_suggester import add_items


def _fill(workspace: Workspace, *names: str) -> None:
    for name in names:
        add_items(workspace, name, [Item(item_id=str(n), title=f"{name} thing {n}") for n in range(20)])


def test_what_was_used_longest_ago_leaves_the_memory(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(workspace, "One", "Two", "Three")
    one, two, three = workspace.catalogs.list()
    index = workspace.serving.of(one).index
    size = index.size
    assert size == 20 * 2 * 144  # two parts of 64 and two flags, filled up to a multiple of 16
    monkeypatch.setattr("core.serving.served.MOST_BYTES", 2 * size)
    kept = workspace.serving.of(one)
    first = workspace.serving.of(two)
    assert workspace.serving.of(one) is kept
    workspace.serving.of(three)
    assert workspace.serving.of(one) is kept and workspace.serving.of(two) is not first
    page = workspace.suggester.suggest(Need(text="Two", catalogs=("Two",))).page
    assert page[0].catalog == "Two" and len(page) == 20
    monkeypatch.setattr("core.serving.served.MOST_BYTES", 1)
    assert workspace.serving.of(three) is workspace.serving.of(three), "one stays whatever its size"


def test_a_catalogue_that_is_measured_holds_no_other_up(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.serving import served

    _fill(workspace, "Slow", "Quick")
    slow, quick = workspace.catalogs.list()
    workspace.serving.of(quick)
    entered, leave, calibrate = threading.Event(), threading.Event(), served.calibrate

    def wait(*args: object) -> object:
        entered.set()
        assert leave.wait(20)
        return calibrate(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(served, "calibrate", wait)
    busy = threading.Thread(target=workspace.serving.of, args=(slow,))
    busy.start()
    assert entered.wait(20)
    assert workspace.serving.of(quick).catalog == quick
    leave.set()
    busy.join(20)
    assert not busy.is_alive()


def test_a_version_that_went_while_it_was_made_is_not_kept(workspace: Workspace) -> None:
    """It would have stayed for good; whoever asked for it found it gone, or had to be lucky."""
    models, made = workspace.models, []

    def make() -> str:
        made.append("a")
        for other in "bcd":  # somebody else looks at three other versions meanwhile
            models.once("bundle", other, lambda: "other")
        return "mine"

    assert models.once("bundle", "a", make) == models.once("bundle", "a", make) == "mine"
    assert len(made) == 2

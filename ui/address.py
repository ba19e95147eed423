"""The address of a page, which names all that it shows: a link, a reload and the browser's Back bring the same again.

Widgets never hold what is shown. They are drawn from the address (`hold`), and a callback of theirs moves the page
(`go`): one change is one entry of the browser's history, and every entry is whole. Streamlit's own binding of widgets
to the address replaces the entry instead, and forgets it on the way back from another page.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, urlencode

import streamlit as st

#: The side bar's choice. Each address that a page makes names it, for the first catalogue may be another one tomorrow.
CATALOG = "catalog"
_BACK = "back"
_TURN = "turn-"
#: A longer way back is not carried along, so that no address grows without end.
_LONGEST_BACK = 4_000

Value = str | Iterable[str]


def read(name: str) -> str:
    """What the address says of a name, "" for nothing."""
    return st.query_params.get(name, "")


def read_all(name: str) -> list[str]:
    """All that the address says of a name."""
    return [value for value in st.query_params.get_all(name) if value]


def names() -> list[str]:
    """The names that say something."""
    return [name for name in st.query_params if read_all(name)]


def read_whole() -> dict[str, list[str]]:
    """The whole address, but for the way back."""
    return {name: read_all(name) for name in names() if name != _BACK}


def go(changes: Mapping[str, Value] | None = None, **more: Value) -> None:
    """Move this page to another address; a callback.

    Args:
        changes: Name to what it says now; "" or nothing takes the name away. Other names stay.
        more: The same, for names that can be written so.
    """
    wanted = {name: _values(value) for name, value in {**(changes or {}), **more}.items()}
    if all(read_all(name) == values for name, values in wanted.items()):
        return
    if CATALOG not in wanted and not read(CATALOG) and st.session_state.get(CATALOG):
        wanted[CATALOG] = [st.session_state[CATALOG]]
    st.query_params.update(wanted)  # one message, so one entry; an empty list takes the name away


def go_whole(address: Mapping[str, Value]) -> None:
    """Move this page to exactly this address; a callback."""
    go({**dict.fromkeys(names(), ""), **address})


def hold(key: str, value: object) -> None:
    """Let a widget that is about to be drawn show a value of the address."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def hold_folded(key: str, value: object) -> str:
    """The same for a widget that can be folded away, such as one in a popover.

    The browser knows nothing of a folded widget. It sends what such a widget held before with the next click on
    anything, which would undo the filter that another control has set: so a change from elsewhere makes a new widget.
    And it draws one that it unfolds from the last run alone, so every run says its value.

    Returns:
        The key to draw it under.
    """
    turn = st.session_state.get(_TURN + key, 0)
    if st.session_state.get(_numbered(key, turn), value) != value:
        turn += 1
        st.session_state[_TURN + key] = turn
    st.session_state[_numbered(key, turn)] = value
    return _numbered(key, turn)


def _numbered(key: str, turn: int) -> str:
    return f"{key}~{turn}" if turn else key


def way_back() -> dict[str, Value]:
    """What a link carries so that the page behind it can lead back here."""
    here = read_all(_BACK) or [urlencode(read_whole(), doseq=True)]
    return {_BACK: here} if here[0] and len(here[0]) <= _LONGEST_BACK else {}


def read_back() -> dict[str, list[str]]:
    """The address that a link came from, nothing where it carried none."""
    return parse_qs(read(_BACK))


def _values(value: Value) -> list[str]:
    return [one for one in ([value] if isinstance(value, str) else value) if one]

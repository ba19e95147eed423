"""How a need is looked for: what counts, what is avoided, how different the suggestions are."""

import math
from dataclasses import dataclass

import streamlit as st

from core.parts import PARTS
from core.serving.calibration import ALL_PARTS
from core.suggest.need import list_matches
from ui.address import go, hold_folded, read
from ui.text import escape_markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the address says of them.

    Attributes:
        match: Which part of an item is compared.
        avoid: What is to be avoided, "" for nothing.
        variety: 0 ranks by score alone, in [0, 0.9].
        blend: Weight of the picture against the words, in [0, 1].
    """

    match: str = ALL_PARTS
    avoid: str = ""
    variety: float = 0.0
    blend: float = 0.5


def read_options() -> Options:
    """The options of the address; what it cannot mean is as if it were not said."""
    usual = Options()
    return Options(
        match=next((one for one in list_matches() if one == read("match")), usual.match),
        avoid=read("avoid").strip(),
        variety=_read_share("variety", usual.variety, 0.9),
        blend=_read_share("blend", usual.blend, 1.0),
    )


def draw_options() -> None:
    """The controls, drawn from the address."""
    now = read_options()
    keys = {name: hold_folded(name, getattr(now, name)) for name in ("match", "avoid", "variety", "blend")}
    st.segmented_control(
        "Compare with an item's",
        list_matches(),
        key=keys["match"],
        format_func=lambda name: escape_markdown(name_match(name)),
        required=True,
        on_change=_take,
        args=("match", keys["match"]),
    )
    st.text_input(
        "Avoid",
        key=keys["avoid"],
        placeholder="What it should not be",
        on_change=_take,
        args=("avoid", keys["avoid"]),
    )
    st.slider(
        "Variety",
        0.0,
        0.9,
        step=0.1,
        key=keys["variety"],
        help="0 shows the best first, even where they are alike; higher values mix in different ones.",
        on_change=_take,
        args=("variety", keys["variety"]),
    )
    st.slider(
        "Weight of the picture against the words",
        0.0,
        1.0,
        step=0.1,
        key=keys["blend"],
        help="Counts when the need has both a picture and words.",
        on_change=_take,
        args=("blend", keys["blend"]),
    )


def _take(name: str, key: str) -> None:
    value = st.session_state[key]
    said = "" if value == getattr(Options(), name) else f"{value:g}" if isinstance(value, float) else value or ""
    go({name: said, "page": ""})


def _read_share(name: str, usual: float, most: float) -> float:
    try:
        share = float(read(name))
    except ValueError:
        return usual
    return min(max(round(share, 1), 0.0), most) if math.isfinite(share) else usual


def name_match(match: str) -> str:
    """“Picture and text”, or “Picture only”, whatever parts there are."""
    if match != ALL_PARTS:
        return f"{PARTS[match].label} only"
    *most, last = (part.label for part in PARTS.values())
    return f"{', '.join(most)} and {last}".capitalize()

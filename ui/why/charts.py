"""The score as a waterfall."""

from collections.abc import Mapping
from itertools import accumulate

import streamlit as st

from core.explain.explanation import Explanation, Pair
from core.explain.people.person_explanation import PersonExplanation, all_player_names

_UP, _DOWN, _TOTAL = "#2B8A3E", "#D9480F", "#3D7BFF"


def draw_waterfall(found: Explanation | PersonExplanation, *, digits: int = 2) -> None:
    """From the score of an item of which nothing is known to the score on the card."""
    alt = f"Waterfall from {found.base_value:.{digits}f} to the score of {found.score:.{digits}f}"
    _draw(("Nothing known", "Score"), found.base_value, found.modalities, key="waterfall", alt=alt, digits=digits)


def draw_difference(found: Explanation, other: Pair) -> None:
    """From the other item's score to this one's."""
    alt = f"Waterfall from the other's score of {other.score:.2f} to {found.score:.2f}"
    _draw(("The other", "This one"), other.score, other.differences, key="difference", alt=alt)


def _draw(
    ends: tuple[str, str], start: float, parts: Mapping[str, float], *, key: str, alt: str, digits: int = 2
) -> None:
    """A waterfall from a start over each player's part to their sum; `ends` name the first and the last bar."""
    import plotly.graph_objects as go

    names = [ends[0], *(all_player_names()[name] for name in parts), ends[1]]
    values = [start, *parts.values(), 0.0]
    kinds = ["absolute", *["relative"] * len(parts), "total"]
    # An absolute bar of 0 cannot be seen, yet its label says where the others start.
    inner = (f"{value:+.{digits}f}" for value in parts.values())
    labels = [f"{start:.{digits}f}", *inner, f"{sum(values):.{digits}f}"]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=names,
            x=values,
            measure=kinds,
            text=labels,
            textposition="outside",
            cliponaxis=False,
            increasing={"marker": {"color": _UP}},
            decreasing={"marker": {"color": _DOWN}},
            totals={"marker": {"color": _TOTAL}},
            connector={"line": {"width": 1, "color": "rgba(128,128,128,0.5)"}},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        height=44 * len(names) + 40,
        margin={"l": 8, "r": 48, "t": 8, "b": 8},
        showlegend=False,
        yaxis={"autorange": "reversed"},
        xaxis={"zeroline": True, "range": _find_range(start, parts, digits)},
    )
    st.plotly_chart(figure, key=f"chart-{key}", config={"displayModeBar": False}, alt=alt)


def _find_range(start: float, parts: Mapping[str, float], digits: int) -> tuple[float, float]:
    """Of the axis, with room for the labels, which stand left of bars that go down."""
    ends = [0.0, *accumulate(parts.values(), initial=start)]
    low, high = min(ends), max(ends)
    room = 0.09 * digits * (high - low or 1.0)
    return (low - room if any(value < 0 for value in parts.values()) else low, high + room)

"""The score as a waterfall."""

import streamlit as st

from core.explain.explanation import PLAYER_NAMES, Explanation, Pair

_UP, _DOWN, _TOTAL = "#2B8A3E", "#D9480F", "#3D7BFF"


def draw_waterfall(found: Explanation) -> None:
    """From the score of an item of which nothing is known to the score on the card."""
    names = [PLAYER_NAMES[name] for name in found.modalities]
    values = list(found.modalities.values())
    _draw(
        ["Nothing known", *names, "Score"],
        [found.base_value, *values, 0.0],
        ["absolute", *["relative"] * len(values), "total"],
        key="waterfall",
        alt=f"Waterfall from {found.base_value:.2f} to the score of {found.score:.2f}",
    )


def draw_difference(found: Explanation, other: Pair) -> None:
    """From the other item's score to this one's."""
    names = [PLAYER_NAMES[name] for name in other.differences]
    values = list(other.differences.values())
    _draw(
        ["The other", *names, "This one"],
        [other.score, *values, 0.0],
        ["absolute", *["relative"] * len(values), "total"],
        key="difference",
        alt=f"Waterfall from the other's score of {other.score:.2f} to {found.score:.2f}",
    )


def _draw(names: list[str], values: list[float], kinds: list[str], *, key: str, alt: str) -> None:
    import plotly.graph_objects as go

    # An absolute bar of 0 cannot be seen, yet its label says where the others start.
    labels = [f"{value:+.2f}" if kind == "relative" else "" for value, kind in zip(values, kinds, strict=True)]
    labels[0], labels[-1] = f"{values[0]:.2f}", f"{sum(values):.2f}"
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
        xaxis={"zeroline": True},
    )
    st.plotly_chart(figure, key=f"chart-{key}", config={"displayModeBar": False}, alt=alt)

"""A training run: how to start one, and what it shows while it works."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.device import choose_device
from core.encode.loading import has_card
from core.errors import WishlightError
from core.jobs.job import Job
from core.store.catalogs import Catalog
from core.store.interactions import LogSummary
from core.train.config import TrainConfig
from core.train.tracking import WATCHED, Curve, read_curve
from core.work.plan import foresee_verdict
from core.work.train_catalog import TrainSpec
from ui.errors import shown_errors
from ui.jobs import draw_job, start_job
from ui.resources import open_jobs, open_workspace
from ui.text import escape_markdown, format_duration, format_estimate

_PRESETS = {
    "quick": "Quick: a small fusion model and few passes, to see whether there is anything to gain.",
    "balanced": "Balanced: the size and length that did well on the catalogues it was tried on.",
    "thorough": "Thorough: a lower rate and many passes; it stops by itself when nothing improves.",
}
_TUNINGS = {
    "frozen": (
        "The fusion model alone",
        "The image-text model stays as it is, so what it read once is kept: the fastest, and the safe choice.",
    ),
    "lora": (
        "Also the image-text model, a little (LoRA)",
        "Small additions to its layers are learned. The usual choice where the pictures are of an unusual kind.",
    ),
    "adalora": (
        "The same, where it matters most (AdaLoRA)",
        "Additions go to the layers that profit; needs longer runs. Where pictures are read by a convolutional "
        "network, as in the built-in model, it changes the reading of texts alone.",
    ),
    "adapter": ("Small layers in between (adapters)", "A narrow layer after each block is learned."),
    "prefix": ("Learned first words (prefix)", "A few learned tokens before each block; changes least."),
    "last": ("Its last layers", "The last two blocks of each tower are learned, at a low rate."),
    "full": ("All of it", "Everything is learned, at a low rate. Needs much data and memory, and forgets most."),
}
_SLOW = (
    "Every pass reads all pictures and texts again and learns from them: with a graphics card minutes, on a processor "
    "hours for thousands of items. The live panel shows the time left; a stopped run goes on."
)
#: Of lines; each stands out on a light and on a dark ground.
COLOURS = ("#3D7BFF", "#E8590C", "#2B8A3E", "#9C36B5", "#C2255C", "#0B7285")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a person chose to train.

    Attributes:
        preset: One of `core.train.config.PRESETS`.
        use_log: Whether to learn from the interaction log.
    """

    preset: str
    use_log: bool


def draw_start(catalog: Catalog, summary: LogSummary | None) -> Effort:
    """Presets and the one button; the summary is that of the log, None without one."""
    with st.container(border=True, key="train-start"):
        st.subheader("Train", anchor=False)
        preset = st.radio(
            "Effort",
            list(_PRESETS),
            format_func=lambda name: escape_markdown(name.capitalize()),
            key="train-preset",
            horizontal=True,
        )
        st.caption(_PRESETS[preset])
        use_log = summary is not None and st.toggle("Learn from the interaction log", value=True, key="train-use-log")
        tuning = st.selectbox(
            "What is trained", list(_TUNINGS), format_func=lambda name: _TUNINGS[name][0], key="train-tuning"
        )
        st.caption(_TUNINGS[tuning][1])
        st.caption(_describe_cost(catalog, preset, tuning, use_log=use_log))
        few = _foresee(catalog.name, catalog.id, catalog.revision, summary if use_log else None)
        if few:
            st.warning(escape_markdown(few), icon=":material/balance:")
        live = any(job.kind == "train" for job in open_jobs().at_work_on(catalog.id))
        st.button(
            "Train",
            type="primary",
            key="train-go",
            icon=":material/model_training:",
            disabled=live,
            on_click=_start,
            args=(catalog, preset, use_log, tuning),
        )
    return Effort(preset=preset, use_log=use_log)


def draw_runs(catalog: Catalog) -> None:
    """The run at work, or the last one."""
    jobs = open_jobs().of_catalog(catalog.id, "train", limit=1)
    if not jobs:
        return
    if jobs[0].is_live:
        _draw_live(jobs[0].id)
    else:
        _draw_run(jobs[0])


@st.fragment(run_every=2.0)
def _draw_live(job_id: str) -> None:
    job = open_jobs().get(job_id)
    _draw_run(job)
    if not job.is_live:
        st.rerun()


def _draw_run(job: Job) -> None:
    curve = read_curve(open_workspace().home.runs / job.id)
    draw_job(job)
    if not curve.epochs:
        return
    last = curve.epochs[-1]
    with st.container(border=True, key=f"curve-{job.id}"):
        st.markdown("**How it learns**")
        left, right = st.columns(2)
        with left:
            st.caption("Loss of each task, by step")
            _draw_lines({name: _series(curve.epochs, "losses", name) for name in last["losses"]}, {}, key="losses")
        with right:
            metric = WATCHED
            st.caption(f"Validation {metric}, by step; dashed: without training")
            flat = {name: values[metric] for name, values in curve.facts.get("flat", {}).items()}
            _draw_lines({"training": _series(curve.epochs, "validation", metric)}, flat, key="validation")
        st.caption(_describe(curve))


def _series(epochs: Sequence[Mapping[str, Any]], part: str, name: str) -> list[tuple[int, float]]:
    return [(one["step"], one[part][name]) for one in epochs if name in one[part]]


def _draw_lines(lines: Mapping[str, list[tuple[int, float]]], flat: Mapping[str, float], *, key: str) -> None:
    import plotly.graph_objects as go

    figure = go.Figure()
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        figure.add_scatter(
            x=[step for step, _ in points],
            y=[value for _, value in points],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
        )
    for place, (name, value) in enumerate(flat.items(), start=1):
        steps = [points[-1][0] for points in lines.values() if points]
        figure.add_scatter(
            x=[0, max(steps, default=1)],
            y=[value, value],
            name=name,
            mode="lines",
            line={"color": COLOURS[place], "width": 1.5, "dash": "dash"},
        )
    figure.update_layout(
        height=260,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        # Its top edge below the labels of the axis: by its bottom edge, long ones grow into the plot.
        legend={"orientation": "h", "yanchor": "top", "y": -0.15},
        yaxis={"rangemode": "tozero"},
    )
    st.plotly_chart(figure, key=f"chart-{key}", config={"displayModeBar": False})


def _describe(curve: Curve) -> str:
    last = curve.epochs[-1]
    device = curve.facts.get("device", "cpu")
    memory = f"{last['memory_mb']:,.0f} MB of memory at most" if last.get("memory_mb") else ""
    return " · ".join(
        part
        for part in (f"{format_duration(last['seconds'])} of training", f"on {escape_markdown(device)}", memory)
        if part
    )


def estimate_seconds(catalog: Catalog, config: TrainConfig, *, use_log: bool) -> float:
    """What one run costs at most, from a few timed steps."""
    summary = open_workspace().interactions.summary(catalog.id) if use_log else None
    events = (summary.users, summary.events) if summary is not None else (0, 0)
    dimension = open_workspace().encoder(catalog.backbone).dimension
    return _estimate(json.dumps(config.to_json(), sort_keys=True), catalog.items, dimension, events)


@st.cache_data(show_spinner="Timing a few steps", max_entries=32)
def _estimate(config: str, items: int, dimension: int, events: tuple[int, int]) -> float:
    from core.train.estimate import count_windows, estimate_run

    whole = TrainConfig.from_json(json.loads(config))
    windows = count_windows(*events, whole.history) if events[0] else 0
    choice = choose_device(None if has_card() else "cpu")
    return estimate_run(whole, choice, items=items, dimension=dimension, windows=windows).seconds


def _describe_cost(catalog: Catalog, preset: str, tuning: str, *, use_log: bool) -> str:
    where = choose_device().reason if has_card() else "It computes on the processor."
    if tuning == "frozen":
        seconds = estimate_seconds(catalog, TrainSpec(catalog="", preset=preset).build_config(), use_log=use_log)
        cost = f"At most about {format_estimate(seconds)} of training, once pictures and texts have been read."
    else:
        cost = _SLOW
    return f"{cost} {escape_markdown(where)} What serves stays as it is until you switch."


@st.cache_data(show_spinner=False, max_entries=8)
def _foresee(
    name: str,
    catalog_id: int,  # noqa: ARG001 - it and the next are what the cache goes by
    revision: int,  # noqa: ARG001
    summary: LogSummary | None,
) -> str:
    """What will keep a verdict from being told, before minutes are spent."""
    try:
        return foresee_verdict(open_workspace(), TrainSpec(catalog=name, use_log=summary is not None))
    except WishlightError as exc:
        return str(exc)


@shown_errors()
def _start(catalog: Catalog, preset: str, use_log: bool, tuning: str) -> None:
    spec = TrainSpec(catalog=catalog.name, preset=preset, use_log=use_log, tuning=tuning)
    start_job("train", f"Train “{catalog.name}”, {preset}", spec.to_json(), key=f"train-{catalog.id}")

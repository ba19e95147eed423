"""The search for better settings: how to start one, what it tries, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.jobs.job import Job
from core.kept import read_kept
from core.store.catalogs import Catalog
from core.train.space import TASK_PREFIX, find_largest
from core.train.tracking import WATCHED
from core.train.trials import TrialResult, TrialState, find_best, read_trials
from core.work.search_catalog import SearchSpec
from core.work.train_catalog import TrainSpec
from ui.errors import shown_errors
from ui.jobs import draw_job, start_job
from ui.resources import open_jobs, open_workspace
from ui.tables import draw_table
from ui.text import escape_markdown, format_duration, format_estimate
from ui.training.run_panel import COLOURS, Effort, estimate_seconds

_STATES: Mapping[TrialState, str] = {
    "running": "at work",
    "finished": "finished",
    "pruned": "ended early",
    "failed": "could not be trained",
    "stopped": "interrupted",
}
#: Name of a setting to its heading and what it does.
_SETTINGS = {
    "rate": ("Learning rate", "How far each step moves the model."),
    "gate_rate": ("Gate rate", "How fast the model may move away from the untrained one."),
    "weight_decay": ("Weight decay", "How strongly large numbers in the model are pulled back, against over-fitting."),
    "dropout": ("Dropout", "Share of the model that is switched off at random while it learns, against over-fitting."),
    "modality_dropout": ("Hidden parts", "How often an item's picture or its text is hidden while it learns."),
    "width": ("Width", "Size of the model: larger knows more and takes longer."),
    "layers": ("Layers", "Depth of the model: deeper knows more and takes longer."),
}
#: Task to what its weight's heading calls it, and what is learned.
_TASKS = {
    "rank": ("likes", "what people like next"),
    "popularity": ("popularity", "how popular an item is"),
    "act": ("actions", "whether a person acts on an item"),
    "rating": ("ratings", "how a person rates an item"),
    "contrastive": ("pairs", "which picture and text belong together"),
    "masked": ("missing parts", "a text from its picture, and the other way round"),
    "category": ("categories", "an item's category"),
}


def draw_search(catalog: Catalog, effort: Effort) -> None:
    """How to start a search, and below it the one at work or the last one."""
    jobs = open_jobs().of_catalog(catalog.id, "search", limit=1)
    panel = st.expander(
        "Search for better settings", icon=":material/tune:", expanded=bool(jobs), key="search", on_change="rerun"
    )
    # The estimate times a few steps: not before somebody looks.
    if not panel.open:
        return
    with panel:
        if jobs and jobs[0].is_live:
            _draw_live(jobs[0].id)
            return
        _draw_start(catalog, effort)
        if jobs:
            _draw_found(jobs[0])


def _draw_start(catalog: Catalog, effort: Effort) -> None:
    st.markdown(
        f"Trains again and again, each trial with other settings, the first with those of "
        f"**{escape_markdown(effort.preset.capitalize())}**. What does best on a part of the data that is held out "
        "for validation is kept. The final test is left alone."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        trials = st.number_input("Trials", min_value=5, max_value=200, value=20, step=5, key="search-trials", width=180)
        st.button(
            "Start the search",
            key="search-go",
            icon=":material/tune:",
            on_click=_start,
            args=(catalog, effort, int(trials)),
        )
    largest = find_largest(TrainSpec(catalog="", preset=effort.preset).build_config())
    seconds = int(trials) * estimate_seconds(catalog, largest, use_log=effort.use_log)
    st.caption(
        f"At most about {format_estimate(seconds)}: {int(trials)} runs of the largest model that is tried. Most are "
        "smaller, and those that do badly end early. You can stop at any time and go on later."
    )


@st.fragment(run_every=2.0)
def _draw_live(job_id: str) -> None:
    job = open_jobs().get(job_id)
    _draw_found(job)
    if not job.is_live:
        st.rerun()


def _draw_found(job: Job) -> None:
    draw_job(job)
    trials = read_trials(open_workspace().home.runs / job.id)
    if not trials:
        return
    best = find_best(trials)
    if best is not None:
        _draw_best(job, trials, best)
    if sum(one.value is not None for one in trials) > 1:
        _draw_chart(trials)
    _draw_table(job, trials, best)


def _draw_best(job: Job, trials: Sequence[TrialResult], best: TrialResult) -> None:
    st.markdown(_describe_best(trials, best, live=job.is_live))
    if job.state != "done":
        return
    st.button(
        "Train with the best settings",
        key=f"search-train-{job.id}",
        type="primary",
        icon=":material/model_training:",
        disabled=any(one.kind == "train" and one.catalog_id == job.catalog_id for one in open_jobs().live()),
        on_click=_train,
        args=(job,),
    )
    st.caption(
        "The best of many scores flatters a little, by luck. Training with these settings ends with a test on what no "
        "trial has seen; that one counts."
    )


def _describe_best(trials: Sequence[TrialResult], best: TrialResult, *, live: bool) -> str:
    first = next((one for one in trials if one.settings == trials[0].settings and one.state == "finished"), None)
    value, start = best.value or 0.0, first.value if first is not None else None
    others = sum(one.state in ("finished", "pruned") for one in trials) > 1
    lead = f"{'Best so far' if live else 'Best'}: trial {best.number:,} with a score of **{value:.3f}**"
    if start is None:
        return f"{lead}."
    if value > start:
        return f"{lead}; you began with {start:.3f}."
    if not others:
        return f"What you began with has a score of **{start:.3f}**. No other trial has ended{' yet' if live else ''}."
    return f"Nothing better than what you began with (**{start:.3f}**) has been found{' yet' if live else ''}."


def _draw_table(job: Job, trials: Sequence[TrialResult], best: TrialResult | None) -> None:
    names = max((tuple(one.settings) for one in trials), key=len)
    rows = [
        {
            "Trial": one.number,
            "State": _describe_state(one, best, live=job.is_live),
            "Score": one.value,
            "Time": format_duration(one.seconds) if one.seconds else None,
            **{_heading(name): one.settings.get(name) for name in names},
        }
        for one in trials
    ]
    columns: dict[str, Any] = {_heading(name): _column(name) for name in names}
    columns["Score"] = st.column_config.NumberColumn(
        format="%.3f", help=f"How well what was held back is ranked, from 0 to 1 (validation {WATCHED})."
    )
    draw_table(
        rows,
        column_config=columns,
        placeholder="–",
        alt="The settings that were tried, and their scores",
    )
    st.caption("Trial 1 has the settings that you began with. Point at a heading to read what the setting does.")


def _draw_chart(trials: Sequence[TrialResult]) -> None:
    import plotly.graph_objects as go

    figure = go.Figure()
    whole = [one for one in trials if one.state == "finished" and one.value is not None]
    others = [one for one in trials if one.state != "finished" and one.value is not None]
    bests = [max(one.value or 0.0 for one in whole[: place + 1]) for place in range(len(whole))]
    line = {"color": COLOURS[1], "width": 2, "shape": "hv"}
    figure.add_scatter(x=[one.number for one in whole], y=bests, name="best so far", mode="lines", line=line)
    _add_points(figure, whole, name="finished", symbol="circle")
    _add_points(figure, others, name="ended early or at work", symbol="circle-open")
    figure.update_layout(
        height=260,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.2},
        xaxis={
            "dtick": 1 if len(trials) <= 20 else None,
            "range": [0.5, len(trials) + 0.5],
            "title": {"text": ""},
        },
    )
    st.caption("Score of each trial; higher is better")
    st.plotly_chart(figure, key="chart-search", config={"displayModeBar": False})


def _add_points(figure: Any, trials: Sequence[TrialResult], *, name: str, symbol: str) -> None:
    figure.add_scatter(
        x=[one.number for one in trials],
        y=[one.value for one in trials],
        name=name,
        mode="markers",
        marker={"color": COLOURS[0], "size": 9, "symbol": symbol, "line": {"width": 2, "color": COLOURS[0]}},
    )


def _describe_state(one: TrialResult, best: TrialResult | None, *, live: bool) -> str:
    if best is not None and one.number == best.number:
        return "best so far" if live else "best"
    # A killed worker leaves its trial open; nobody is at work on it any more.
    return _STATES["stopped" if one.state == "running" and not live else one.state]


def _heading(name: str) -> str:
    if name.startswith(TASK_PREFIX):
        task = name.removeprefix(TASK_PREFIX)
        return f"Weight of {_TASKS.get(task, (task, task))[0]}"
    return _SETTINGS[name][0] if name in _SETTINGS else name


def _column(name: str) -> Any:
    if name.startswith(TASK_PREFIX):
        task = name.removeprefix(TASK_PREFIX)
        text = f"How much it counts to learn {_TASKS.get(task, (task, task))[1]}."
    else:
        text = _SETTINGS[name][1] if name in _SETTINGS else ""
    return st.column_config.NumberColumn(format="%.3g", help=escape_markdown(text))


@shown_errors()
def _start(catalog: Catalog, effort: Effort, trials: int) -> None:
    train = TrainSpec(catalog=catalog.name, preset=effort.preset, use_log=effort.use_log)
    spec = SearchSpec(train=train, trials=trials)
    title = f"Search settings for “{catalog.name}”, {trials} trials from {effort.preset}"
    start_job("search", title, spec.to_json(), key=f"search-{catalog.id}")


@shown_errors()
def _train(job: Job) -> None:
    """Train what the search found, on the data that it searched with."""
    searched = read_kept(SearchSpec.from_json, job.payload).train
    payload = searched.to_json() | {"config": dict(job.result["config"])}
    catalog = open_workspace().catalogs.find(searched.catalog)
    title = f"Train “{catalog.name}”, the best settings found"
    start_job("train", title, TrainSpec.from_json(payload).to_json(), key=f"train-{catalog.id}")

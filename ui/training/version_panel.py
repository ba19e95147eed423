"""Trained versions: did it help, and which one serves."""

import streamlit as st

from core.store.catalogs import Catalog
from core.store.versions import Version
from core.versions.model_card import FILE, describe_tested
from core.work.activate import ActivateSpec
from core.work.replay import format_rank
from ui.deletion import draw_goes
from ui.errors import shown_errors
from ui.jobs import start_job
from ui.resources import open_jobs, open_workspace
from ui.tables import draw_table
from ui.text import escape_markdown, format_duration

_BADGES = {
    "helps": (":material/trending_up: It helps", "green"),
    "unclear": (":material/trending_flat: No clear difference", "gray"),
    "hurts": (":material/trending_down: It hurts", "red"),
    "too few": (":material/help: Too few to tell", "gray"),
}


def draw_versions(catalog: Catalog) -> None:
    """One card a version, newest first."""
    versions = open_workspace().versions.list(catalog.id)
    if not versions:
        return
    st.subheader("Did fine-tuning help?", anchor=False)
    if catalog.version:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Version **{escape_markdown(catalog.version)}** serves “{escape_markdown(catalog.name)}”.")
            going = _is_queued(catalog, "")
            st.button(
                "Going back to the untrained model …" if going else "Back to the untrained model",
                key="deactivate",
                icon=":material/hourglass_top:" if going else ":material/undo:",
                on_click=_activate,
                args=(catalog, ""),
                disabled=going,
            )
    for version in versions:
        _draw_version(catalog, version)


def _draw_version(catalog: Catalog, version: Version) -> None:
    metrics = version.metrics
    text, colour = _BADGES.get(metrics.get("verdict", ""), _BADGES["unclear"])
    with st.container(border=True, key=f"version-{version.id}"):
        head, button = st.columns([4, 1], vertical_alignment="center")
        with head, st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(version.id)}**")
            st.badge(text, color=colour)  # type: ignore[arg-type]
            st.caption(escape_markdown(f"{version.created_at[:16].replace('T', ' ')} UTC"))
        with button, st.container(horizontal=True, horizontal_alignment="right"):
            if catalog.version == version.id:
                st.badge("Serves", icon=":material/check:", color="blue")
            else:
                if st.button("Delete", key=f"delete-{version.id}", icon=":material/delete:", type="tertiary"):
                    _ask_deletion(version)
                going = _is_queued(catalog, version.id)
                st.button(
                    "Switching …" if going else "Let it serve",
                    key=f"activate-{version.id}",
                    on_click=_activate,
                    args=(catalog, version.id),
                    disabled=going,
                )
        st.markdown(escape_markdown(metrics["recommendation"]))
        _draw_replay_summary(version)
        draw_table(
            [
                {
                    "What": row["name"],
                    "Measure": row["metric"],
                    "Value": "–" if row.get("note") else f"{row['value']:.3f}",
                    "95 % interval": row.get("note") or f"{row['low']:.3f} to {row['high']:.3f}",
                    "Cost": format_duration(row["seconds"]) if row["seconds"] >= 1 else "–",
                }
                for row in metrics["rows"]
            ],
            alt="What was measured",
        )
        titles = "titles it never saw" if "needed" in metrics else "items with titles it never saw"
        what = "people that training never saw" if version.has_log else titles
        tested = f"{escape_markdown(describe_tested(metrics))} {what}"
        st.caption(f"Measured once, on {tested}. Blend towards it: {metrics['blend']:.0%}.")
        _draw_replay(version)
        _draw_card(version)


def _draw_replay_summary(version: Version) -> None:
    """What the saved needs would lose and gain; nothing for a version that was trained before any was saved."""
    summary, moves = version.metrics.get("replay_summary", ""), version.metrics.get("replay", [])
    if not summary:
        return
    verdicts = {move["verdict"] for move in moves}
    icon = ":gray[:material/info:]"
    if not moves or "lost" in verdicts:
        icon = ":orange[:material/warning:]"
    elif "still missing" not in verdicts:
        icon = ":green[:material/check:]"
    st.markdown(f"{icon} {escape_markdown(summary)}")


def _draw_replay(version: Version) -> None:
    """Every expected item with its ranks."""
    moves = version.metrics.get("replay", [])
    if not moves:
        return
    with st.expander("What would move for your saved needs", icon=":material/swap_vert:"):
        draw_table(
            [
                {
                    "Need": move["need"],
                    "Expected item": move["title"],
                    "Rank before": format_rank(move["before"]),
                    "Rank with it": format_rank(move["after"]),
                    "What moves": move["verdict"],
                }
                for move in moves
            ],
            alt="Ranks of the expected items before and with this version",
        )
        st.caption("Before: what served when this version was trained. With it: if this version serves.")


def _draw_card(version: Version) -> None:
    try:
        card = (open_workspace().home.versions / version.id / FILE).read_bytes()
    except OSError:
        return
    st.download_button(
        "Model card",
        card,
        file_name=f"model-card-{version.id}.md",
        mime="text/markdown",
        icon=":material/download:",
        key=f"card-{version.id}",
        on_click="ignore",
    )


@st.dialog("Delete this version?")
def _ask_deletion(version: Version) -> None:
    st.markdown(f"Version **{escape_markdown(version.id)}** goes for good, with everything that only it refers to:")
    with shown_errors():
        draw_goes(open_workspace().sweep.find.of_version(version).goes)
    if st.button("Delete it", type="primary", key="delete-version-go", on_click=_delete, args=(version,)):
        st.rerun()


@shown_errors()
def _delete(version: Version) -> None:
    sweep = open_workspace().sweep
    sweep.delete(sweep.find.of_version(version))


def _is_queued(catalog: Catalog, version_id: str) -> bool:
    """Whether the switch was asked for and has not happened yet; its panel stands at the top of the page."""
    wanted = ActivateSpec(version=version_id, catalog=catalog.name).to_json()
    return any(job.kind == "activate" and job.payload == wanted for job in open_jobs().live())


@shown_errors()
def _activate(catalog: Catalog, version_id: str) -> None:
    what = f"Let version {version_id} serve “{catalog.name}”" if version_id else f"Serve “{catalog.name}” untrained"
    payload = ActivateSpec(version=version_id, catalog=catalog.name).to_json()
    start_job("activate", what, payload, key=f"activate-{catalog.id}-{version_id}")

"""What an audit explains, and the button that starts it."""

from collections.abc import Mapping

import streamlit as st

from core.store.catalogs import Catalog
from core.work.audit_catalog import MOST_CASES, SUGGESTED, AuditSpec, NeedSource
from ui.errors import shown_errors
from ui.jobs import start_job
from ui.resources import open_jobs
from ui.text import format_estimate

_SOURCES: Mapping[NeedSource, str] = {
    "titles": "The catalogue's own titles",
    "saved": "Saved needs",
    "typed": "Needs of my own",
}
_EXPLAINED: Mapping[NeedSource, str] = {
    "titles": "Items are drawn at random and asked for by their own title: a picture that speaks against it is worth "
    "a look.",
    "saved": f"What you expect of each saved need, and the first {SUGGESTED} that it brings, are explained.",
    "typed": f"The first {SUGGESTED} that each need brings are explained.",
}
#: Seconds on two cores, as measured; what they are for is an estimate before anything has run.
_CASE_SECONDS, _MAP_SECONDS = 0.3, 10.0


def draw_start(catalog: Catalog) -> None:
    """The choice of needs, how many, and the button."""
    with st.container(border=True, key="audit-start"):
        source: NeedSource = (
            st.segmented_control(
                "Whose needs are asked?",
                list(_SOURCES),
                default="titles",
                format_func=lambda one: _SOURCES[one],
                key="audit-source",
                required=True,
            )
            or "titles"
        )
        st.caption(_EXPLAINED[source])
        lines = st.text_area("One need a line", key="audit-needs", height=120) if source == "typed" else ""
        with st.container(horizontal=True, vertical_alignment="bottom"):
            cases = st.number_input("Suggestions at most", 1, MOST_CASES, 200, 50, key="audit-cases", width=180)
            maps = st.number_input("Pictures at most", 0, MOST_CASES, 24, 8, key="audit-maps", width=180)
            spec = AuditSpec(
                catalog=catalog.name,
                source=source,
                needs=tuple(line.strip() for line in lines.splitlines() if line.strip()),
                cases=int(cases),
                maps=int(maps),
            )
            st.button(
                "Start the audit",
                key="audit-go",
                type="primary",
                icon=":material/fact_check:",
                disabled=any(job.kind == "audit" for job in open_jobs().live()),
                on_click=_start,
                args=(catalog, spec),
            )
        st.caption(
            f"About {format_estimate(_estimate(spec))} on a processor. You can stop at any time and go on later."
        )


def _estimate(spec: AuditSpec) -> float:
    """Seconds, before anything has run."""
    cases = min(spec.cases, SUGGESTED * len(spec.needs)) if spec.source == "typed" else spec.cases
    return cases * _CASE_SECONDS + min(spec.maps, cases) * _MAP_SECONDS


@shown_errors()
def _start(catalog: Catalog, spec: AuditSpec) -> None:
    title = f"Audit “{catalog.name}”, {_SOURCES[spec.source].lower()}"
    start_job("audit", title, spec.to_json(), key=f"audit-{catalog.id}")

"""What an audit has found."""

import json
from collections.abc import Sequence

import streamlit as st

from core.explain.audit import Audit, Case, WordSummary, cases_csv
from core.explain.explanation import player_names
from core.jobs.job import Job
from core.store.catalogs import Catalog
from core.wording import count_noun
from core.work.audit_catalog import read_audit, read_cases
from ui.cards import CARD_WIDTH, draw_why_link
from ui.pictures import card_picture
from ui.resources import open_workspace
from ui.tables import draw_table
from ui.text import escape_markdown
from ui.why.tables import say_rank

_MOST_WORDS = 10
#: Items a page of those whose picture hurts.
_PAGE = 12


def draw_report(catalog: Catalog, job: Job) -> None:
    """Everything that the job has found, whether it has ended or was stopped."""
    found = _read(job.id, job.state)
    if not found.cases:
        st.info("It was stopped before anything was explained.", icon=":material/fact_check:")
        return
    _draw_numbers(found)
    st.subheader("What scores rest on", anchor=False)
    _draw_parts(found)
    _draw_words(found.words)
    _draw_hurt(catalog, found.hurt)
    _draw_downloads(job, found)


@st.cache_data(show_spinner=False, max_entries=16)
def _read(job_id: str, state: str) -> Audit:  # noqa: ARG001 - part of the cache's key
    return read_audit(open_workspace().home.runs / job_id)


def _draw_numbers(found: Audit) -> None:
    with st.grid("auto", min_column_width=230, gap="small"):
        st.metric(
            "Suggestions explained", f"{found.cases:,}", border=True, help=f"For {count_noun(found.needs, 'need')}"
        )
        st.metric(
            "Pictures that hurt",
            f"{len(found.hurt):,}",
            border=True,
            help=f"Of {count_noun(found.pictures, 'suggestion')} with a picture: their score is lower for it",
        )
        st.metric(
            "No faithful map",
            f"{found.unmapped:,} of {found.looked:,}" if found.looked else "not looked",
            border=True,
            help="Pictures of which no map told better than chance what the score rests on",
        )
    if found.methods:
        made = ", ".join(f"{escape_markdown(method)} {count:,}" for method, count in found.methods.items())
        st.caption(f"Maps that passed the test of deleting what they mark: {made}.")


def _draw_parts(found: Audit) -> None:
    rows = [
        {
            "Part": player_names()[part.name],
            "Share of what moved scores": 100 * part.share,
            "Effect, on average": part.mean,
            "Speaks against": 100 * part.against,
            "Suggestions": part.cases,
        }
        for part in found.parts
    ]
    draw_table(
        rows,
        width="stretch",
        column_config={
            "Part": st.column_config.TextColumn(width="medium"),
            "Share of what moved scores": st.column_config.ProgressColumn(
                min_value=0, max_value=100, format="%.0f %%", width="medium"
            ),
            "Effect, on average": st.column_config.NumberColumn(format="%+.2f"),
            "Speaks against": st.column_config.NumberColumn(
                format="%.0f %%", help="In how many of its suggestions the part lowers the score"
            ),
        },
        alt="Parts of items with what they do to scores",
    )
    st.caption("Effects on the model's score, as exact Shapley values; they say nothing about why people buy.")


def _draw_words(words: Sequence[WordSummary]) -> None:
    st.subheader("Words", anchor=False)
    if not words:
        st.caption("No word came in two suggestions, so none is summed up. Explain more of them.")
        return
    helping, harming = st.columns(2, gap="large")
    with helping:
        _draw_word_table("Raise scores most", [one for one in words if one.mean > 0])
    with harming:
        _draw_word_table("Lower scores most", [one for one in reversed(words) if one.mean < 0])


def _draw_word_table(title: str, words: Sequence[WordSummary]) -> None:
    st.markdown(f"**{escape_markdown(title)}**")
    if not words:
        st.caption("None.")
        return
    draw_table(
        [
            {"Word": one.word, "In": one.field, "Effect": one.mean, "Suggestions": one.cases}
            for one in words[:_MOST_WORDS]
        ],
        width="stretch",
        column_config={"Effect": st.column_config.NumberColumn(format="%+.2f")},
        alt=title,
    )


def _draw_hurt(catalog: Catalog, hurt: Sequence[Case]) -> None:
    st.subheader("Items whose picture hurts them", anchor=False)
    if not hurt:
        st.caption("None: no picture lowered the score of its item.")
        return
    st.caption("Worst first. Is it the right picture, and does it show the item by itself?")
    pages = -(-len(hurt) // _PAGE)
    page = st.pagination(pages, key="audit-hurt-page") if pages > 1 else 1
    with st.grid("auto", min_column_width=CARD_WIDTH, gap="small"):
        for place, case in enumerate(hurt[(page - 1) * _PAGE : page * _PAGE]):
            _draw_card(catalog, case, key=f"hurt-{place}")


def _draw_card(catalog: Catalog, case: Case, *, key: str) -> None:
    stored = open_workspace().items.find(catalog.id, case.item_id)
    with st.container(border=True, key=key, gap="xsmall"):
        st.image(card_picture(stored.main_picture if stored else None), width="stretch", alt=case.title)
        st.markdown(f"**{escape_markdown(case.title)}**")
        without = case.rank_without_picture
        moved = f"rank {say_rank(case.rank)}" + (f", {say_rank(without)} without it" if without != case.rank else "")
        st.caption(f"Picture {case.picture:+.2f} · {moved}")
        draw_why_link("Explain it", catalog.name, case.need, case.item_id)


def _draw_downloads(job: Job, found: Audit) -> None:
    folder = open_workspace().home.runs / job.id
    with st.container(horizontal=True):
        st.download_button(
            "Every suggestion as CSV",
            lambda: cases_csv(read_cases(folder)),
            file_name="audit.csv",
            mime="text/csv",
            icon=":material/download:",
        )
        st.download_button(
            "The summary as JSON",
            json.dumps(found.to_json(), ensure_ascii=False, indent=1),
            file_name="audit.json",
            mime="application/json",
            icon=":material/download:",
        )

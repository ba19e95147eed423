"""The opened data folder, once a server."""

import streamlit as st

from core.home import open_home
from core.jobs.job_table import JobStore
from core.workspace import Workspace


@st.cache_resource(show_spinner=False)
def open_workspace() -> Workspace:
    """The data folder that `WISHLIGHT_HOME` names, opened once and shared by all sessions.

    Raises:
        StoreError: The folder or its database cannot be opened.
    """
    return Workspace(open_home())


def open_jobs() -> JobStore:
    """The job table of that folder."""
    return JobStore(open_workspace().database)

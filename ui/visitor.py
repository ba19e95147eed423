"""Where a visitor sits: only the owner, at this computer, may name folders and models of their own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.catalog.importing.sample import SAMPLE_FOLDER
from core.encode.registry import BACKBONES
from core.errors import JobError
from ui.hosts import HOSTS_VARIABLE, is_local_address, parse_host
from ui.resources import open_workspace

#: What a proxy adds; behind one every visitor seems to sit at this computer.
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via", "cf-connecting-ip")


def is_owner() -> bool:
    """Whether this visitor sits at the computer that runs the server.

    Where further names are let in, a proxy or a tunnel may stand before it that says nothing of itself (nginx as it
    comes), and whoever comes through it seems to sit here: then nobody does.
    """
    headers = st.context.headers
    if os.environ.get(HOSTS_VARIABLE, "").strip():
        return False
    if st.context.ip_address is not None or any(name in headers for name in _PROXY_HEADERS):
        return False
    host = parse_host(headers.get("host") or "localhost")
    return host is not None and is_local_address(host[0])


def require_right(payload: Mapping[str, Any]) -> None:
    """See to it that this visitor may start such a job.

    Args:
        payload: Of the job; its `backbone` and `folder` count.

    Raises:
        JobError: It names a model or a folder of this computer, which only its owner may.
    """
    if is_owner():
        return
    workspace = open_workspace()
    backbone = str(payload.get("backbone") or "")
    known = {one.name for one in BACKBONES} | {one.backbone for one in workspace.catalogs.list()}
    if backbone and backbone not in known:
        raise JobError(
            "A model's folder, hub id or other name can be given only at the computer that runs Wishlight, on its "
            f"command line or, unless {HOSTS_VARIABLE} is set, on its page. Choose a model of the list."
        )
    folder = str(payload.get("folder") or "")
    given = (workspace.home.uploads.resolve(), SAMPLE_FOLDER.resolve())
    if folder and not any(Path(folder).resolve().is_relative_to(one) for one in given):
        raise JobError(
            "A folder of the computer that runs Wishlight can be named only there. Upload the pictures instead."
        )

"""Only who sits at this computer names folders and models of their own (issue 12)."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from core.catalog.importing.sample import SAMPLE_FOLDER
from core.errors import JobError
from core.jobs.job_table import JobStore
from ui import visitor
from ui.hosts import HOSTS_VARIABLE
from ui.jobs import start_job

HERE = {"host": "localhost:8501"}


def _sit(monkeypatch, peer: str | None, headers: dict[str, str]) -> None:
    context = SimpleNamespace(ip_address=peer, headers=headers)
    monkeypatch.setattr(visitor.st, "context", context)


@pytest.mark.parametrize(
    ("peer", "headers", "owner"),
    [
        (None, HERE, True),
        (None, {"host": "[::1]:8501"}, True),
        (None, {}, True),
        ("192.168.1.9", HERE, False),
        ("::ffff:10.0.0.1", HERE, False),
        (None, HERE | {"x-forwarded-for": "127.0.0.1"}, False),
        (None, HERE | {"forwarded": "for=127.0.0.1"}, False),
        (None, HERE | {"x-real-ip": "127.0.0.1"}, False),
        (None, {"host": "shop.example"}, False),
        (None, {"host": "192.168.1.5:8501"}, False),
    ],
)
def test_owner(monkeypatch, peer, headers, owner) -> None:
    _sit(monkeypatch, peer, headers)
    assert visitor.is_owner() is owner


def test_nobody_is_the_owner_where_a_proxy_may_hide_visitors(monkeypatch) -> None:
    """nginx as it comes passes `Host: localhost:8501` on and no address of the visitor."""
    monkeypatch.setenv(HOSTS_VARIABLE, "shop.example")
    _sit(monkeypatch, None, HERE)
    assert not visitor.is_owner()


def test_what_a_visitor_may_start(shop, monkeypatch) -> None:
    monkeypatch.setattr(visitor, "open_workspace", lambda: shop)
    served = shop.catalogs.list()[0].backbone
    uploaded = shop.home.uploads / "pictures-1"
    allowed = [{}, {"backbone": "siglip2"}, {"backbone": served}, {"folder": str(uploaded)}]
    refused = [
        {"backbone": "hf-hub:evil/model"},
        {"backbone": "local-dir:/tmp/evil"},
        {"backbone": "/tmp/evil"},
        {"backbone": " embedded"},
        {"folder": "/etc"},
        {"folder": str(uploaded / ".." / "..")},
    ]
    _sit(monkeypatch, "192.168.1.9", HERE)
    for payload in [*allowed, {"folder": str(SAMPLE_FOLDER), "backbone": "embedded"}]:
        visitor.require_right(payload)
    for payload in refused:
        with pytest.raises(JobError, match=r"at the computer|only there"):
            visitor.require_right(payload)
    _sit(monkeypatch, None, HERE)
    for payload in allowed + refused:
        visitor.require_right(payload)


@pytest.mark.parametrize("owner", [True, False])
def test_switching_a_model_by_its_folder(app, shop, monkeypatch, owner) -> None:
    """A visitor's box takes names of the list alone, and what is sent around it starts nothing."""
    monkeypatch.setattr(visitor, "is_owner", lambda: owner)
    page = app("../pages/catalogs.py")
    page.button(key=f"switch-{shop.catalogs.list()[0].id}").click().run()
    assert page.selectbox(key="switch-to").proto.accept_new_options is owner
    with nullcontext() if owner else pytest.raises(JobError):
        start_job("encode", "Encode", {"catalog": "Shop", "backbone": "hf-hub:evil/model"}, key="x")
    assert len(JobStore(shop.database).live()) == owner

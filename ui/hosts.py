"""Who may be asked for, and by whose page: keeps a name that is rebound, and foreign pages, from driving the server.

A website can let its own name point to this computer after its page was loaded (DNS rebinding); the request then comes
from the visitor's own browser, with that name as Host. A Host that is an address cannot be rebound, a name can.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS_VARIABLE = "WISHLIGHT_HOSTS"
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]:@/\\?#]+))(?::(?P<port>\d{1,5}))?", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_FOREIGN = "This page may be used from itself only, not from another one. Open it in a tab of its own."


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """Which names and addresses a request may ask for.

    Attributes:
        local: Whether the server listens to this computer only.
        names: Further host names, lower case; "*.example.com" stands for all below it.
    """

    local: bool
    names: tuple[str, ...] = ()

    def allows(self, name: str) -> bool:
        """Whether a host of this name, lower case and without a port, is this server."""
        if name == "localhost" or self.lists(name):
            return True
        address = _parse_address(name)
        if address is None:
            return not self.local and name in _own_names()
        return address.is_loopback or not (self.local or address.is_unspecified)

    def lists(self, name: str) -> bool:
        """Whether the owner has named it."""
        return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in self.names)


def read_rules(address: str | None, listed: str | None = None) -> HostRules:
    """The rules of a server.

    Args:
        address: What it listens on, Streamlit's server.address; None or "" is everything.
        listed: Names with commas between them; None takes the environment's WISHLIGHT_HOSTS.
    """
    listed = os.environ.get(HOSTS_VARIABLE, "") if listed is None else listed
    parsed = [parse_host(one.strip()) for one in listed.split(",")]
    names = [host[0] for host in parsed if host is not None]
    local = is_local_address(address)
    if address and not local and _parse_address(address) is None:
        names.append(address.lower().removesuffix("."))
    return HostRules(local=local, names=tuple(names))


def is_local_address(address: str | None) -> bool:
    """Whether a server that listens there is reached from this computer only."""
    if not address:
        return False
    numbers = _parse_address(address)
    return numbers.is_loopback if numbers else address.lower() == "localhost" or address.startswith("unix:")


def parse_host(text: str) -> tuple[str, int | None] | None:
    """Name or address, lower case, and port of a Host header; None where it is not one."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    name = (found["six"] or found["name"]).lower().removesuffix(".")
    return (name, int(found["port"]) if found["port"] else None) if name else None


class HostGuard:
    """Refuses requests for another host, and WebSockets, uploads and forms of another page."""

    def __init__(self, app: ASGIApp, rules: HostRules | None = None) -> None:
        if rules is None:
            import streamlit as st

            rules = read_rules(st.get_option("server.address"))
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = _find_host(headers.getlist("host"))
        if host is None or not self._rules.allows(host[0]):
            await PlainTextResponse(self._tell(host), status_code=400)(scope, receive, send)
            return
        if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
            if not all(self._is_own(origin, host) for origin in headers.getlist("origin")):
                await PlainTextResponse(_FOREIGN, status_code=403)(scope, receive, send)
                return
            # It has been judged: Streamlit, seeing one that differs from Host, would ask the network for our address.
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"origin"]}
        await self._app(scope, receive, send)

    def _is_own(self, origin: str, host: tuple[str, int | None]) -> bool:
        """Whether a page of this origin is ours: the very host and port that is asked, or a listed name."""
        scheme, _, rest = origin.partition("://")
        named = parse_host(rest)
        if named is None or scheme not in _PORTS:
            return False
        usual = _PORTS[scheme]
        return (named[0], named[1] or usual) == (host[0], host[1] or usual) or self._rules.lists(named[0])

    def _tell(self, host: tuple[str, int | None] | None) -> str:
        if host is None:
            return "The request names no host that can be read. Open the page by its address."
        where = "http://localhost with the port" if self._rules.local else "the computer's address in numbers"
        return (
            f"This server does not answer for the name that was asked for. Open it as {where}; to let it answer for "
            f"a name of yours, start it with {HOSTS_VARIABLE} set to that name."
        )


def _find_host(values: Iterable[str]) -> tuple[str, int | None] | None:
    """The one Host of a request; None where there is none, or several."""
    hosts = list(values)
    return parse_host(hosts[0]) if len(hosts) == 1 else None


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _own_names() -> tuple[str, str]:
    name = socket.gethostname().lower().removesuffix(".")
    return name, f"{name.removesuffix('.local')}.local"

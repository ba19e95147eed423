"""Names that are rebound and pages of others are kept out, over HTTP and WebSocket (issue 12)."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from ui.hosts import HostGuard, parse_host, read_rules

LOCAL = read_rules("localhost", "")
OPEN = read_rules("0.0.0.0", "shop.example, *.Team.example:8443")


def _open(rules) -> TestClient:
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(str(websocket.headers.get("origin")))
        await websocket.close()

    def page(request):
        return PlainTextResponse(str(request.headers.get("origin")))

    routes = [Route("/{path:path}", page, methods=["GET", "PUT", "POST"]), WebSocketRoute("/_stcore/stream", stream)]
    return TestClient(HostGuard(Starlette(routes=routes), rules))


@pytest.mark.parametrize(
    ("host", "local", "reachable"),
    [
        ("localhost", True, True),
        ("LocalHost:8501", True, True),
        ("localhost.:8501", True, True),
        ("127.0.0.1:8501", True, True),
        ("[::1]:8501", True, True),
        ("[::1]", True, True),
        ("evil.test:8501", False, False),
        ("localhost.evil.test", False, False),
        ("127.0.0.1.evil.test", False, False),
        ("localhost@evil.test", False, False),
        ("evil.test#localhost", False, False),
        ("localhost/evil.test", False, False),
        ("localhost:80:80", False, False),
        ("localhost:", False, False),
        ("[localhost]", False, False),
        ("", False, False),
        (".", False, False),
        ("0.0.0.0:8501", False, False),
        ("192.168.1.5:8501", False, True),
        ("[fe80::1]:8501", False, True),
        ("shop.example", False, True),
        ("a.team.example:8443", False, True),
        ("team.example", False, False),
        (f"{socket.gethostname()}:8501", False, True),
    ],
)
def test_hosts(host, local, reachable) -> None:
    for rules, wanted in ((LOCAL, local), (OPEN, reachable)):
        client = _open(rules)
        for ask in (client.get, client.put, client.post):
            assert ask("/_stcore/upload_file/x", headers={"host": host}).status_code == (200 if wanted else 400)
        assert _shake_hands(client, {"host": host}) is wanted


def test_no_host_several_and_what_a_proxy_says() -> None:
    client = _open(LOCAL)
    assert client.get("/", headers=[("host", "localhost"), ("host", "evil.test")]).status_code == 400
    assert client.get("/", headers={"host": "evil.test", "x-forwarded-host": "localhost"}).status_code == 400
    assert client.get("http://evil.test/").status_code == 400
    refused = client.get("/", headers={"host": "evil.test"}).text
    assert "WISHLIGHT_HOSTS" in refused
    assert "evil" not in refused


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("http://LOCALHOST:8501", "localhost:8501", True),
        ("http://localhost", "localhost:80", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("http://localhost:9999", "localhost:8501", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("http://evil.test", "localhost:8501", False),
        ("http://evil.test:8501", "localhost:8501", False),
        ("http://localhost:8501.evil.test", "localhost:8501", False),
        ("http://localhost:8501@evil.test", "localhost:8501", False),
        ("null", "localhost:8501", False),
        ("file://", "localhost:8501", False),
        ("", "localhost:8501", False),
        ("http://[", "localhost:8501", False),
    ],
)
def test_origins(origin, host, own) -> None:
    client = _open(LOCAL)
    headers = {"host": host, "origin": origin}
    assert _shake_hands(client, headers) is own
    for ask in (client.put, client.post):
        assert ask("/_stcore/upload_file/x", headers=headers).status_code == (200 if own else 403)


def test_a_listed_name_before_a_proxy() -> None:
    """The proxy asks by a local name; Streamlit must not see an origin that makes it ask the network."""
    client = _open(OPEN)
    headers = {"host": "localhost:8501", "origin": "https://shop.example"}
    assert _shake_hands(client, headers)
    assert client.post("/", headers=headers).text == "None"


def test_local_addresses() -> None:
    assert [read_rules(one, "").local for one in ("localhost", "127.0.0.1", "::1", "", None, "0.0.0.0", "::")] == [
        *(True, True, True),
        *(False, False, False, False),
    ]
    assert read_rules("Shop.lan", "").allows("shop.lan")
    assert parse_host("[::1]:8501") == ("::1", 8501)


def _shake_hands(client: TestClient, headers: dict[str, str]) -> bool:
    try:
        with client.websocket_connect("/_stcore/stream", headers=headers) as stream:
            return stream.receive_text() == "None"
    except WebSocketDenialResponse:
        return False

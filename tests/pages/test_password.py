"""Nothing is served before the password (issue 12)."""

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.password import COOKIE, SAID, TRIES, TRIES_SECONDS, VISIT_SECONDS, PasswordGuard, read_password

PASSWORD = "pässwörd & 1"
BROWSER = {"accept": "text/html,*/*"}


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def open_guard(clock):
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    routes = [
        Route("/page", lambda _: HTMLResponse("a page", headers={"cache-control": "no-cache"})),
        Route("/{path:path}", lambda _: PlainTextResponse("secret"), methods=["GET", "PUT", "POST"]),
        WebSocketRoute("/_stcore/stream", stream),
    ]

    def make(password: str | None = PASSWORD, address: str = "http://testserver") -> TestClient:
        return TestClient(PasswordGuard(Starlette(routes=routes), password, clock), address, follow_redirects=False)

    return make


@pytest.mark.parametrize("cookie", ["", "x", "ä", "0", "a" * 5000])
def test_nothing_before_the_password(open_guard, cookie) -> None:
    client = open_guard()
    headers = {"cookie": f"{COOKIE}={cookie}".encode()}
    for path in ("/", "/catalogs?x=1", "/media/a.png", "/_stcore/health", "/static/js/x.js", "/sign-out"):
        assert "secret" not in client.get(path, headers=headers).text
        assert client.get(path, headers=headers | BROWSER).status_code == 401
    assert client.put("/_stcore/upload_file/x", headers=headers).status_code == 401
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/_stcore/stream", headers=headers):
        pass


def test_a_visit(open_guard, clock) -> None:
    client = open_guard()
    form = client.get("/why?need=a%20b", headers=BROWSER)
    assert 'type="password"' in form.text
    assert "default-src 'none'" in form.headers["content-security-policy"]
    done = client.post("/why?need=a%20b", data={"password": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/why?need=a%20b")
    assert {"httponly", "samesite=strict"} <= set(done.headers["set-cookie"].lower().split("; "))
    assert client.get("/media/a.png").text == "secret"
    with client.websocket_connect("/_stcore/stream"):
        pass
    kept = client.cookies[COOKIE]
    clock.now += VISIT_SECONDS - 1
    assert client.get("/").text == "secret"
    assert client.get("/sign-out").status_code == 303
    assert client.get("/", headers={"cookie": f"{COOKIE}={kept}"}).status_code == 401, "signing out ends the visit"


@pytest.mark.parametrize(("path", "after"), [("/sign-out", "/"), ("/shop/sign-out", "/shop/")])
def test_signing_in_where_one_signs_out_lasts(open_guard, path, after) -> None:
    client = open_guard()
    done = client.post(path, data={"password": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, after)


def test_a_visit_ends_by_itself(open_guard, clock) -> None:
    client = open_guard()
    client.post("/", data={"password": PASSWORD})
    clock.now += VISIT_SECONDS + 1
    assert client.get("/").status_code == 401


def test_a_wrong_password_leads_back_to_the_form_which_says_so_once(open_guard) -> None:
    """Back and reload in a browser then ask for no password to be sent again."""
    client = open_guard()
    done = client.post("/why?need=a", data={"password": "x"}, headers=BROWSER)
    assert (done.status_code, done.headers["location"]) == (303, "/why?need=a")
    form = client.get("/why?need=a", headers=BROWSER)
    assert form.status_code == 401 and "This is not the password" in form.text
    assert 'aria-invalid="true" aria-describedby="said"' in form.text and '<p id="said">' in form.text
    again = client.get("/why?need=a", headers=BROWSER).text
    assert "This is not" not in again and "aria-invalid" not in again


def test_the_form_says_only_its_own_sentences(open_guard) -> None:
    form = open_guard().get("/", headers=BROWSER | {"cookie": f"{SAID}=<b>call 555</b>"})
    assert form.status_code == 401 and "555" not in form.text


def test_no_browser_keeps_a_page(open_guard) -> None:
    client = open_guard()
    client.post("/", data={"password": PASSWORD})
    assert client.get("/page").headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/static/js/x.js").headers


@pytest.mark.parametrize("how", ["sign-out", "time"])
def test_an_open_page_ends_with_its_visit(open_guard, clock, how) -> None:
    client = open_guard()
    with client:
        client.post("/", data={"password": PASSWORD})
        with client.websocket_connect("/_stcore/stream") as socket:
            socket.send_text("x")
            assert socket.receive_text() == "x"
            if how == "sign-out":
                client.get("/sign-out")
            else:
                clock.now += VISIT_SECONDS + 1
                socket.send_text("x")
            with pytest.raises(WebSocketDisconnect) as ended:
                socket.receive_text()
    assert ended.value.code == 1008


@pytest.mark.parametrize("typed", ["", "pässwörd", "PÄSSWÖRD & 1", PASSWORD + " ", "\x00", "x" * 5000, "\udcff"])
def test_wrong_passwords(open_guard, typed) -> None:
    client = open_guard()
    body = b"password=" + typed.encode("utf-8", "surrogateescape").hex(" ").replace(" ", "%").encode()
    for content in (body, typed.encode("utf-8", "surrogateescape")):
        assert client.post("/", content=content).status_code == 401
    assert client.get("/").status_code == 401


def test_the_same_password_from_another_keyboard(open_guard) -> None:
    assert open_guard().post("/", data={"password": "pa\u0308sswo\u0308rd & 1"}).status_code == 303


def test_guessing_is_slowed_down(open_guard, clock) -> None:
    client = open_guard()
    answers = [client.post("/", data={"password": f"guess {number}"}).status_code for number in range(TRIES + 2)]
    assert answers == [401] * TRIES + [429, 429]
    assert client.post("/", data={"password": PASSWORD}).status_code == 429
    assert client.post("/", data={"password": PASSWORD}, headers=BROWSER).status_code == 303
    form = client.get("/", headers=BROWSER)
    assert form.status_code == 429 and form.headers["retry-after"] and "Too many" in form.text
    clock.now += TRIES_SECONDS + 1
    assert client.post("/", data={"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("path", ["//evil.test/x", "/%5Cevil.test", "///evil.test"])
def test_the_form_leads_nowhere_else(open_guard, path) -> None:
    done = open_guard().post("http://testserver" + path, data={"password": PASSWORD})
    assert done.status_code == 303
    assert not done.headers["location"].startswith(("//", "/\\", "http"))


def test_secure_where_the_page_is(open_guard) -> None:
    done = open_guard(address="https://testserver").post("/", data={"password": PASSWORD})
    assert "secure" in done.headers["set-cookie"].lower()


def test_no_password_no_form(open_guard) -> None:
    assert open_guard(None).get("/").text == "secret"


def test_an_empty_password_is_none(monkeypatch) -> None:
    monkeypatch.delenv("WISHLIGHT_PASSWORD", raising=False)
    assert read_password() is None
    monkeypatch.setenv("WISHLIGHT_PASSWORD", " ")
    with pytest.raises(SystemExit, match="set and empty"):
        read_password()

"""One password before everything, where WISHLIGHT_PASSWORD is set: no page, picture, upload or socket without it."""

import hashlib
import hmac
import os
import secrets
import time
import unicodedata
from collections.abc import Callable
from urllib.parse import parse_qs, quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PASSWORD_VARIABLE = "WISHLIGHT_PASSWORD"  # noqa: S105 - its name, not a password
#: Path, below wherever the server is mounted, that ends a visit.
SIGN_OUT = "sign-out"
COOKIE = "wishlight_session"
VISIT_SECONDS = 12 * 3600
TRIES, TRIES_SECONDS = 10, 60.0
_FORM_BYTES = 4096
#: Why a socket is closed (RFC 6455, 7.4.1): what it says is against the policy.
_POLICY = 1008
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
_FORM = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Sign in · Wishlight</title><style>
:root {{ color-scheme: light dark; --ground: #fff; --ink: #161b26; --line: #767f90; --act: #0f62fe; --bad: #b3261e }}
@media (prefers-color-scheme: dark) {{ :root {{ --ground: #10141c; --ink: #e9edf4; --bad: #ffb4ab }} }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }}
main {{ max-width: 22rem; margin: 18vh auto 0; padding: 0 1.25rem }}
input, button {{ box-sizing: border-box; width: 100%; padding: .6rem .75rem; font: inherit; border-radius: .6rem }}
input {{ margin: .25rem 0 1rem; background: var(--ground); color: var(--ink); border: 1px solid var(--line) }}
button {{ border: 0; background: var(--act); color: #fff; cursor: pointer }}
p {{ color: var(--bad) }}
</style></head><body><main><h1>Wishlight</h1>
<form method="post"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button></form><p role="alert">{said}</p></main></body></html>"""


def read_password() -> str | None:
    """The password that the environment sets; None where it sets none.

    Raises:
        SystemExit: It is set and empty, which would keep nobody out.
    """
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is not None and not password.strip():
        raise SystemExit(f"{PASSWORD_VARIABLE} is set and empty. Give it a password, or unset it to go without one.")
    return password


class PasswordGuard:
    """Lets in who has signed in.

    Visits are kept in memory alone: signing out ends one at once, and a restart ends all.
    """

    def __init__(self, app: ASGIApp, password: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._digest = None if password is None else _digest(password)
        self._visits: dict[str, float] = {}
        self._wrong: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._digest is None or scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        visit = _name(HTTPConnection(scope).cookies.get(COOKIE, ""))
        known = self._visits.get(visit, 0.0) > self._clock()
        if known and not (scope["type"] == "http" and scope["path"].rsplit("/", 1)[-1] == SIGN_OUT):
            await self._app(scope, self._until_end(visit, receive) if scope["type"] == "websocket" else receive, send)
            return
        response = self._sign_out(visit) if known else await self._receive_stranger(scope, receive)
        await response(scope, receive, send)

    def _until_end(self, visit: str, receive: Receive) -> Receive:
        """What a page says on its socket while its visit lasts; other tabs keep theirs open when one signs out."""

        async def receive_or_leave() -> Message:
            message = await receive()
            lasts = self._visits.get(visit, 0.0) > self._clock()
            return message if lasts else {"type": "websocket.disconnect", "code": _POLICY}

        return receive_or_leave

    async def _receive_stranger(self, scope: Scope, receive: Receive) -> Response:
        if scope["type"] == "http" and scope["method"] == "POST":
            return await self._sign_in(Request(scope, receive))
        accepts = HTTPConnection(scope).headers.get("accept", "")
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accepts:
            return _draw_form("", 401)
        return PlainTextResponse("Sign in first: open this server's page in a browser.", 401, headers=_HEADERS)

    async def _sign_in(self, request: Request) -> Response:
        now = self._clock()
        self._wrong = [moment for moment in self._wrong if now - moment < TRIES_SECONDS]
        if len(self._wrong) >= TRIES:
            return _draw_form("Too many wrong passwords. Wait a minute, then try again.", 429)
        typed = await _read_form(request)
        if typed is None:
            return _draw_form("Type the password.", 401)
        if self._digest is None or not hmac.compare_digest(_digest(typed), self._digest):
            self._wrong.append(now)
            return _draw_form("This is not the password. Try again.", 401)
        self._visits = {name: until for name, until in self._visits.items() if until > now}
        token = secrets.token_urlsafe(32)
        self._visits[_name(token)] = now + VISIT_SECONDS
        response = RedirectResponse(_own_address(request), 303, headers={"Cache-Control": "no-store"})
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, token, max_age=VISIT_SECONDS, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return response

    def _sign_out(self, visit: str) -> Response:
        self._visits.pop(visit, None)
        response = RedirectResponse("./", 303, headers={"Cache-Control": "no-store"})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response


def _draw_form(said: str, status: int) -> Response:
    headers = _HEADERS | ({"Retry-After": str(int(TRIES_SECONDS))} if status == 429 else {})
    return HTMLResponse(_FORM.format(said=said), status, headers=headers)


async def _read_form(request: Request) -> str | None:
    """What stands in the form's field; None where the body is too long or no form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            return None
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=10).get("password", [None])[0]
    except ValueError:
        return None


def _own_address(request: Request) -> str:
    """Where the form was, below this server whatever the path looks like."""
    path = "/" + quote(request.url.path.lstrip("/\\"), safe="/")
    return f"{path}?{request.url.query}" if request.url.query else path


def _digest(text: str) -> bytes:
    """Equal length for every text; an accent is the same however a keyboard writes it."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")).digest()


def _name(token: str) -> str:
    """What a visit is kept under: finding it tells nothing of the token by its time."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

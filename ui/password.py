"""One password before everything, where WISHLIGHT_PASSWORD is set: no page, picture, upload or socket without it."""

import asyncio
import hashlib
import hmac
import os
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PASSWORD_VARIABLE = "WISHLIGHT_PASSWORD"  # noqa: S105 - its name, not a password
#: Path, below wherever the server is mounted, that ends a visit.
SIGN_OUT = "sign-out"
COOKIE = "wishlight_session"
#: What the form says next. A page of its own for it, and going back to that would ask to send the password again.
SAID = "wishlight_said"
VISIT_SECONDS = 12 * 3600
TRIES, TRIES_SECONDS = 10, 60.0
_FORM_BYTES = 4096
_SAYINGS = {
    "wrong": "This is not the password. Try again.",
    "unread": "Type the password.",
    "many": "Too many wrong passwords. Wait a minute, then try again.",
}
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
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus{state}>
<button>Sign in</button></form>{said}</main></body></html>"""


def read_password() -> str | None:
    """The password that the environment sets; None where it sets none.

    Raises:
        SystemExit: It is set and empty, which would keep nobody out.
    """
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is not None and not password.strip():
        raise SystemExit(f"{PASSWORD_VARIABLE} is set and empty. Give it a password, or unset it to go without one.")
    return password


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    until: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class PasswordGuard:
    """Lets in who has signed in.

    Visits are kept in memory alone: signing out ends one at once in all its windows, and a restart ends all.
    """

    def __init__(self, app: ASGIApp, password: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._digest = None if password is None else _digest(password)
        self._visits: dict[str, _Visit] = {}
        self._wrong: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._digest is None or scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name = _name(HTTPConnection(scope).cookies.get(COOKIE, ""))
        visit = self._visits.get(name)
        if visit is None or visit.until <= self._clock():
            response = await self._receive_stranger(scope, receive)
        elif scope["type"] == "websocket":
            await self._serve_socket(visit, scope, receive, send)
            return
        elif scope["path"].rsplit("/", 1)[-1] != SIGN_OUT:
            await self._app(scope, receive, _keep_no_page(send))
            return
        else:
            response = self._sign_out(name)
        await response(scope, receive, send)

    async def _serve_socket(self, visit: _Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """An open page's socket, as long as the visit lasts and no longer."""
        over = False

        async def receive_or_end() -> Message:
            nonlocal over
            message, end = asyncio.ensure_future(receive()), asyncio.ensure_future(visit.ended.wait())
            try:
                left = max(visit.until - self._clock(), 0.0)
                await asyncio.wait((message, end), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if message.done() and not end.done() and self._clock() < visit.until:
                    return message.result()
            finally:
                message.cancel()
                end.cancel()
            over = True
            await send({"type": "websocket.close", "code": 1008, "reason": "Sign in again."})
            return {"type": "websocket.disconnect", "code": 1008}

        async def send_or_drop(message: Message) -> None:
            if not over:
                await send(message)

        await self._app(scope, receive_or_end, send_or_drop)

    async def _receive_stranger(self, scope: Scope, receive: Receive) -> Response:
        if scope["type"] == "http" and scope["method"] == "POST":
            return await self._sign_in(Request(scope, receive))
        accepts = HTTPConnection(scope).headers.get("accept", "")
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accepts:
            return _draw_form(HTTPConnection(scope).cookies.get(SAID, ""))
        return PlainTextResponse("Sign in first: open this server's page in a browser.", 401, headers=_HEADERS)

    async def _sign_in(self, request: Request) -> Response:
        now = self._clock()
        self._wrong = [moment for moment in self._wrong if now - moment < TRIES_SECONDS]
        if len(self._wrong) >= TRIES:
            return _refuse(request, "many")
        typed = await _read_form(request)
        if typed is None:
            return _refuse(request, "unread")
        if self._digest is None or not hmac.compare_digest(_digest(typed), self._digest):
            self._wrong.append(now)
            return _refuse(request, "wrong")
        self._visits = {name: visit for name, visit in self._visits.items() if visit.until > now}
        token = secrets.token_urlsafe(32)
        self._visits[_name(token)] = _Visit(now + VISIT_SECONDS)
        response = RedirectResponse(_own_address(request), 303, headers={"Cache-Control": "no-store"})
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, token, max_age=VISIT_SECONDS, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return response

    def _sign_out(self, name: str) -> Response:
        self._visits.pop(name).ended.set()
        response = RedirectResponse("./", 303, headers={"Cache-Control": "no-store"})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response


def _keep_no_page(send: Send) -> Send:
    """No browser keeps a page, so that Back after signing out asks for the password."""

    async def send_unkept(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_unkept


def _draw_form(said: str) -> Response:
    """The form; what it says belongs to its field, which has the focus, so that a screen reader reads it there."""
    sentence = _SAYINGS.get(said, "")
    state = ' aria-invalid="true" aria-describedby="said"' if sentence else ""
    form = _FORM.format(state=state, said=f'<p id="said">{sentence}</p>' if sentence else "")
    response = HTMLResponse(form, _status(said), headers=_HEADERS | _wait(said))
    if said:
        response.delete_cookie(SAID, path="/", httponly=True, samesite="strict")
    return response


def _refuse(request: Request, said: str) -> Response:
    """Back to the form, as a page that a browser can go back to and reload; whatever is no browser hears it at once."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(_SAYINGS[said], _status(said), headers=_HEADERS | _wait(said))
    response = RedirectResponse(_own_address(request), 303, headers={"Cache-Control": "no-store"})
    response.set_cookie(SAID, said, max_age=int(TRIES_SECONDS), path="/", httponly=True, samesite="strict")
    return response


def _status(said: str) -> int:
    return 429 if said == "many" else 401


def _wait(said: str) -> dict[str, str]:
    return {"Retry-After": str(int(TRIES_SECONDS))} if said == "many" else {}


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
    """Where the form was, below this server whatever the path looks like, but not where one signs out again."""
    path = "/" + quote(request.url.path.lstrip("/\\"), safe="/")
    folder, _, last = path.rpartition("/")
    path = f"{folder}/" if last == SIGN_OUT else path
    return f"{path}?{request.url.query}" if request.url.query else path


def _digest(text: str) -> bytes:
    """Equal length for every text; an accent is the same however a keyboard writes it."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")).digest()


def _name(token: str) -> str:
    """What a visit is kept under: finding it tells nothing of the token by its time."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

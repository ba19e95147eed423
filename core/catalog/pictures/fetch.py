"""Pictures from the web, fetched so that a catalogue cannot make this machine call its own network.

Every name is resolved here, every address it resolves to must be public, and the connection goes to the very address
that was checked; this holds for each redirect. Proxies from the environment are not used, since they would resolve
names themselves.
"""

import random
import time
import zlib
from collections.abc import Callable
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from core.catalog.pictures.network import (
    TRANSPORT_ERRORS,
    Address,
    Deadline,
    GuardedBackend,
    GuardedTransport,
    is_public_address,
)
from core.catalog.pictures.normalise import MAX_BYTES, file_too_large
from core.errors import PictureError

ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})
MAX_REDIRECTS = 5
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
TOTAL_SECONDS = 30.0
ATTEMPTS = 3
MAX_RETRY_WAIT_SECONDS = 8.0
CONNECTIONS = 8
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS = {"User-Agent": "Wishlight/0.1 (catalogue import)", "Accept": "image/*", "Accept-Encoding": "identity"}


class PictureFetcher:
    """Fetches pictures over http(s); safe to use from several threads.

    Args:
        is_allowed: Decides on an address; tests put their own here.
        ports: Ports that may be called; None allows all.
        sleep: Waits between attempts, seconds.
    """

    def __init__(
        self,
        *,
        is_allowed: Callable[[Address], bool] = is_public_address,
        ports: frozenset[int] | None = ALLOWED_PORTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ports = ports
        self._sleep = sleep
        self._deadline = Deadline()
        self._client = httpx.Client(
            transport=GuardedTransport(GuardedBackend(is_allowed, self._deadline), connections=CONNECTIONS),
            headers=_HEADERS,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=TOTAL_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> "PictureFetcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def fetch(self, url: str) -> bytes:
        """The bytes behind an address.

        Raises:
            PictureError: With code bad_url, private_address, unreachable, http_error, not_a_picture, too_large, svg,
                damaged or too_slow.
        """
        self._deadline.set(TOTAL_SECONDS)
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                return self._follow(url)
            except _RetryLater as exc:
                if last:
                    raise PictureError("http_error", str(exc)) from exc
                wait = exc.wait
            except (httpx.InvalidURL, UnicodeError) as exc:  # a host name that is none; idna's errors are UnicodeErrors
                raise _bad_url() from exc
            except (httpx.HTTPError, *TRANSPORT_ERRORS) as exc:
                if self._deadline.left() <= 0:
                    raise _too_slow() from exc
                if last:
                    raise _unreachable(url) from exc
                wait = None
            backoff = 0.5 * 2**attempt * (1 + random.random())  # noqa: S311 - spreads retries, guards nothing
            self._sleep(min(wait if wait is not None else backoff, MAX_RETRY_WAIT_SECONDS))
        raise _unreachable(url)

    def _follow(self, url: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            self._check_url(url)
            with self._client.stream("GET", url) as response:
                if response.next_request is not None:
                    url = str(response.next_request.url)
                    continue
                _check_response(response)
                return self._read(response)
        raise PictureError("http_error", "The address redirects too often. Give the picture's final address.")

    def _read(self, response: httpx.Response) -> bytes:
        unpack = _choose_unpacker(response.headers.get("content-encoding", ""))
        data = bytearray()
        for chunk in response.iter_raw():
            data += unpack(chunk, MAX_BYTES + 1 - len(data))
            if len(data) > MAX_BYTES:
                raise file_too_large()
            if self._deadline.left() <= 0:
                raise _too_slow()
        return bytes(data)

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as exc:
            raise _bad_url() from exc
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise _bad_url()
        if self._ports is not None and port not in self._ports:
            raise PictureError("bad_url", f"Port {port} is not called. Serve the picture on the usual web ports.")


class _RetryLater(Exception):  # noqa: N818 - control flow, never seen by a person
    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(message)
        self.wait = wait


def _check_response(response: httpx.Response) -> None:
    if response.status_code in _RETRIED:
        wait = response.headers.get("retry-after", "")
        raise _RetryLater(
            f"The server answered {response.status_code}. Try again later.", float(wait) if _is_number(wait) else None
        )
    if response.status_code != 200:
        raise PictureError("http_error", f"The server answered {response.status_code}. Check the address.")
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind.startswith("image/svg"):
        raise PictureError("svg", "SVG drawings are not supported. Give the address of a PNG or JPEG.")
    if kind and not kind.startswith("image/") and kind not in ("application/octet-stream", "binary/octet-stream"):
        raise PictureError("not_a_picture", f"The server sent {kind}, not a picture. Give the picture's own address.")
    length = response.headers.get("content-length", "")
    if _is_number(length) and int(length) > MAX_BYTES:
        raise file_too_large()


def _choose_unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    """A function from bytes of the wire and the most that is wanted to bytes of the file.

    Nothing packed is asked for. One layer is undone for servers that pack all the same; several are a bomb's.
    """
    known = {"gzip": 31, "x-gzip": 31, "deflate": 15}
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda chunk, _most: chunk
    if name not in known:
        raise _packed_oddly()
    unpacker = zlib.decompressobj(known[name])

    def unpack(chunk: bytes, most: int) -> bytes:
        try:
            return unpacker.decompress(chunk, most)
        except zlib.error as exc:
            raise _packed_oddly() from exc

    return unpack


def _is_number(text: str) -> bool:
    """Whether a header holds a plain number; "²" is a digit and none."""
    return text.isascii() and text.isdecimal() and len(text) < 16


def _bad_url() -> PictureError:
    return PictureError("bad_url", "This is not an http or https address. Give the picture's full web address.")


def _packed_oddly() -> PictureError:
    return PictureError("damaged", "The server packed the picture in a way that cannot be unpacked. Save it as a file.")


def _too_slow() -> PictureError:
    return PictureError("too_slow", f"The picture took more than {TOTAL_SECONDS:.0f} seconds. Try again later.")


def _unreachable(url: str) -> PictureError:
    host = urlsplit(url).hostname or url
    return PictureError("unreachable", f"{host[:80]} cannot be reached. Check the address and the network.")

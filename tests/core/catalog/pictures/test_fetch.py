import gzip
import ipaddress
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.catalog.pictures import fetch
from core.catalog.pictures.fetch import PictureFetcher
from core.catalog.pictures.network import is_public_address
from core.errors import PictureError


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("0.0.0.0", False), ("100.64.0.1", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("ff02::1", False),
        ("fec0::1", False), ("3fff::1", False), ("5f00::1", False), ("100:0:0:1::1", False), ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False), ("192.88.99.1", False), ("2001:470:1::5efe:10.0.0.1", False),
        ("2606:2800::200:5efe:127.0.0.1", False), ("64:ff9b::5db8:d822", True),
    ],
)  # fmt: skip
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public_address(ipaddress.ip_address(address)) is public


def _pack(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = gzip.compress(data)
    return data


_ENCODED = {
    "gzip": gzip.compress(b"picture"),
    "deflate": zlib.compress(b"picture"),
    "identity": b"picture",
    "GZIP": gzip.compress(b"picture"),
    "x-gzip": _pack(bytes(50_000_000), 1),
    "gzip, gzip": _pack(bytes(50_000_000), 2),
    "gzip, gzip, gzip": _pack(bytes(50_000_000), 3),
    "br": b"x",
}


class _Handler(BaseHTTPRequestHandler):
    flaky = 0

    def do_GET(self) -> None:
        port = self.server.server_address[1]
        if self.path == "/ok":
            self._send(200, b"picture", "image/png")
        elif self.path == "/hop":
            self._send(302, b"", "text/plain", location=f"http://127.0.0.1:{port}/ok")
        elif self.path == "/inside":
            self._send(302, b"", "text/plain", location=f"http://127.0.0.2:{port}/ok")
        elif self.path == "/file":
            self._send(302, b"", "text/plain", location="file:///etc/passwd")
        elif self.path == "/loop":
            self._send(302, b"", "text/plain", location="/loop")
        elif self.path == "/page":
            self._send(200, b"<html>", "text/html; charset=utf-8")
        elif self.path == "/packed":
            self._send(200, b"no gzip", "image/png", extra={"Content-Encoding": "gzip"})
        elif self.path.startswith("/encoded/"):
            name = self.path.removeprefix("/encoded/").replace("+", ", ")
            self._send(200, _ENCODED[name], "image/png", extra={"Content-Encoding": name})
        elif self.path == "/drip-head":
            self._drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n")
        elif self.path == "/drip-body":
            self._drip(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", b"x")
        elif self.path == "/drip-hops":
            time.sleep(0.1)
            self._send(302, b"", "text/plain", location="/drip-hops")
        elif self.path == "/odd":
            self._send(302, b"", "text/plain", location="http://xn--/x.png")
        elif self.path == "/later":
            self._send(503, b"", "text/plain", retry="\u00b2")
        elif self.path == "/length":
            self._send(200, b"x", "image/png", extra={"Content-Length": "\u00b2"})
        elif self.path == "/svg":
            self._send(200, b"<svg/>", "image/svg+xml")
        elif self.path == "/endless":
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            try:
                for _ in range(64):
                    self.wfile.write(b"x" * 1024)
            except OSError:
                return
        elif self.path == "/flaky" and type(self).flaky < 2:
            type(self).flaky += 1
            self._send(503, b"", "text/plain", retry="3")
        elif self.path == "/flaky":
            self._send(200, b"at last", "image/png")
        else:
            self._send(404, b"", "text/plain")

    def _drip(self, head: bytes, piece: bytes) -> None:
        try:
            self.wfile.write(head)
            for _ in range(100):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str,
        *,
        location: str = "",
        retry: str = "",
        extra: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | (extra or {})).items():
            self.send_header(name, value)
        if location:
            self.send_header("Location", location)
        if retry:
            self.send_header("Retry-After", retry)
        with suppress(OSError):  # the client has given up
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetcher(waits: list[float]) -> Iterator[PictureFetcher]:
    only_this = ipaddress.ip_address("127.0.0.1")
    with PictureFetcher(is_allowed=lambda address: address == only_this, ports=None, sleep=waits.append) as opened:
        yield opened


def test_fetches_and_follows_redirects(fetcher: PictureFetcher, server: str) -> None:
    assert fetcher.fetch(f"{server}/ok") == b"picture"
    assert fetcher.fetch(f"{server}/hop") == b"picture"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/inside", "private_address"),
        ("/file", "bad_url"),
        ("/loop", "http_error"),
        ("/page", "not_a_picture"),
        ("/svg", "svg"),
        ("/packed", "damaged"),
        ("/odd", "bad_url"),
        ("/later", "http_error"),
        ("/length", "unreachable"),
        ("/none", "http_error"),
    ],
)
def test_says_why_an_address_gives_no_picture(fetcher: PictureFetcher, server: str, path: str, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        fetcher.fetch(server + path)
    assert caught.value.code == code


def test_stops_reading_at_the_limit(fetcher: PictureFetcher, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 10_000)
    with pytest.raises(PictureError) as caught:
        fetcher.fetch(f"{server}/endless")
    assert caught.value.code == "too_large"


def test_tries_again_when_the_server_asks(
    fetcher: PictureFetcher, server: str, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Handler, "flaky", 0)
    assert fetcher.fetch(f"{server}/flaky") == b"at last"
    assert waits == [3.0, 3.0]


def test_the_real_guard_refuses_this_machine(server: str) -> None:
    port = server.rsplit(":", 1)[1]
    with PictureFetcher(ports=None, sleep=lambda _: None) as guarded:
        for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1"):
            with pytest.raises(PictureError) as caught:
                guarded.fetch(f"http://{host}:{port}/ok")
            assert caught.value.code in ("private_address", "unreachable"), host


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "http://",
        "http://u:p@a/b",
        "http://a:22/b",
        "http://a:x/",
        "//a/b",
        "http://xn--/x.png",
        "http://\udcff.example/",
    ],
)
def test_strange_addresses_are_not_called(url: str) -> None:
    with PictureFetcher(sleep=lambda _: None) as guarded, pytest.raises(PictureError) as caught:
        guarded.fetch(url)
    assert caught.value.code == "bad_url"


def test_an_unreachable_host_is_said(fetcher: PictureFetcher) -> None:
    with pytest.raises(PictureError) as caught:
        fetcher.fetch("http://127.0.0.1:9/ok")
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("name", ["gzip", "deflate", "identity", "GZIP"])
def test_one_layer_of_packing_is_undone(fetcher: PictureFetcher, server: str, name: str) -> None:
    assert fetcher.fetch(f"{server}/encoded/{name}") == b"picture"


@pytest.mark.parametrize(
    ("name", "code"),
    [("x-gzip", "too_large"), ("gzip+gzip", "damaged"), ("gzip+gzip+gzip", "damaged"), ("br", "damaged")],
)
def test_a_packed_bomb_takes_no_memory(fetcher: PictureFetcher, server: str, name: str, code: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PictureError) as caught:
            fetcher.fetch(f"{server}/encoded/{name}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == code
    assert peak < 3 * fetch.MAX_BYTES


@pytest.mark.parametrize("path", ["/drip-head", "/drip-body", "/drip-hops"])
def test_the_deadline_holds_for_all_of_a_fetch(
    fetcher: PictureFetcher, server: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(PictureError) as caught:
        fetcher.fetch(server + path)
    assert caught.value.code == "too_slow"
    assert time.monotonic() - started < 1.5

"""Connections to public addresses only, none of which outlasts its deadline."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from core.errors import PictureError

#: What a connection may fail with.
TRANSPORT_ERRORS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: All that is given out to the public; what Python calls global beside it are leftovers such as fec0::/10.
_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_RELAYS = ipaddress.ip_network("192.88.99.0/24")
#: A cloud's own server behind a public number: it hands out settings and keys of the machine.
_CLOUD = ipaddress.ip_address("168.63.129.16")
#: The middle of an address that carries another one of 32 bits behind it (ISATAP).
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public_address(address: Address) -> bool:
    """Whether an address belongs to the public internet, looking through addresses that embed another."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in _NAT64 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded:
            return is_public_address(embedded)
        if address not in _UNICAST or address in _DOCUMENTATION:
            return False
    elif address == _CLOUD or address in _RELAYS:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class Deadline(threading.local):
    """When a thread's fetch must have ended; every thread has its own."""

    def __init__(self) -> None:
        self._at = float("inf")

    def set(self, seconds: float) -> None:
        """Let it be so many seconds from now."""
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; not above 0 when it has passed."""
        return self._at - time.monotonic()

    def bound(self, timeout: float | None, late: type[Exception]) -> float:
        """What may be waited for one answer.

        Raises:
            Exception: `late`, when the deadline has passed.
        """
        left = self.left()
        if left <= 0:
            raise late("the deadline has passed")
        return left if timeout is None else min(timeout, left)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that were resolved and checked here.

    Args:
        is_allowed: Decides on an address.
        deadline: Holds for whatever is waited for: a server may send a byte now and then for ever.
    """

    def __init__(self, is_allowed: Callable[[Address], bool], deadline: Deadline) -> None:
        self._is_allowed = is_allowed
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses, all of which must be allowed.

        Raises:
            PictureError: One of them is not.
        """
        addresses = _resolve(host, port)
        if not all(self._is_allowed(address) for address in addresses):
            raise PictureError(
                "private_address", "The address leads into a private network and is not called. Use a public one."
            )
        timeout = self._deadline.bound(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)
        return _BoundStream(stream, self._deadline)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Never.

        Raises:
            PictureError: Always.
        """
        raise PictureError("private_address", f"The local socket {path} is not called.")

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._inner.sleep(seconds)


class _BoundStream(httpcore.NetworkStream):
    """A connection on which nothing is waited for beyond the deadline of the thread that waits."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.bound(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.bound(timeout, httpcore.ConnectTimeout)
        return _BoundStream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedTransport(httpx.BaseTransport):
    """Sends requests over connections of a backend of ours; httpx's own transport has no public place for one.

    Args:
        backend: Makes the connections.
        connections: At most so many at a time.
    """

    def __init__(self, backend: httpcore.NetworkBackend, *, connections: int) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=connections,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            PictureError: The address may not be called.
            httpcore.NetworkError: And others of `TRANSPORT_ERRORS`; they are not made into httpx's.
        """
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_AnswerStream(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _AnswerStream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise httpcore.ConnectError(f"{host} is not known") from exc
    return [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]

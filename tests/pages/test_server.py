"""The real server, attacked from this computer: names, origins, the password, and whom it asks (issue 12)."""

import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin

from core.home import HOME_VARIABLE
from tests.conftest import ROOT
from tests.recording import Recording

pytestmark = pytest.mark.slow

PASSWORD = "open sesame"


@dataclass(frozen=True)
class _Server:
    port: int
    recording: Recording
    log: Path

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": f"localhost:{self.port}"} | named)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}

    def send(self, request: str) -> int:
        """Send bytes that no client library would, and read the status."""
        with socket.create_connection(("localhost", self.port), 20) as connection:
            connection.sendall(request.replace("\n", "\r\n").encode())
            return int(connection.recv(64).split()[1])

    def sign_in(self) -> str:
        form = urlencode({"password": PASSWORD})
        kind = "application/x-www-form-urlencoded"
        status, _, headers = self.ask("POST", "/", form, Content_Type=kind, Origin=f"http://localhost:{self.port}")
        assert status == 303
        return headers["set-cookie"].split(";")[0]

    def shake_hands(self, origin: str, cookie: str = "", host: str = "localhost") -> int:
        """The status of a WebSocket's handshake, 101 where it opens."""
        lines = [
            "GET /_stcore/stream HTTP/1.1", f"Host: {host}:{self.port}", f"Origin: {origin}", f"Cookie: {cookie}",
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
        ]  # fmt: skip
        return self.send("\n".join(lines))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Server]:
    folder = tmp_path_factory.mktemp("server")
    recording = Recording(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = recording.environment | {
        HOME_VARIABLE: str(folder / "home"),
        "WISHLIGHT_PASSWORD": PASSWORD,
        "STREAMLIT_SERVER_HEADLESS": "true",
    }
    log = folder / "log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
    server = _Server(port, recording, log)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_nothing_before_the_password(server) -> None:
    for path in ("/", "/catalogs", "/media/x.png", "/_stcore/health", "/_stcore/host-config", "/static/x.js"):
        assert server.ask("GET", path)[0] == 401
    assert server.ask("PUT", "/_stcore/upload_file/x/y", "body")[0] == 401
    assert server.shake_hands(f"http://localhost:{server.port}") == 401
    status, form, headers = server.ask("GET", "/", Accept="text/html")
    assert (status, 'type="password"' in form) == (401, True)
    assert headers["x-content-type-options"] == "nosniff"


def test_names_and_origins(server) -> None:
    cookie = server.sign_in()
    own = f"http://localhost:{server.port}"
    assert server.shake_hands(own, cookie) == 101
    assert server.shake_hands(own, cookie, host="evil.test") == 400
    for origin in ("http://localhost:9999", "http://evil.test", f"http://evil.test:{server.port}", "null"):
        assert server.shake_hands(origin, cookie) == 403
        assert server.ask("PUT", "/_stcore/upload_file/x/y", "body", Origin=origin, Cookie=cookie)[0] == 403
    evil = f"http://evil.test:{server.port}"
    assert server.shake_hands(evil, cookie, host="evil.test") == 400
    for path in ("/", "/_stcore/health", "/media/x.png", "/static/x.js"):
        assert server.ask("GET", path, Host="evil.test", Cookie=cookie)[0] == 400
    for host in (f"127.0.0.1:{server.port}", f"[::1]:{server.port}", f"LOCALHOST.:{server.port}"):
        assert server.ask("GET", "/_stcore/health", Host=host, Cookie=cookie)[0] == 200
    assert server.send("GET / HTTP/1.1\nConnection: close\n\n") == 400
    assert server.send("GET / HTTP/1.1\nHost: localhost\nHost: evil.test\n\n") == 400
    assert server.send("GET http://evil.test/ HTTP/1.1\nHost: evil.test\n\n") == 400


def test_a_page_asks_nobody(server) -> None:
    """Every attack above and a page drawn to its end: no name was asked for, nothing was left with the user."""
    headers = {"Cookie": server.sign_in()}
    address = f"ws://localhost:{server.port}/_stcore/stream"
    with connect(address, origin=Origin(f"http://localhost:{server.port}"), additional_headers=headers) as stream:
        stream.send(BackMsg(rerun_script={"query_string": ""}).SerializeToString())
        drawn = b""
        message = ForwardMsg()
        while message.WhichOneof("type") != "script_finished":
            data = stream.recv(timeout=60)
            message.ParseFromString(data)
            drawn += data
    assert b"Suggestions" in drawn
    assert b"Sign out" in drawn
    assert server.recording.asked() == []
    assert server.recording.left() == []
    assert not re.search(r"Traceback|checkip", server.log.read_text())


def test_a_server_for_others_does_not_ask_for_its_own_address(tmp_path) -> None:
    recording = Recording(tmp_path)
    code = (
        "from streamlit import config; from streamlit.web import bootstrap; config.get_config_options(); "
        "config.set_option('server.address', '0.0.0.0'); config.set_option('server.headless', True); "
        "bootstrap._print_url(False)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=recording.environment, check=True)
    assert recording.asked() == []


def test_an_empty_password_starts_nothing(tmp_path) -> None:
    environment = Recording(tmp_path).environment | {"WISHLIGHT_PASSWORD": ""}
    done = subprocess.run(
        [sys.executable, "-c", "import app"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "set and empty" in done.stderr
    assert "Traceback" not in done.stderr


def _wait(server: _Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert process.poll() is None, server.log.read_text()
        try:
            server.ask("GET", "/")
            return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("the server did not start")

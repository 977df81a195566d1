"""Sockets and streams on real servers: the client sees the right code, or that the rest is missing, and soon enough."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conformance.client import ClosedError
from tests.conformance.sockets import Connection
from tests.outliving_app import SOON
from tests.servers import serve

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

#: Three that share no code.
SERVERS: Final = ("uvicorn-httptools", "hypercorn", "daphne")

#: Seconds that anything may take on a busy machine, and fewer than the 15 after which nobody needs to be told.
PATIENCE: Final = 14.0
_TEXT, _CLOSE = 1, 8
_UPGRADE: Final = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param, "tests.outliving_app:app") as running:
        yield running


@pytest.fixture
def cookie(server: Server) -> str:
    """Sign somebody in, and return the cookie."""
    found: str = str(ask(server, "/in").header("Set-Cookie")).partition(";")[0]
    return found


def request(server: Server, path: str, cookie: str = "", more: str = "") -> bytes:
    origin = f"Origin: http://127.0.0.1:{server.port}\r\n"
    sent = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{origin}{sent}{more}\r\n".encode()


def ask(server: Server, path: str, cookie: str = "") -> Any:
    with Connection(server, PATIENCE) as connection:
        answer = connection.exchange(request(server, path, cookie))
    assert answer.status == 200, answer
    return answer


def connect(server: Server, cookie: str, path: str = "/ws") -> Connection:
    connection = Connection(server, PATIENCE)
    assert connection.exchange(request(server, path, cookie, _UPGRADE), upgrade=True).status == 101
    assert connection.read_frame() == (_TEXT, b"hello")
    return connection


def closed(connection: Connection) -> tuple[int, str]:
    """Wait for the close frame; return its code and its reason."""
    opcode, content = connection.read_frame()
    assert opcode == _CLOSE, (opcode, content)
    return int.from_bytes(content[:2], "big"), content[2:].decode()


def seen(server: Server, code: int, reason: str) -> tuple[int, str]:
    """Return what a client sees of a close frame: daphne leaves out the reason, and sends none of the usual codes."""
    if server.kind != "daphne":
        return code, reason
    return (code if code >= 3000 else code + 3000), ""


def move(server: Server, seconds: float) -> None:
    clock = server.directory / "clock"
    ahead = float(clock.read_text()) if clock.exists() else 0.0
    written = clock.with_suffix(".new")
    written.write_text(str(ahead + seconds))
    written.replace(clock)


def test_a_socket_closes_soon_after_its_person_signed_out_elsewhere(server: Server, cookie: str) -> None:
    """RP-03"""
    with connect(server, cookie) as connection:
        connection.write_frame(_TEXT, b"again")
        assert connection.read_frame() == (_TEXT, b"again")
        ask(server, "/out", cookie)
        began = time.monotonic()
        assert closed(connection) == seen(server, 4500, "logged_out")
        # Unless told, it would take 15 seconds.
        assert time.monotonic() - began < SOON + 10


def test_a_socket_closes_when_its_session_expires(server: Server, cookie: str) -> None:
    """RP-03"""
    with connect(server, cookie) as connection:
        move(server, 86_401)
        assert closed(connection) == seen(server, 4500, "expired")


def test_a_socket_closes_at_the_next_message_where_the_policy_says_so(server: Server, cookie: str) -> None:
    """RP-03"""
    with connect(server, cookie, "/later/ws") as connection:
        ask(server, "/out", cookie)
        time.sleep(3 * SOON)
        connection.write_frame(_TEXT, b"again")
        assert closed(connection) == seen(server, 1008, "logged_out")


def test_a_stream_of_somebody_who_signed_out_is_cut(server: Server, cookie: str) -> None:
    """RP-03: and the client can tell that the rest is missing."""
    with Connection(server, PATIENCE) as connection:
        connection.write(request(server, "/events", cookie))
        assert connection.read(chunks=3).body.startswith(b"data: tick")
    # Daphne leaves the connection open; there a stream is cut that says nothing for many times as long as between two ticks.
    with Connection(server, 4.0) as connection:
        connection.write(request(server, "/events", cookie))
        time.sleep(2 * SOON)
        ask(server, "/out", cookie)
        answer = connection.read()
    assert isinstance(answer.error, ClosedError)
    assert answer.body.endswith(b"data: tick\n\n")


def test_nobodys_socket_stays_open(server: Server) -> None:
    with connect(server, "") as connection:
        time.sleep(2 * SOON)
        connection.write_frame(_TEXT, b"still here")
        assert connection.read_frame() == (_TEXT, b"still here")

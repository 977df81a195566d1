"""Speak to a real server over a real socket. What is sent is what a test wrote; what comes back is read strictly (h11)."""

from __future__ import annotations

import dataclasses
import os
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

import h11

from secmw.testing import Response, WebSocketResult
from tests.conformance.client import ClosedError, Sent, Site
from tests.conformance.policies import HOST, ORIGIN

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack
    from tests.servers import Server

#: Tells the server which policy a request is for; see serve.py.
POLICY_HEADER: Final = "X-Conformance-Policy"

TIMEOUT: Final = 20.0

_UPGRADE: Final = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),  # RFC 6455's example
]

#: How a proxy says that it was asked over HTTPS, in each family of headers.
_SECURE: Final = {
    "x-forwarded": ("X-Forwarded-Proto", "https"),
    "forwarded": ("Forwarded", "proto=https"),
    "x-rsc-request": ("X-RSC-Request", f"{ORIGIN}/"),
    "x-rstudio-request": ("X-RStudio-Request", f"{ORIGIN}/"),
}

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Connection:
    """Be one connection to a server."""

    def __init__(self, server: Server, patience: float = TIMEOUT) -> None:
        self._socket = server.connect(TIMEOUT)
        self._socket.settimeout(patience)
        self._left = b""
        self.informational: list[tuple[int, list[tuple[str, str]]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def write(self, data: bytes) -> None:
        """Send bytes; a server that has answered and closed already is no error, its answer is still to be read."""
        with suppress(ConnectionError, ssl.SSLError):
            self._socket.sendall(data)

    def exchange(self, data: bytes, *, head: bool = False, upgrade: bool = False) -> Response:
        """Send the bytes of one request, and read its response; raise ClosedError where there is no whole one."""
        self.write(data)
        return self.read(head=head, upgrade=upgrade)

    def read(self, *, head: bool = False, upgrade: bool = False, chunks: int | None = None) -> Response:
        """Read one response; of a long one at most so many pieces."""
        reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        reader.send(
            h11.Request(
                method="HEAD" if head else "GET",
                target="/",
                headers=[("Host", HOST), *(_UPGRADE if upgrade else ())],
            )
        )
        reader.send(h11.EndOfMessage())
        reader.receive_data(self._left) if self._left else None
        self._left = b""
        start: h11.Response | h11.InformationalResponse | None = None
        body: list[bytes] = []
        error: Exception | None = None
        while True:
            try:
                event = reader.next_event()
                if event is h11.NEED_DATA:
                    reader.receive_data(self._receive())
                    continue
            except (h11.RemoteProtocolError, OSError) as broken:
                if start is None:
                    raise ClosedError(str(broken)) from broken
                error = ClosedError(str(broken))
                break
            if isinstance(event, h11.InformationalResponse):
                if event.status_code == 101:
                    start = event
                    self._left = bytes(reader.trailing_data[0])
                    break
                self.informational.append((event.status_code, _lines(event)))
            elif isinstance(event, h11.Response):
                start = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
                if chunks is not None and len(body) >= chunks:
                    break
            elif isinstance(event, h11.EndOfMessage):
                self._left = bytes(reader.trailing_data[0])
                break
            else:  # h11.ConnectionClosed, h11.PAUSED
                if start is None:
                    raise ClosedError("closed without a response")
                break
        assert start is not None
        return Response(start.status_code, _lines(start), b"".join(body), error)

    def _receive(self) -> bytes:
        return self._socket.recv(65536)

    # --- WebSocket frames (RFC 6455 section 5.2), as many as these tests need

    def write_frame(self, opcode: int, data: bytes) -> None:
        assert len(data) < 126
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.write(bytes([0x80 | opcode, 0x80 | len(data)]) + mask + masked)

    def read_frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(self._take(2), "big")
        elif size == 127:
            size = int.from_bytes(self._take(8), "big")
        opcode, data = first & 0x0F, self._take(size)
        if opcode == _PING:
            # A server may ask at any moment whether somebody is there: section 5.5.2.
            self.write_frame(_PONG, data)
            return self.read_frame()
        return opcode, data

    def _take(self, size: int) -> bytes:
        while len(self._left) < size:
            piece = self._receive()
            if not piece:
                raise ClosedError("closed in the middle of a WebSocket message")
            self._left += piece
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def _lines(event: h11.Response | h11.InformationalResponse) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items()]


class OverSocket(Site):
    """Be a site on a real server. HTTPS is the server's own, or a proxy's: the test then plays the proxy."""

    def __init__(self, stack: Stack, name: str, server: Server) -> None:
        super().__init__(stack, name)
        self.server = server

    def write(self, sent: Sent) -> bytes:
        """Spell a request, without a look at whether it makes sense."""
        host, method, scheme = sent.host, sent.method, sent.scheme
        hosts: Sequence[str] = [] if host is None else [host] if isinstance(host, str) else list(host)
        raw = sent.target if isinstance(sent.target, bytes) else sent.target.encode("utf-8")
        lines = [(POLICY_HEADER, self.name), *(("Host", value) for value in hosts), *sent.headers]
        names = {name.lower() for name, _ in sent.headers}
        has_body = bool(sent.body) or method in ("POST", "PUT", "PATCH")
        if has_body and not names & {"content-length", "transfer-encoding"}:
            lines.append(("Content-Length", str(len(sent.body))))
        if scheme == "https" and self.server.tls is None:
            lines.append(_SECURE[self.policy.forwarded])
        assert scheme == "https" or self.server.tls is None, "this server speaks HTTPS only"
        head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in lines)
        return method.encode("latin-1") + b" " + raw + b" HTTP/1.1\r\n" + head + b"\r\n" + sent.body

    def send(self, sent: Sent) -> Response:
        with Connection(self.server, sent.patience) as connection:
            return connection.exchange(self.write(sent), head=sent.method == "HEAD")

    def raw(self, data: bytes, *, patience: float = TIMEOUT) -> Response:
        """Send these very bytes."""
        with Connection(self.server, patience) as connection:
            return connection.exchange(data)

    def open(self, sent: Sent, subprotocols: Sequence[str], messages: Sequence[str]) -> WebSocketResult:
        lines = [*sent.headers, *_UPGRADE]
        if subprotocols:
            lines.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
        data = self.write(dataclasses.replace(sent, headers=lines))
        with Connection(self.server, sent.patience) as connection:
            answer = connection.exchange(data, upgrade=True)
            if answer.status != 101:
                return WebSocketResult(answer.status, answer.headers, answer.body)
            heard: list[str | bytes] = []
            code = None
            for message in [None, *messages, ""]:
                if message == "":
                    connection.write_frame(_CLOSE, (1000).to_bytes(2, "big"))
                elif message is not None:
                    connection.write_frame(_TEXT, message.encode())
                opcode, content = connection.read_frame()
                if opcode == _CLOSE:
                    code = int.from_bytes(content[:2], "big") if content else 1005
                    break
                heard.append(content.decode())
            return WebSocketResult(
                answer.status,
                answer.headers,
                b"",
                accepted=True,
                subprotocol=answer.header("Sec-WebSocket-Protocol"),
                messages=tuple(heard),
                close_code=code,
            )

    def burst(self, target: str, count: int) -> list[Response]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: self.get(target), range(count)))

    def leave_early(self, target: str) -> bytes:
        with Connection(self.server) as connection:
            connection.write(self.write(Sent(target=target, headers=[])))
            return connection.read(chunks=1).body

    def sequence(self, requests: Sequence[Sent]) -> list[Response]:
        answers: list[Response] = []
        connection = Connection(self.server)
        try:
            for sent in requests:
                if answers and closes(answers[-1]):
                    connection.close()
                    connection = Connection(self.server)
                answers.append(connection.exchange(self.write(sent)))
        finally:
            connection.close()
        return answers


def closes(response: Response) -> bool:
    """Say whether a server closes the connection after this response."""
    return "close" in str(response.header("Connection")).lower()

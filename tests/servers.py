"""Real servers for tests: each started on a free loopback port in a directory of its own, and stopped by its pid.

Nothing here knows secmw: a server runs any `module:attribute` that it can import, `tests.something:app` included.
Every server is told to leave the peer alone (who connected, and over which scheme), since that is secmw's to decide;
`forwarded=True` turns a server's own rewriting on instead, for the servers that have one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TESTS: Final = Path(__file__).resolve().parent
HOST: Final = "127.0.0.1"

#: Seconds that a server may take to answer its first request, and to stop. Generous: the machine may be busy.
START: Final = 40.0
STOP: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """Name the files of one certificate: the chain, its key, and the authority that clients trust."""

    certificate: Path
    key: Path
    authority: Path

    def client(self) -> ssl.SSLContext:
        """Make the context of a client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


def make_tls(directory: Path, *names: str) -> TLS:
    """Write a certificate for the names (localhost and the loopback addresses unless told) and its authority."""
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert(*(names or ("localhost", "127.0.0.1", "::1")))
    made = TLS(
        certificate=directory / "certificate.pem",
        key=directory / "key.pem",
        authority=directory / "authority.pem",
    )
    authority.cert_pem.write_to_path(str(made.authority))
    certificate.private_key_pem.write_to_path(str(made.key))
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(made.certificate), append=number > 0)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Stand for one running server."""

    kind: str
    port: int
    pid: int
    directory: Path
    tls: TLS | None = None
    host: str = HOST

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def url(self) -> str:
        """The address of the server's root, without a slash at the end."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def log(self) -> str:
        """Return what the server has printed so far."""
        return (self.directory / "log").read_text(errors="replace")

    def connect(self, timeout: float = 10.0) -> socket.socket:
        """Open a connection, with TLS where the server speaks it; the caller closes it."""
        plain = socket.create_connection((self.host, self.port), timeout)
        if self.tls is None:
            return plain
        try:
            return self.tls.client().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def raw_request(server: Server, data: bytes, *, timeout: float = 10.0) -> bytes:
    """Send these very bytes on a connection of their own and return what comes back.

    Reading ends with the response, or when the server closes. A server that neither finishes nor closes within
    ``timeout`` seconds raises TimeoutError.
    """
    deadline = time.monotonic() + timeout
    head = data[:5].upper() == b"HEAD "
    received = b""
    with server.connect(timeout) as connection:
        # A server that refuses early may close while we still send: what it answered is still there to be read.
        with suppress(ConnectionError, ssl.SSLError):
            connection.sendall(data)
        while not _is_whole(received, head=head):
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                piece = connection.recv(65536)
            except (ConnectionError, ssl.SSLEOFError):
                break
            if not piece:
                break
            received += piece
    return received


def _is_whole(received: bytes, *, head: bool) -> bool:
    """Say whether the bytes hold one whole final response, as far as its framing tells."""
    while True:
        top, found, body = received.partition(b"\r\n\r\n")
        if not found:
            return False
        line = re.match(rb"HTTP/1\.[01] (\d{3})", top)
        if line is None:
            return False  # no HTTP that we know: whatever it is, it ends when the server closes
        status = int(line[1])
        if status >= 200 or status == 101:
            break
        received = body
    if head or status in {101, 204, 304}:
        return True
    if re.search(rb"(?im)^transfer-encoding:[ \t]*chunked", top):
        return body == b"0\r\n\r\n" or body.endswith(b"\r\n0\r\n\r\n")
    length = re.search(rb"(?im)^content-length:[ \t]*(\d+)", top)
    return length is not None and len(body) >= int(length[1])


# --- the servers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Launch:
    """Hold what a command line is made from."""

    app: str
    port: int
    tls: TLS | None
    forwarded: bool

    @property
    def bind(self) -> str:
        return f"{HOST}:{self.port}"

    def certificate(self, chain: str, key: str) -> list[str]:
        """Return the two options that name the certificate and its key, or none."""
        return [chain, str(self.tls.certificate), key, str(self.tls.key)] if self.tls else []


def _uvicorn(parser: str) -> Callable[[_Launch], list[str]]:
    def command(launch: _Launch) -> list[str]:
        return [
            *("uvicorn", launch.app, "--host", HOST, "--port", str(launch.port), "--http", parser),
            *("--timeout-graceful-shutdown", "1"),
            *(
                ["--proxy-headers", f"--forwarded-allow-ips={HOST}"]
                if launch.forwarded
                else ["--no-proxy-headers"]
            ),
            *launch.certificate("--ssl-certfile", "--ssl-keyfile"),
        ]

    return command


def _gunicorn(worker: str, *more: str) -> Callable[[_Launch], list[str]]:
    def command(launch: _Launch) -> list[str]:
        return [
            *("gunicorn", launch.app, "--bind", launch.bind, "--worker-class", worker, *more),
            *("--graceful-timeout", "1", "--no-control-socket"),
            f"--forwarded-allow-ips={HOST if launch.forwarded else ''}",
            *launch.certificate("--certfile", "--keyfile"),
        ]

    return command


def _granian(interface: str, *more: str) -> Callable[[_Launch], list[str]]:
    def command(launch: _Launch) -> list[str]:
        return [
            *(
                "granian",
                launch.app,
                "--interface",
                interface,
                "--host",
                HOST,
                "--port",
                str(launch.port),
                *more,
            ),
            *("--workers", "1", "--workers-kill-timeout", "2"),
            *launch.certificate("--ssl-certificate", "--ssl-keyfile"),
        ]

    return command


def _hypercorn(launch: _Launch) -> list[str]:
    return [
        *("hypercorn", launch.app, "--bind", launch.bind, "--graceful-timeout", "1"),
        *launch.certificate("--certfile", "--keyfile"),
    ]


def _daphne(launch: _Launch) -> list[str]:
    endpoint = f"tcp:{launch.port}:interface={HOST}"
    if launch.tls:
        certificate, key = launch.tls.certificate, launch.tls.key
        endpoint = f"ssl:{launch.port}:privateKey={key}:certKey={certificate}:interface={HOST}"
    return ["daphne", "--endpoint", endpoint, *(["--proxy-headers"] if launch.forwarded else []), launch.app]


def _waitress(launch: _Launch) -> list[str]:
    # Left alone, waitress removes forwarding headers before the application (and secmw) can see them.
    mode = ["--no-clear-untrusted-proxy-headers"]
    if launch.forwarded:
        mode = [f"--trusted-proxy={HOST}", "--trusted-proxy-headers=x-forwarded-for x-forwarded-proto"]
    return ["waitress", f"--listen={launch.bind}", *mode, launch.app]


_COMMANDS: Final[dict[str, Callable[[_Launch], list[str]]]] = {
    "uvicorn-h11": _uvicorn("h11"),
    "uvicorn-httptools": _uvicorn("httptools"),
    "hypercorn": _hypercorn,
    "granian": _granian("asgi"),
    "daphne": _daphne,
    "gunicorn-uvicorn": _gunicorn("uvicorn_worker.UvicornWorker"),
    "gunicorn-sync": _gunicorn("sync"),
    # Two browsers open up to twelve connections over TLS. With four threads some of their requests were left waiting for a minute and
    # more on a busy machine, those that no line of ours is about too; with sixteen none was.
    "gunicorn-gthread": _gunicorn("gthread", "--threads", "16"),
    "waitress": _waitress,
    "granian-wsgi": _granian("wsgi", "--blocking-threads", "4"),
}

ASGI_SERVERS: Final = (
    "uvicorn-h11",
    "uvicorn-httptools",
    "hypercorn",
    "granian",
    "daphne",
    "gunicorn-uvicorn",
)
WSGI_SERVERS: Final = ("gunicorn-sync", "gunicorn-gthread", "waitress", "granian-wsgi")

#: Servers that speak TLS themselves.
TLS_SERVERS: Final = frozenset(_COMMANDS) - {"waitress"}
#: Servers that can rewrite the scheme, or the peer, from forwarding headers by themselves.
REWRITING_SERVERS: Final = frozenset(_COMMANDS) - {"granian", "granian-wsgi", "hypercorn"}


@contextmanager
def serve(
    kind: str,
    app: str,
    *,
    tls: TLS | None = None,
    env: Mapping[str, str] | None = None,
    forwarded: bool = False,
    options: Sequence[str] = (),
    ready: str = "/",
) -> Iterator[Server]:
    """Run an application on a real server for the time of the block.

    ``app`` is ``module:attribute``; ``env`` is added to the environment; ``options`` are added to the command line;
    a GET of ``ready`` is answered (with any status) before the block starts, so the application has seen it.
    Raises ValueError for what the server cannot do, RuntimeError with its log if it does not start.
    """
    if tls is not None and kind not in TLS_SERVERS:
        raise ValueError(f"{kind} does not speak TLS")
    if forwarded and kind not in REWRITING_SERVERS:
        raise ValueError(f"{kind} does not rewrite the peer")
    directory = Path(tempfile.mkdtemp(prefix=f"secmw-{kind}-"))
    try:
        # Applications in tests/ are importable, and nothing else of the tree is.
        (directory / "tests").symlink_to(TESTS)
        path = os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH", "")]))
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            # Not measured: a server would be half as fast, and what it runs is run in process too.
            "COVERAGE_PROCESS_CONFIG": "",
            **(env or {}),
        }
        for attempt in range(3):
            launch = _Launch(app=app, port=_free_port(), tls=tls, forwarded=forwarded)
            module, *words = _COMMANDS[kind](launch)
            # Options come before the application: waitress reads none after it.
            command = [sys.executable, "-m", module, *options, *words]
            process = _start(command, environment, directory)
            server = Server(kind=kind, port=launch.port, pid=process.pid, directory=directory, tls=tls)
            try:
                if _wait_until_it_answers(server, process, ready):
                    yield server
                    return
                taken = "address already in use" in server.log().lower() and attempt < 2
                if not taken:
                    raise RuntimeError(f"{kind} did not start\n{' '.join(command)}\n{server.log()}")
            finally:
                _stop(process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _start(
    command: Sequence[str], environment: Mapping[str, str], directory: Path
) -> subprocess.Popen[bytes]:
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its workers share its process group, so none is left behind
        )


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], path: str) -> bool:
    """Return True once the server answers a request, False if it ended or took too long."""
    request = f"GET {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nConnection: close\r\n\r\n".encode(
        "ascii"
    )
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if raw_request(server, request, timeout=deadline - time.monotonic()).startswith(b"HTTP/1."):
                return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server politely, and then whatever is left of its group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

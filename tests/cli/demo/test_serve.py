from __future__ import annotations

import asyncio
import errno
import functools
import http.client
import importlib.util
import logging
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import pytest
import uvicorn

from secmw.cli.demo import serve as module
from secmw.cli.demo.certificate import own_certificate
from secmw.cli.demo.serve import TakenError, TwoSites, listen, open_both, serve_demo, sockets_work
from secmw.cli.demo.users import USERS, Users, password_of
from secmw.keys import development_key
from tests.servers import START, STOP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def close(*sockets: socket.socket) -> None:
    for each in sockets:
        each.close()


def free_port() -> int:
    """Find a port that is free on every loopback address, and the next one too."""
    for port in range(20_000 + os.getpid() % 20_000, 65_000, 2):
        try:
            found, first, second = open_both(port)
        except click.ClickException:
            continue
        close(*first, *second)
        return found
    raise AssertionError("no free port")


# --- sockets


def test_only_loopback_is_listened_to() -> None:
    sockets = listen(free_port())
    assert {each.getsockname()[0] for each in sockets} <= {"127.0.0.1", "::1"}
    assert len({each.getsockname()[1] for each in sockets}) == 1
    close(*sockets)


def test_a_port_that_is_taken_on_one_address_is_taken() -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(TakenError, match=str(port)):
            listen(port)
    close(*listen(port))


def test_a_port_that_is_taken_is_let_go_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = module._bound

    def bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family is socket.AF_INET6:
            raise OSError(errno.EADDRINUSE, "taken")
        opened.append(real(family, address, port))
        return opened[-1]

    port = free_port()
    monkeypatch.setattr(module, "_bound", bound)
    with pytest.raises(TakenError):
        listen(port)
    assert [each.fileno() for each in opened] == [-1]


@pytest.mark.parametrize("taken", [0, 1])
def test_a_pair_with_a_taken_port_is_passed_over(taken: int) -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + taken))
        other.listen()
        found, first, second = open_both(port)
        assert found > port
        assert {each.getsockname()[1] for each in second} == {found + 1}
        close(*first, *second)


def test_with_no_free_port_at_all_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(_port: int) -> list[socket.socket]:
        raise TakenError

    monkeypatch.setattr(module, "listen", taken)
    with pytest.raises(click.ClickException, match="--port"):
        open_both(8000)


def test_a_machine_without_ipv6_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._bound

    def bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family is socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "not here")
        return real(family, address, port)

    monkeypatch.setattr(module, "_bound", bound)
    [only] = listen(free_port())
    assert only.family is socket.AF_INET
    close(only)


def test_any_other_failure_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def bound(*_: Any) -> socket.socket:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(module, "_bound", bound)
    with pytest.raises(OSError, match="too many"):
        listen(8000)


def test_each_port_has_its_own_site() -> None:
    async def app(*_: Any) -> None:
        seen.append("app")

    async def other(*_: Any) -> None:
        seen.append("other")

    seen: list[str] = []
    sites: Any = TwoSites(app, other, 8000)
    for scope in (
        {"type": "http", "server": ("127.0.0.1", 8000)},
        {"type": "websocket", "server": ("::1", 8001)},
        {"type": "lifespan"},
    ):
        asyncio.run(sites(scope, None, None))
    assert seen == ["app", "other", "app"]


# --- what is printed


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[uvicorn.Config]]:
    """Run everything but the server itself, which is as if stopped at once."""
    configs: list[uvicorn.Config] = []

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        configs.append(server.config)
        close(*sockets)
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(module, "Users", functools.partial(Users, cost=2))
    # The demo sets up logging for its own process, and so does uvicorn's configuration.
    loggers = [logging.getLogger(name) for name in ("secmw", "uvicorn", "uvicorn.error", "uvicorn.access")]
    before = [(each.level, each.propagate, each.handlers[:], each.filters[:]) for each in loggers]
    yield configs
    for logger, (level, propagate, handlers, filters) in zip(loggers, before, strict=True):
        logger.level, logger.propagate = level, propagate
        logger.handlers[:], logger.filters[:] = handlers, filters


def test_the_address_and_the_limits_are_told(
    served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    serve_demo(port, files=None, short=False, browser=False)
    output = capsys.readouterr().out
    assert f"http://localhost:{port}\n" in output
    assert "Sessions end after" not in output
    assert f"http://127.0.0.1:{port + 1}\n" in output
    assert "Not protected here" in output
    assert output.endswith("Stopped.\n")


def test_who_may_sign_in_is_told_and_stays_the_same(
    served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = []
    for _ in range(2):
        serve_demo(free_port(), files=None, short=False, browser=False)
        output = capsys.readouterr().out
        found.append(
            re.findall(r"^ +(?:Sign in as|or) +(\w+)  with the password  (\S+)$", output, re.MULTILINE)
        )
    key = development_key()
    assert found[0] == found[1] == [(user.name, password_of(user, key)) for user in USERS]
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert not [password for _, password in found[0] if password.encode() in written]


def test_short_limits_are_told(served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str]) -> None:
    serve_demo(free_port(), files=None, short=True, browser=False)
    assert "Sessions end after 30 seconds without a request" in capsys.readouterr().out


def test_the_server_leaves_peer_and_headers_alone(served: list[uvicorn.Config]) -> None:
    serve_demo(free_port(), files=None, short=False, browser=False)
    [config] = served
    assert (config.proxy_headers, config.server_header, config.access_log) == (False, False, False)


def test_over_tls_it_is_told_how_to_trust_the_certificate(
    served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = own_certificate(tmp_path / "demo")
    port = free_port()
    serve_demo(port, files=files, short=False, browser=False)
    output = capsys.readouterr().out
    assert f"https://localhost:{port}\n" in output
    assert f'-i "{files.authority}"' in output
    assert "(just made)" in output
    assert "Not protected here" not in output
    assert served[0].ssl_keyfile == str(files.key)


def test_a_taken_port_is_told(served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        serve_demo(port, files=None, short=False, browser=False)
    assert re.search(rf"^Port {port} is taken, so this is port \d+\.$", capsys.readouterr().out, re.MULTILINE)


def test_a_browser_is_opened_where_asked(
    served: list[uvicorn.Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    port = free_port()
    serve_demo(port, files=None, short=False, browser=True)
    assert opened == [f"http://localhost:{port}"]


def test_without_a_socket_library_the_demo_says_so(
    served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sockets_work()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    serve_demo(free_port(), files=None, short=False, browser=False)
    assert "There is no WebSocket library here" in capsys.readouterr().out


def test_uvicorns_complaint_about_a_refused_handshake_is_kept_back(
    served: list[uvicorn.Config], capsys: pytest.CaptureFixture[str]
) -> None:
    serve_demo(free_port(), files=None, short=False, browser=False)
    logger = logging.getLogger("uvicorn.error")
    logger.error("ASGI callable returned without completing handshake.")
    logger.error("something else")
    output = capsys.readouterr().err
    assert "something else" in output
    assert "handshake" not in output


# --- the real thing


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Start `secmw demo` in a folder, wait until it listens, and yield process, port and what it printed so far."""
    program = "import sys; sys.argv[0] = 'secmw'; from secmw.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program, "demo", "--port", str(free_port()), *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        found = re.search(r"https?://localhost:(\d+)", "".join(lines))
        assert found, "".join(lines)
        yield process, int(found[1]), lines
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def fetch(
    port: int, host: str, context: ssl.SSLContext | None = None, *, path: str = "/attacks"
) -> tuple[int, str]:
    connection: http.client.HTTPConnection
    if context is None:
        connection = http.client.HTTPConnection(host, port, timeout=START)
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=START, context=context)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"} if host == "::1" else {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.server
def test_the_demo_serves_two_sites_and_stops_cleanly(tmp_path: Path) -> None:
    with running(tmp_path) as (process, port, _):
        status, page = fetch(port, "localhost")
        assert (status, "One pass in front of every request" in page) == (200, True)
        status, page = fetch(port + 1, "127.0.0.1", path="/")
        assert (status, "Win a prize!" in page) == (200, True)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=STOP)
        assert process.returncode == 0
        assert output.endswith("\nStopped.\n")
        assert "Traceback" not in output


@pytest.mark.server
def test_over_tls_the_server_side_of_an_attack_is_refused_too(tmp_path: Path) -> None:
    with running(tmp_path, "--tls") as (_, port, _):
        context = ssl.create_default_context(cafile=str(tmp_path / ".secmw" / "demo" / "authority.pem"))
        status, page = fetch(port, "localhost", context)
        assert (status, "Policy.recommended" in page) == (200, True)
        connection = http.client.HTTPSConnection("127.0.0.1", port + 1, timeout=START, context=context)
        connection.request("POST", "/ask/host?attack=abc")
        answer = connection.getresponse().read().decode()
        connection.close()
        assert '"reason":"host_not_allowed"' in answer

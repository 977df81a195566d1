"""The launcher of real servers keeps its promises on every server it knows."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from tests.servers import (
    ASGI_SERVERS,
    REWRITING_SERVERS,
    TLS_SERVERS,
    WSGI_SERVERS,
    make_tls,
    raw_request,
    serve,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.server

ALL_SERVERS = (*ASGI_SERVERS, *WSGI_SERVERS)
FORWARDED = (
    b"GET /a HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n"
    b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"
)


def _app(kind: str) -> str:
    return f"tests.plain_apps:{'asgi' if kind in ASGI_SERVERS else 'wsgi'}"


def _answer(response: bytes) -> dict[str, str]:
    head, _, body = response.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    answer: dict[str, str] = json.loads(body)
    return answer


@pytest.mark.parametrize("kind", ALL_SERVERS)
def test_a_server_leaves_the_peer_alone(kind: str) -> None:
    with serve(kind, _app(kind)) as server:
        answer = _answer(raw_request(server, FORWARDED))
    assert answer == {"scheme": "http", "client": "127.0.0.1", "x-forwarded-for": "203.0.113.9"}


@pytest.mark.parametrize("kind", sorted(TLS_SERVERS))
def test_a_server_speaks_tls_with_our_certificate(kind: str, tmp_path: Path) -> None:
    with serve(kind, _app(kind), tls=make_tls(tmp_path)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        answer = _answer(raw_request(server, FORWARDED))
    assert answer["scheme"] == "https"


@pytest.mark.parametrize("kind", sorted(REWRITING_SERVERS))
def test_a_server_told_to_rewrites_the_scheme(kind: str) -> None:
    with serve(kind, _app(kind), forwarded=True) as server:
        answer = _answer(raw_request(server, FORWARDED))
    assert answer["scheme"] == "https"


def test_nothing_is_left_of_a_server_after_its_block() -> None:
    with serve("gunicorn-sync", "tests.plain_apps:wsgi") as server:
        os.kill(server.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.killpg(server.pid, 0)
    with pytest.raises(ConnectionRefusedError), socket.create_connection((server.host, server.port)):
        pass
    assert not server.directory.exists()


def test_an_application_that_always_fails_is_served() -> None:
    with serve("gunicorn-sync", "tests.plain_apps:broken") as server:
        assert b" 500 " in raw_request(server, FORWARDED).splitlines()[0]
        assert "on purpose" in server.log()


def test_an_application_that_cannot_be_imported_is_told_with_the_log() -> None:
    with (
        pytest.raises(RuntimeError, match="no_such_module"),
        serve("uvicorn-h11", "tests.no_such_module:app"),
    ):
        pass


def test_what_a_server_cannot_do_is_refused_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="TLS"), serve("waitress", "a:b", tls=make_tls(tmp_path)):
        pass
    with pytest.raises(ValueError, match="peer"), serve("granian", "a:b", forwarded=True):
        pass


def test_the_environment_reaches_the_application() -> None:
    with serve("waitress", "tests.plain_apps:environment", env={"SECMW_TEST": "hello"}) as server:
        assert raw_request(server, FORWARDED).endswith(b"hello")

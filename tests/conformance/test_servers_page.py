"""What docs/reference/servers.md says of each server is what the server does, with the versions on this machine."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance import traits
from tests.conformance.client import ClosedError, Sent, fields, seen
from tests.conformance.policies import HOST
from tests.conformance.sockets import Connection, OverSocket
from tests.conformance.stacks import on_server
from tests.conformance.told import told
from tests.conformance.traits import SERVERS, Fact
from tests.servers import REWRITING_SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.client import Site
    from tests.conformance.stacks import Stack

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "servers.md"

_SPOOFED: Final = "203.0.113.66"

#: Seconds after which a server is taken to hang; Daphne's first ping, after 20, would be an answer.
_PATIENCE: Final = 6.0


def _plain(site: Site, *lines: tuple[str, str]) -> dict[str, object]:
    return seen(site.get("/", list(lines), scheme="http"))


def _own_header(site: Site, value: str) -> list[str]:
    with suppress(ClosedError):
        return site.get(told(headers=[("x-own", value)]), by_server=True).all("X-Own")
    return []


def _handshake(site: Site, target: str = "/") -> list[tuple[str, str]]:
    return site.websocket(target, scheme="http", origin=f"http://{HOST}").headers


def _breaks(site: Site) -> str:
    target = told(fails="midway", text="x", size=100, times=5, length=False)
    try:
        return "clean" if site.get(target, by_server=True, patience=_PATIENCE).error is None else "broken"
    except ClosedError as error:
        return str(error)


def _hangs(site: Site) -> bool:
    assert isinstance(site, OverSocket)
    target = told(fails="midway", text="x", size=100, times=5, length=True)
    with Connection(site.server, _PATIENCE) as connection:
        try:
            error = connection.exchange(site.write(Sent(target=target, headers=[]))).error
        except ClosedError as closed:  # before anything was sent
            error = closed
    return "timed out" in str(error)


def _scheme_of_a_socket(site: Site) -> str:
    result = site.websocket("/", scheme="http", origin=f"http://{HOST}")
    found: str = json.loads(result.messages[0])["scheme"]
    return found


def _close_code(site: Site) -> int | None:
    """Return the code of an application that closes with 1008; None where that does not close the connection at all."""
    target = told(socket="leave")
    with suppress(TimeoutError, ClosedError):
        return site.websocket(
            target, scheme="http", origin=f"http://{HOST}", messages=["bye"], patience=_PATIENCE
        ).close_code
    return None


#: How to see whether a server does what the fact says; under the policy `plain`, so that nothing is rewritten.
PROBES: Final[dict[Fact, Callable[[Stack, Site], bool]]] = {
    Fact.BARE_DENIAL: lambda stack, site: (
        stack.sockets
        and site.websocket("/", origin="https://evil.example", by_server=True).header("X-Frame-Options")
        is None
    ),
    Fact.NO_ACCEPT_HEADERS: lambda stack, site: (
        stack.sockets and "x-own" not in dict(_handshake(site, told(headers=[("x-own", "1")])))
    ),
    Fact.NO_SOCKET_SCHEME: lambda stack, site: stack.sockets and not _scheme_of_a_socket(site),
    Fact.NO_LIFESPAN: lambda stack, site: stack.sockets and not _plain(site)["lifespan"],
    Fact.FEW_CLOSE_CODES: lambda stack, site: stack.sockets and _close_code(site) != 1008,
    Fact.OWN_FORMS: lambda stack, site: (
        site.post(
            "/", [("Content-Type", "multipart/form-data; boundary=x")], b"x", scheme="http", by_server=True
        ).status
        == 400
    ),
    Fact.HANGS: lambda stack, site: _hangs(site),
    Fact.CLEAN_BREAK: lambda stack, site: _breaks(site) == "clean",
    Fact.FOLDS_LINE_ENDS: lambda stack, site: _own_header(site, "a\r\nb: c") == ["a b: c"],
    Fact.UTF8_VALUES: lambda stack, site: (
        stack.site("modes").get("/").all("X-Note") == ["caf\u00e9".encode().decode("latin-1")]
    ),
    Fact.ASCII_FIELDS: lambda stack, site: fields(_plain(site, ("X-One", "\xe9")), "x-one") == [""],
    Fact.JOINED_LINES: lambda stack, site: (
        len(fields(_plain(site, ("X-One", "1"), ("X-One", "2")), "x-one")) == 1
    ),
    Fact.FOLDED_NAMES: lambda stack, site: _plain(site, ("X_Forwarded_For", _SPOOFED))["client"] == _SPOOFED,
    Fact.NO_UNDERSCORES: lambda stack, site: (
        not fields(_plain(site, ("X_One", "1")), "x_one")
        and not fields(_plain(site, ("X_One", "1")), "x-one")
    ),
    Fact.TIDY_SLASHES: lambda stack, site: seen(site.get("//a", scheme="http"))["path"] == "/a",
    Fact.HIDDEN_TARGET: lambda stack, site: (
        stack.site("recommended").get("/a%2fb", scheme="http").header("Location") != f"https://{HOST}/a%2fb"
    ),
    Fact.CAPITAL_METHODS: lambda stack, site: _method_of(site) == "GET",
    Fact.NO_WRITE: lambda stack, site: (
        not stack.sockets and site.get(told(starts="write"), scheme="http", by_server=True).status == 500
    ),
}


def _method_of(site: Site) -> str:
    with suppress(ClosedError):
        response = site.request("get", "/", scheme="http", by_server=True)
        if response.status == 200:
            return str(seen(response)["method"])
    return ""


def test_every_difference_has_a_probe() -> None:
    assert set(PROBES) == set(Fact)


def test_a_server_does_what_the_table_says(server: Stack) -> None:
    """Neither more nor less: a difference that has gone is taken out of the table. (PX-07, CK-08, HD-05)"""
    site = server.site("plain")
    assert {fact for fact, probe in PROBES.items() if probe(server, site)} == server.traits.facts


def test_a_server_adds_no_header_but_those_in_the_table(server: Stack) -> None:
    """(HD-05)"""
    response = server.site("recommended").get("/")
    ours = {"content-type", "content-length", "vary"} | {
        name.lower() for name, _ in server.site("recommended").post("/").headers
    }
    added = {name.lower() for name, _ in response.headers} - ours
    assert added <= server.traits.adds
    assert response.all("Server") == ([server.traits.server] if server.traits.server else [])


@pytest.mark.server
@pytest.mark.parametrize("kind", sorted(REWRITING_SERVERS))
def test_a_server_that_rewrites_the_peer_is_found_out_or_harmless(kind: str) -> None:
    """Its own resolver switched on: refused where it shows, else the same answer as ours; never the spoofed one. (PX-04)"""
    with on_server(kind, forwarded=True) as stack:
        chain = ("X-Forwarded-For", f"{_SPOOFED}, 192.0.2.7")
        proxied = stack.site("plain").get("/", [chain], scheme="http")
        if proxied.status == 200:
            assert seen(proxied)["client"] == "192.0.2.7"
        else:
            assert b'"peer_rewritten"' in proxied.body
        # `trusted_proxies = "server"` is how to say that this is meant.
        decided = seen(stack.site("decided").get("/", [("X-Forwarded-Proto", "https"), chain], scheme="http"))
        # gunicorn rewrites the scheme alone; daphne takes the first address of the list, which anybody can write.
        own = {"daphne": _SPOOFED, "gunicorn-sync": "127.0.0.1", "gunicorn-gthread": "127.0.0.1"}
        assert decided["client"] == own.get(kind, "192.0.2.7")
        assert decided["exchange"]["client"] == decided["client"]
        assert decided["exchange"]["scheme"] == decided["scheme"]
        assert not [name for name, _ in decided["headers"] if "forwarded" in name]


@pytest.mark.server
@pytest.mark.parametrize(
    ("kind", "file", "text"),
    [
        ("hypercorn", "hypercorn.toml", "include_server_header = false\n"),
        ("gunicorn-sync", "gunicorn.conf.py", 'import gunicorn\n\ngunicorn.SERVER = "Web"\n'),
    ],
)
def test_the_setting_that_hides_the_server_does(tmp_path: Path, kind: str, file: str, text: str) -> None:
    """What the page says of servers without such an option. (HD-05)"""
    (tmp_path / file).write_text(text)
    options = ("--config", os.fspath(tmp_path / file))
    with on_server(kind, options=options) as stack:
        assert stack.site("recommended").get("/").all("Server") in ([], ["Web"])


@pytest.mark.packaging
def test_the_page_shows_the_table_and_every_server() -> None:
    page = PAGE.read_text("utf-8")
    assert traits.table() in page
    for name, known in SERVERS.items():
        assert f"`{name}`" in page
        for option in known.options:
            assert option in page

"""The standard library's validator, outside secmw and inside it: PEP 3333 to the letter, on every kind of response.

Every WSGI test of this suite runs under both validators already; these say in one place what that covers.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final
from wsgiref.validate import validator

import pytest

import secmw.wsgi
from secmw.testing import Client
from tests.conformance import app
from tests.conformance.inprocess import environ, run_wsgi
from tests.conformance.policies import NAMES, ORIGIN, named
from tests.conformance.told import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGETS: Final = {
    "a page": told(),
    "its own headers": told(headers=[("X-Own", "1"), ("Set-Cookie", "a=1"), ("X-Frame-Options", "DENY")]),
    "a nonce and a token": told(nonce=True, token=True),
    "no content": told(status=204),
    "not modified": told(status=304),
    "a redirect": told(status=301, headers=[("Location", "/x")]),
    "an error": told(status=500),
    "many chunks": told(text="x", times=5),
    "a generator": told(starts="late"),
    "through write": told(starts="write"),
    "started twice": told(starts="twice"),
    "a constant": told(constant=True),
    "a failure": told(fails="before"),
    "a late failure": told(starts="late", fails="before"),
    "nothing started": told(starts="late", fails="never"),
    "our own page": "/_secmw/xsrf",
    "none of our pages": "/_secmw/nothing",
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("policy", ["recommended", "strict", "connect", "cookies", "plain"])
def test_the_validator_finds_nothing_on_either_side(policy: str, method: str) -> None:
    """(RB-07)"""
    site = secmw.wsgi.Middleware(validator(app.wsgi), named(policy))
    client = Client(site, base_url=ORIGIN, interface="wsgi", validate=True)
    failures = {"an error", "a failure", "a late failure", "nothing started"}
    for case, target in TARGETS.items():
        response = client.request(method, target)
        assert response.header("X-Content-Type-Options") == "nosniff", case
        if method != "POST":  # which is refused: it has no token
            assert (response.status == 500) == (case in failures), case


def test_the_validator_finds_nothing_under_any_policy() -> None:
    """Refused and answered alike, over http and https. (RB-07)"""
    for name in NAMES:
        site = secmw.wsgi.Middleware(validator(app.wsgi), named(name))
        for base in (ORIGIN, "http://app.example.org", "http://localhost"):
            client = Client(site, base_url=base, interface="wsgi", validate=True)
            for lines in ([], [("X-Forwarded-For", "192.0.2.1")], [("Cookie", "a=1; a-legacy=2")]):
                assert client.get("/", headers=lines).status in (200, 301, 400, 403)
                assert client.post("/", headers=lines, body=b"a=1").status in (200, 308, 400, 403)


class Closing:
    """Be an iterable that counts how often it was closed."""

    def __init__(self, chunks: list[bytes], *, fails: bool = False) -> None:
        self._chunks = chunks
        self._fails = fails
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        if self._fails:
            raise app.OnPurposeError
        return iter(self._chunks)

    def close(self) -> None:
        self.closed += 1


def _application(body: Closing, *, start: bool) -> Callable[..., Any]:
    def application(environ: dict[str, Any], start_response: Any) -> Closing:
        if start:
            start_response("200 OK", [("Content-Type", "text/plain")])
        return body

    return application


@pytest.mark.parametrize(
    ("start", "fails"), [(True, False), (False, False), (False, True)], ids=["started", "never", "failed"]
)
def test_the_applications_iterable_is_closed_exactly_once(start: bool, fails: bool) -> None:
    """Whether it started a response, never did, or failed on the way. (RB-07)"""
    body = Closing([b"x"], fails=fails)
    site = secmw.wsgi.Middleware(_application(body, start=start), named("recommended"))
    status, _, _ = run_wsgi(site, environ("/"))
    assert status.startswith("200" if start else "500")
    assert body.closed == 1


def test_the_applications_iterable_is_what_the_server_gets() -> None:
    """So that a server can recognise its own file wrapper, and ask for a length. (RB-07)"""
    body = Closing([b"x"])
    site = secmw.wsgi.Middleware(_application(body, start=True), named("recommended"))
    assert site(environ("/"), lambda *_: lambda _: None) is body


def test_a_second_start_after_the_first_chunk_is_the_servers_to_judge() -> None:
    """exc_info reaches the server, which raises it again where the head has left. (RB-07)"""

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"first"
        try:
            raise app.OnPurposeError
        except app.OnPurposeError as error:
            start_response("500 Oops", [("Content-Type", "text/plain")], (type(error), error, None))
        yield b"second"

    site = secmw.wsgi.Middleware(application, named("recommended"))
    response = Client(site, base_url=ORIGIN, interface="wsgi").get("/")
    assert isinstance(response.error, app.OnPurposeError)
    assert (response.status, response.body) == (200, b"first")


def test_nothing_warns() -> None:
    """(RB-07)"""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_wsgi(validator(secmw.wsgi.Middleware(validator(app.wsgi), named("recommended"))), environ("/"))

"""The nonce of a response: its own, unguessable, and in no response that somebody could see again."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

import secmw.asgi
from secmw.errors import SessionError
from tests.conformance.client import seen
from tests.conformance.inprocess import Conversation, environ, run_wsgi
from tests.conformance.policies import named
from tests.conformance.told import told

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.stacks import Stack

_NONCE: Final = re.compile(r"'nonce-([^']*)'")


def _sent(response: Response) -> set[str]:
    lines = response.all("Content-Security-Policy") + response.all("Content-Security-Policy-Report-Only")
    return {nonce for line in lines for nonce in _NONCE.findall(line)}


def test_the_nonce_in_the_page_is_the_one_in_the_header(stack: Stack) -> None:
    """Asked for twice it is the same; it is in every policy that has a place for it. (CS-02)"""
    for policy in ("recommended", "strict"):
        response = stack.site(policy).get(told(nonce=True))
        first, second = seen(response)["nonces"]
        assert first == second
        assert _sent(response) == {first}
        assert len(bytes.fromhex(first)) >= 16


def test_nonces_of_requests_at_the_same_time_never_mix(stack: Stack) -> None:
    """Each answer has its own, and the header's is the page's. (CS-02)"""
    answers = stack.site("strict").burst(told(nonce=True), 40)
    pairs = [(_sent(response), set(seen(response)["nonces"])) for response in answers]
    assert all(header == page and len(page) == 1 for header, page in pairs)
    assert len(set.union(*(page for _, page in pairs))) == 40


@pytest.mark.unmeasured
def test_a_hundred_thousand_nonces_are_all_different() -> None:
    """(CS-02)"""
    made: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        made.append(scope["secmw"].nonce)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        pass

    site = secmw.asgi.Middleware(app, named("strict"))
    scope = Conversation("/").scope

    async def all_of_them() -> None:
        for _ in range(100_000):
            await site(dict(scope), receive, send)

    asyncio.run(all_of_them())
    assert len(set(made)) == 100_000
    assert min(map(len, made)) >= 22


def test_a_response_without_the_nonce_has_none(stack: Stack) -> None:
    """No page asked, so no header names one, and the response stays anybody's. (CS-03)"""
    for policy in ("recommended", "strict"):
        response = stack.site(policy).get("/")
        assert _sent(response) == set()
    assert stack.site("recommended").get("/").header("Cache-Control") is None


def test_a_response_with_a_nonce_is_not_kept(stack: Stack) -> None:
    """A stored page would show its nonce to everybody who gets it. (CS-03)"""
    site = stack.site("recommended")
    assert site.get(told(nonce=True)).all("Cache-Control") == ["no-store"]
    public = told(nonce=True, headers=[("cache-control", "public, max-age=600")])
    assert site.get(public).all("Cache-Control") == ["no-store, max-age=600"]
    assert stack.site("bfcache").get(told(nonce=True)).all("Cache-Control") == ["no-cache, private"]


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirects_and_confirmations_carry_no_nonce(stack: Stack, status: int) -> None:
    """A cache puts a 304's headers in place of the stored page's; a redirect has no page. (CS-03)"""
    for policy in ("recommended", "strict"):
        response = stack.site(policy).get(told(nonce=True, status=status, headers=[("location", "/x")]))
        assert response.status == status
        assert _sent(response) == set()


def test_a_failure_after_the_nonce_was_read_does_not_show_it(stack: Stack) -> None:
    """The page about the failure is another page. (CS-03)"""
    for starts in ("", "late"):
        response = stack.site("strict").get(told(nonce=True, token=True, fails="before", starts=starts))
        assert response.status == 500
        assert _sent(response) == set()
        assert response.all("Set-Cookie") == []


def test_a_nonce_that_comes_too_late_is_an_error() -> None:
    """The head has left without it: the application is told, not the browser. (CS-03)"""
    raised: list[Exception] = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"the head leaves with this"
        for late in (lambda: environ["secmw"].nonce, environ["secmw"].xsrf_token):
            try:
                late()
            except SessionError as error:
                raised.append(error)

    run_wsgi(secmw.wsgi.Middleware(app, named("strict")), environ("/"))
    assert len(raised) == 2

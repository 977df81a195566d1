"""Responses that take their time, applications that fail in the middle, clients that leave, and connections that are shared."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.client import ClosedError, Sent, fields, reason, seen
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from secmw.testing import Response
    from tests.conformance.stacks import Stack

NOSNIFF: Final = "X-Content-Type-Options"


def test_a_response_is_not_held_back(stack: Stack) -> None:
    """Its first chunk is there long before its last one. (HD-09)"""
    site = stack.site("recommended")
    begun = time.monotonic()
    assert site.leave_early(
        told(text="x" * 1000, times=200, pause=0.05, length=False, watch="early")
    ).startswith(b"x")
    assert time.monotonic() - begun < 5


def test_a_response_of_many_chunks_arrives_whole(stack: Stack) -> None:
    """(HD-10)"""
    site = stack.site("recommended")
    for length in (True, False):
        response = site.get(told(text="0123456789", size=100, times=50, length=length))
        assert response.body == b"0123456789" * 5000
        assert response.error is None


@pytest.mark.parametrize("starts", ["", "late", "write", "twice"])
def test_however_the_response_is_started_it_is_protected(stack: Stack, starts: str) -> None:
    """At once, with the first chunk, through write(), or twice with exc_info, the second in place of the first. (RB-07)"""
    site = stack.site("recommended")
    target = told(starts=starts, token=True, status=200, headers=[("set-cookie", "own=1"), ("x-own", "1")])
    if starts == "write" and stack.has(Fact.NO_WRITE):
        # The server offers no write(): its own 500, of a response that never began.
        assert site.get(target, by_server=True).status == 500
        return
    response = site.get(target)
    assert (response.status, response.header("X-Own"), response.header("X-First")) == (200, "1", None)
    assert len(response.all("Set-Cookie")) == 3
    assert response.header("Strict-Transport-Security") == "max-age=31536000"


def test_an_application_that_fails_before_it_starts_gets_our_500(stack: Stack) -> None:
    """A plain answer with every header; the cookies it had asked for are not set. (RB-09, HD-09)"""
    site = stack.site("recommended")
    for fails in ("before", "never"):
        for starts in ("", "late"):
            response = site.get(told(fails=fails, starts=starts, token=True))
            assert reason(response) == "application_failed"
            assert response.all("Set-Cookie") == []
            assert response.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("fails", ["started", "midway"])
@pytest.mark.parametrize("length", [True, False])
def test_an_application_that_fails_after_it_started_never_looks_complete(
    stack: Stack, fails: str, length: bool
) -> None:
    """An error, or a response that breaks off: nobody takes half a page for a whole one. (RB-09)"""
    site = stack.site("recommended")
    target = told(fails=fails, text="x" * 100, times=5, length=length)
    try:
        response = site.get(target, by_server=True, patience=2 if stack.has(Fact.HANGS) else 20)
    except ClosedError:
        return
    if stack.interface == "wsgi" and fails == "started":
        # Nothing has left yet (PEP 3333), so there is still an answer to give.
        assert reason(response) == "application_failed"
        assert response.header(NOSNIFF) == "nosniff"
        return
    if response.status >= 500:
        return
    assert response.status == 200
    assert response.header(NOSNIFF) == "nosniff"
    if length or not stack.has(Fact.CLEAN_BREAK):
        assert response.error is not None
    assert len(response.body) < 500


def test_a_client_that_leaves_is_noticed(stack: Stack) -> None:
    """The application hears http.disconnect, or its iterable is closed: secmw holds back neither. (RB-07, RB-08)"""
    site = stack.site("recommended")
    name = uuid.uuid4().hex
    site.leave_early(told(text="x", size=65_536, times=400, pause=0.02, length=False, watch=name))

    def ended() -> str | None:
        found: str | None = seen(site.get(told(report=name)))["ended"]
        return found

    assert eventually(ended, 20) == "disconnected"


def test_the_iterable_of_a_whole_response_is_closed_too(stack: Stack) -> None:
    """(RB-07)"""
    site = stack.site("recommended")
    name = uuid.uuid4().hex
    assert site.get(told(text="x", times=3, watch=name)).body == b"xxx"

    def ended() -> str | None:
        found: str | None = seen(site.get(told(report=name)))["ended"]
        return found

    assert eventually(ended, 20) == "finished"


def eventually(ask: Callable[[], str | None], patience: float) -> str | None:
    """Ask until there is an answer."""
    deadline = time.monotonic() + patience
    while (answer := ask()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


@pytest.mark.unmeasured
def test_two_people_on_one_connection_get_their_own(stack: Stack) -> None:
    """Cookies, tokens and nonces of one request are in no answer to another: 10,000 in process, a few on a socket. (RB-05)"""
    site = stack.site("recommended")
    people = [site.visit() for _ in range(2)]
    count = 200 if stack.real else 10_000
    target = told(token=True, nonce=True)
    requests = [
        Sent(target=target, headers=[("Cookie", people[number % 2].cookie)] if number % 3 else [])
        for number in range(count)
    ]
    answers = site.sequence(requests)
    nonces, visits = set(), set()
    for number, (sent, answer) in enumerate(zip(requests, answers, strict=True)):
        facts = seen(answer)
        assert fields(facts, "cookie") == [value for _, value in sent.headers], number
        lines = answer.all("Set-Cookie")
        assert len(lines) == (0 if sent.headers else 2)
        visits |= set(lines)
        nonces.add(facts["nonces"][0])
        assert facts["nonces"][0] in answer.all("Content-Security-Policy-Report-Only")[0]
    assert len(nonces) == count
    assert len(visits) == 2 * sum(not sent.headers for sent in requests)


def test_a_refusal_does_not_spoil_the_connection(stack: Stack) -> None:
    """A body that nobody read is not the next request. (HD-10, RB-05)"""
    site = stack.site("recommended")
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: app.example.org\r\n\r\n"
    if not stack.real:
        assert site.post("/", [("Origin", "https://evil.example")], smuggled).status == 403
        return
    requests = [
        Sent(method="POST", target="/", headers=[("Origin", "https://evil.example")], body=smuggled * 20),
        Sent(target="/next", headers=[]),
        Sent(method="POST", target="/", headers=[], body=smuggled),
        Sent(target="/last", headers=[]),
    ]
    answers: list[Response] = site.sequence(requests)
    assert [answer.status for answer in answers] == [403, 200, 403, 200]
    assert [seen(answers[1])["path"], seen(answers[3])["path"]] == ["/next", "/last"]


def test_a_body_nobody_asked_for_is_the_applications(stack: Stack) -> None:
    """What the middleware did not need it did not read; the application reads all of it. (XS-12)"""
    site = stack.site("recommended")
    visit = site.visit()
    body = bytes(range(256)) * 400
    assert seen(site.post("/", visit.headers(), body))["body"].encode("latin-1") == body
    assert seen(site.post(told(reads=False), visit.headers(), body))["body"] == ""

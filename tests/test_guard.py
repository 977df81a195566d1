"""The one place that waits: it fetches what an exchange wants, and reports what it refused."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from secmw.assembly import AsyncParts, Parts
from secmw.exchange import Exchange
from secmw.guard import AsyncGuard, Guard, announce, report, report_twins
from secmw.hooks import NONE, AsyncCaller, Caller, Hooks
from secmw.http import Reason, Refusal
from secmw.keys import KeyRing
from secmw.sessions.demand import Asking
from secmw.testing import FrozenClock
from secmw.xsrf import Tokens
from tests.making import KEY, exchange, plans

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
HOME = {"sec-fetch-site": "same-origin"}
FORM = HOME | {"content-type": "application/x-www-form-urlencoded"}


class Body:
    """A request body that remembers what was asked of it."""

    def __init__(self, body: bytes = b"", query: bytes = b"") -> None:
        self.accept = "text/html"
        self.agent = "tests/1"
        self.query = query
        self.asking = Asking(method="GET", target="/")
        self.body = body
        self.asked: list[int] = []

    def peek(self, limit: int) -> tuple[bytes, bool]:
        self.asked.append(limit)
        return self.body[:limit], len(self.body) <= limit


class AsyncBody:
    """The same for the other colour."""

    def __init__(self, body: Body) -> None:
        self.accept, self.agent, self.query, self.asking = body.accept, body.agent, body.query, body.asking
        self._body = body

    async def peek(self, limit: int) -> tuple[bytes, bool]:
        return self._body.peek(limit)


def guard(clock: FrozenClock | None = None, hooks: Hooks = NONE) -> Guard:
    clock = clock or FrozenClock()
    return Guard(Parts(None, None, Caller(hooks, clock), None, clock))


def async_guard(clock: FrozenClock | None = None, hooks: Hooks = NONE) -> AsyncGuard:
    clock = clock or FrozenClock()
    return AsyncGuard(AsyncParts(None, None, AsyncCaller(hooks, clock), None, clock))


def form(body: str = "", **settings: Any) -> tuple[Exchange, bytes]:
    made = plans(xsrf=settings or "on")
    return exchange(made, "POST", headers=FORM, cookie=f"__Host-visit={VISIT}"), body.encode()


async def both(found: Exchange, body: bytes, colour: str) -> tuple[Any, list[int]]:
    incoming = Body(body)
    if colour == "sync":
        return guard().admit(found, incoming), incoming.asked
    return await async_guard().admit(found, AsyncBody(incoming)), incoming.asked


COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])


@COLOURS
@pytest.mark.anyio
async def test_a_request_that_wants_nothing_is_let_through_unread(colour: str) -> None:
    assert await both(exchange(plans()), b"x", colour) == (None, [])


@COLOURS
@pytest.mark.anyio
async def test_a_form_is_looked_into_as_far_as_the_policy_says(colour: str) -> None:
    """XS-12"""
    found, body = form(f"a=1&xsrf_token={TOKENS.token(VISIT)}", form_limit=2048)
    assert await both(found, body, colour) == (None, [2048])
    assert found.refusal is None


@COLOURS
@pytest.mark.anyio
async def test_a_form_without_its_token_is_answered_as_the_client_likes_it(colour: str) -> None:
    found, body = form("a=1")
    reply, _ = await both(found, body, colour)
    assert reply.status == 403
    assert dict(reply.headers)["Content-Type"].startswith("text/html")


@COLOURS
@pytest.mark.anyio
async def test_a_refused_request_is_not_read(colour: str) -> None:
    refused = exchange(plans(), "POST", headers=FORM | {"sec-fetch-site": "cross-site"})
    reply, asked = await both(refused, b"x" * 100, colour)
    assert (reply.status, asked) == (403, [])


@COLOURS
@pytest.mark.anyio
async def test_a_page_of_ours_answers_without_a_refusal(
    colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "secmw"):
        reply, _ = await both(exchange(plans(), "GET", "/_secmw/xsrf"), b"", colour)
    assert reply.status == 204
    assert caplog.records == []


@COLOURS
@pytest.mark.anyio
async def test_an_exchange_that_nobody_screened_is_not_let_through(colour: str) -> None:
    made = plans()
    unscreened = Exchange(made.safe["/"], made.sites["app.example"], "GET", "https", "/")
    reply, _ = await both(unscreened, b"", colour)
    assert reply.status == 500


# --- what is reported


def reported(
    refusal: Refusal | None, caplog: pytest.LogCaptureFixture, **request: Any
) -> list[logging.LogRecord]:
    found = exchange(plans(), **request)
    found.refusal = refusal
    with caplog.at_level(logging.DEBUG, "secmw"):
        report(found)
    return caplog.records


def test_a_refusal_is_one_line_with_reason_method_path_and_client(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = reported(Refusal(403, Reason.CROSS_ORIGIN, "No."), caplog, path="/a b")
    assert record.getMessage() == "refused 403 cross_origin: GET '/a b' from 192.0.2.1"
    assert record.levelno == logging.INFO


def test_a_setting_that_would_help_makes_it_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = reported(Refusal(403, Reason.CROSS_ORIGIN, "No.", note="see x"), caplog)
    assert record.getMessage().endswith("from 192.0.2.1 (see x)")
    assert record.levelno == logging.WARNING


@pytest.mark.parametrize("refusal", [None, Refusal(301, Reason.REDIRECT_TO_HTTPS, "Go.")])
def test_neither_a_redirect_nor_an_answer_is_a_refusal(
    refusal: Refusal | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert reported(refusal, caplog) == []


def test_a_request_writes_no_second_line_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = reported(
        Refusal(403, Reason.CROSS_ORIGIN, "No."),
        caplog,
        method="GET\nx",
        path="/\nrefused 200 \x1b[0m\u2028é",
    )
    message = record.getMessage()
    assert message.isascii()
    assert message.isprintable()


def test_no_header_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """XS-10"""
    token = TOKENS.token(VISIT)
    headers = HOME | {
        "x-xsrf-token": token,
        "referer": "https://evil.example/s3cret",
        "authorization": "Bearer s3cret",
    }
    found = exchange(plans(), "POST", headers=headers, cookie="__Host-visit=s3cret")
    with caplog.at_level(logging.DEBUG, "secmw"):
        report(found)
    assert len(caplog.records) == 1
    assert token not in caplog.text
    assert "s3cret" not in caplog.text


def test_every_notice_is_a_warning_at_start_up(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "secmw"):
        announce(("one", "100 %s"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "one"),
        ("WARNING", "100 %s"),
    ]


def test_twins_that_disagree_are_named_but_never_their_values(caplog: pytest.LogCaptureFixture) -> None:
    """CK-11"""
    with caplog.at_level(logging.DEBUG, "secmw"):
        report_twins(exchange(plans()), ("id\n", *[f"c{number}" for number in range(100)]))
    (record,) = caplog.records
    assert record.getMessage() == (
        "ignored 101 disagreeing -legacy cookies from 192.0.2.1: 'id\\n', 'c0', 'c1', 'c2', 'c3'"
    )

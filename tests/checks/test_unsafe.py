from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Answer, Bound
from secmw.checks.api_call import api_call
from secmw.checks.cross_origin import cross_origin
from secmw.checks.method import method
from secmw.checks.unsafe import any_unsafe, recognised
from secmw.checks.xsrf_token import XsrfToken
from secmw.config import Xsrf
from secmw.http import ASGI, WSGI, Reason, Refusal, Wire
from secmw.keys import KeyRing
from secmw.xsrf import Tokens
from tests.checks.asking import Ask
from tests.making import KEY

REFUSAL = Refusal(403, Reason.CROSS_ORIGIN, "No.")
SETTINGS = Xsrf(api_key_headers=("x-key",))


def friends(request: Any) -> bool:
    return bool(request.host == "friend")


def no(_: Any) -> Answer:
    return REFUSAL


def bound(_: Any) -> Answer:
    return Bound.SELECTOR


@pytest.mark.parametrize("questions", [(no,), (no, bound), (bound, no)])
def test_the_questions_are_asked_but_of_those_that_pass(
    questions: tuple[Callable[[Any], Answer], ...],
) -> None:
    ask = any_unsafe(friends, questions, WSGI)
    assert ask(Ask(host="anybody")) in (REFUSAL, Bound.SELECTOR)
    assert ask(Ask(host="friend")) is None


@pytest.mark.parametrize("questions", [(), (no,), (no, bound)])
@pytest.mark.parametrize("host", ["friend", "anybody"])
def test_everybody_is_asked_the_method(host: str, questions: tuple[Callable[[Any], Answer], ...]) -> None:
    trace = any_unsafe(friends, questions, WSGI)(Ask(host=host, method="TRACE", cookie="a=b"))
    assert isinstance(trace, Refusal)
    assert trace.reason is Reason.METHOD_NOT_ALLOWED


def test_without_questions_nobody_else_is_refused() -> None:
    assert any_unsafe(friends, [], WSGI)(Ask()) is None


def test_a_form_of_our_own_page_is_asked_for_its_token_alone() -> None:
    asked = []

    def token(_: Any) -> Answer:
        asked.append("token")
        return Bound.SELECTOR

    def never(_: Any) -> Any:
        raise AssertionError

    ask = any_unsafe(never, [never, token], WSGI)
    assert ask(Ask(cookie="a=b", headers={"sec-fetch-site": "same-origin"})) is Bound.SELECTOR
    assert asked == ["token"]


METHODS = st.sampled_from(["POST", "PUT", "DELETE", "TRACE", "trace", "PoSt", "CONNECT"])
FIELDS = {
    "sec-fetch-site": st.sampled_from(["same-origin", "same-site", "cross-site", "none", "Same-Origin", ""]),
    "sec-fetch-mode": st.sampled_from(["navigate", "cors"]),
    "origin": st.sampled_from(["https://app.example", "https://evil.example", "null"]),
    "authorization": st.sampled_from(["Bearer x", "Basic eA==", "Bearer"]),
    "x-key": st.sampled_from(["k", ""]),
}


@given(
    name=METHODS,
    cookie=st.sampled_from([None, "", "a=b"]),
    fields=st.fixed_dictionaries({}, optional=FIELDS),
    certified=st.booleans(),
    wire=st.sampled_from([ASGI, WSGI]),
)
def test_the_short_way_answers_as_the_long_one(
    name: str, cookie: str | None, fields: dict[str, str], certified: bool, wire: Wire
) -> None:
    request = Ask(
        method=name,
        cookie=cookie,
        certified=certified,
        headers=fields,
        wire=wire,
    )
    passes = api_call(SETTINGS, wire)
    origin = cross_origin([], wire=wire)
    long = method(request) or (None if passes(request) else origin(request) or bound(request))
    assert any_unsafe(passes, [origin, bound], wire)(request) == long


SELECTOR = "s" * 22


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_only_a_token_that_passed_before_for_this_session_is_recognised(wire: Wire) -> None:
    """XS-01"""
    tokens = Tokens(KeyRing([KEY]))
    token = XsrfToken(Xsrf(), tokens, ("visit", "visit-embed"), twins=False, wire=wire)
    knows = recognised(token, wire)
    good = Ask(
        cookie="a=b",
        selector=SELECTOR,
        headers={"sec-fetch-site": "same-origin", "x-xsrf-token": tokens.token(SELECTOR)},
        wire=wire,
    )
    assert not knows(good.headers, SELECTOR.encode())
    assert token(good) is Bound.SELECTOR
    assert knows(good.headers, SELECTOR.encode())
    assert not knows(good.headers, b"t" * 22)
    for name, value in [("sec-fetch-site", "cross-site"), ("x-xsrf-token", tokens.token(SELECTOR))]:
        assert not knows({**good.headers, wire.field(name): wire.encode(value)}, SELECTOR.encode())
        assert not knows({wire.field(name): good.headers[wire.field(name)]}, SELECTOR.encode())


@given(
    sent=st.sampled_from([None, "", "good", "other", "visit"]),
    presented=st.sampled_from([None, SELECTOR, "t" * 22]),
    fields=st.fixed_dictionaries({}, optional=FIELDS),
    cookie=st.sampled_from(["", "a=b"]),
    wire=st.sampled_from([ASGI, WSGI]),
)
def test_what_is_recognised_passes_when_it_is_asked(
    sent: str | None, presented: str | None, fields: dict[str, str], cookie: str, wire: Wire
) -> None:
    """XS-01, XS-02"""
    tokens = Tokens(KeyRing([KEY]))
    made = {
        "good": tokens.token(SELECTOR),
        "other": tokens.token("t" * 22),
        "visit": tokens.token(tokens.new_visit()),
    }
    token = XsrfToken(SETTINGS, tokens, ("visit", "visit-embed"), twins=False, wire=wire)
    ask = any_unsafe(api_call(SETTINGS, wire), [cross_origin([], wire=wire), token], wire)
    more = {} if sent is None else {"x-xsrf-token": made.get(sent, sent)}
    request = Ask(cookie=cookie, selector=presented, headers={**fields, **more}, wire=wire)
    for _ in range(2):
        known = presented is not None and recognised(token, wire)(request.headers, presented.encode())
        assert not known or ask(request) is Bound.SELECTOR
        ask(request)

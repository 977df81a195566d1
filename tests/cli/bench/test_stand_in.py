from __future__ import annotations

from typing import Any

import pytest

from secmw import Policy
from secmw.cli.bench.driving import Answer, AsgiDriver, Request, WsgiDriver
from secmw.cli.bench.stand_in import AsgiNoop, Use, WsgiNoop, catcher, let_through, stand_in
from secmw.cli.bench.target import wrapped
from secmw.keys import new_key

POLICY = Policy.recommended(
    secret_keys=[new_key()],
    public_url="https://app.example.org",
    store="memory://",
    csp={"script-src": ["'nonce'"]},
)
ASKED = Request(method="GET", scheme="https", host="app.example.org", target="/", headers=())
ANSWER = Answer(203, (("x-a", "b"),), b"whatever")


@pytest.fixture(params=[True, False], ids=["asgi", "wsgi"])
def driver(request: pytest.FixtureRequest) -> Any:
    return AsgiDriver() if request.param else WsgiDriver()


def test_it_gives_the_answer_it_was_told(driver: Any) -> None:
    with driver:
        for app in (
            stand_in(ANSWER, None, asgi=driver.asgi),
            (AsgiNoop if driver.asgi else WsgiNoop)(stand_in(ANSWER, None, asgi=driver.asgi)),
        ):
            assert driver.ask(app, driver.made(ASKED), b"") == ANSWER


@pytest.mark.parametrize(
    "use", [Use(), Use(reads=True), Use(nonce=True), Use(token=True), Use(reads=True, nonce=True, token=True)]
)
def test_it_does_with_its_exchange_what_the_application_did(driver: Any, use: Use) -> None:
    front = wrapped(driver.asgi, catcher(asgi=driver.asgi), POLICY)
    with driver:
        given = let_through(lambda: driver.ask(front, driver.made(ASKED), b""))
        assert given is not None
        driver.ask(stand_in(ANSWER, use, asgi=driver.asgi), given, b"")
    assert Use.of(given["secmw"]) == use


def test_of_what_a_policy_has_not_nothing_is_used() -> None:
    everything = Use(reads=True, nonce=True, token=True)
    assert everything.under(POLICY) == everything
    less = Policy.from_mapping({**POLICY.written(), "sessions": None, "xsrf": None})
    assert everything.under(less) == Use(nonce=True)


def test_what_changes_the_session_is_seen() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        environ["secmw"].session["n"] = 1
        start_response("200 OK", [])
        return [b""]

    driver = WsgiDriver()
    front = wrapped(False, catcher(asgi=False), POLICY)
    given = let_through(lambda: driver.ask(front, driver.made(ASKED), b""))
    assert given is not None
    driver.ask(app, given, b"")
    assert Use.of(given["secmw"]).changes


def test_what_is_refused_is_not_let_through(driver: Any) -> None:
    front = wrapped(driver.asgi, catcher(asgi=driver.asgi), POLICY)
    evil = Request(method="GET", scheme="https", host="evil.example", target="/", headers=())
    with driver:
        assert let_through(lambda: driver.ask(front, driver.made(evil), b"")) is None

from __future__ import annotations

from typing import Any

import pytest

from secmw import Policy
from secmw.cli.bench.driving import Request, WsgiDriver
from secmw.cli.bench.target import wrapped
from secmw.cli.bench.visitors import SignedIn, Wanted, address, request
from secmw.keys import new_key
from secmw.sessions.writes import Create


def policy(**settings: Any) -> Policy:
    return Policy.recommended(
        **{
            "secret_keys": [new_key()],
            "public_url": "https://app.example.org",
            "store": "memory://",
            **settings,
        }
    )


def app(environ: Any, start_response: Any) -> list[bytes]:
    exchange = environ["secmw"]
    start_response("200 OK", [])
    return [f"{exchange.session.user_id} {exchange.scheme} {exchange.host} {exchange.client}".encode()]


def answered(wanted: Policy, asked: Request, signed_in: SignedIn | None = None) -> tuple[int, str]:
    made, driver = wrapped(False, app, wanted), WsgiDriver()
    if signed_in is not None:
        made.guard.store.write(Create(record=signed_in.record, user_id=signed_in.user))
    found = driver.ask(made, driver.made(asked), asked.body)
    return found.status, found.body.decode()


def signed_in(wanted: Policy) -> tuple[SignedIn, str]:
    rules = wrapped(False, app, wanted).plans.safe["/"].sessions
    return SignedIn.under(rules, "jane"), rules.cookie


def test_a_stranger_is_let_through() -> None:
    wanted = policy()
    assert answered(wanted, request(wanted, Wanted(), None)) == (
        200,
        "None https app.example.org 127.0.0.1",
    )


@pytest.mark.parametrize("settings", [{}, {"sessions": {"seal": True}}, {"sessions": {"inactivity": None}}])
def test_who_is_signed_in_is(settings: dict[str, Any]) -> None:
    wanted = policy(**settings)
    who, cookie = signed_in(wanted)
    assert answered(wanted, request(wanted, Wanted(), who, cookie), who)[1].startswith("jane ")


@pytest.mark.parametrize("somebody", [False, True])
def test_a_post_brings_its_token(somebody: bool) -> None:
    wanted = policy()
    who, cookie = signed_in(wanted) if somebody else (None, "")
    asked = request(wanted, Wanted(method="POST"), who, cookie)
    assert answered(wanted, asked, who)[0] == 200
    without = [line for line in asked.headers if line[0] != "x-xsrf-token"]
    assert (
        answered(
            wanted, request(wanted, Wanted(method="POST", headers=(("X-XSRF-Token", "x"),)), who, cookie), who
        )[0]
        == 403
    )
    assert len(without) == len(asked.headers) - 1


@pytest.mark.parametrize("family", ["x-forwarded", "forwarded", "x-rsc-request", "x-rstudio-request"])
@pytest.mark.parametrize(
    ("entry", "peer"), [("10.0.0.0/8", "10.0.0.0"), ("192.0.2.1", "192.0.2.1"), ("unix", None)]
)
def test_where_a_proxy_is_trusted_requests_come_through_it(family: Any, entry: str, peer: str | None) -> None:
    wanted = policy(trusted_proxies=[entry], forwarded=family)
    asked = request(wanted, Wanted(), None)
    assert asked.client == peer
    assert answered(wanted, asked) == (200, "None https app.example.org 203.0.113.7")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("https", "app.example.org")),
        ({"public_url": "https://app.example.org:8443/base"}, ("https", "app.example.org:8443")),
        ({"public_url": None, "allowed_hosts": ["a.example", "b.example"]}, ("https", "a.example")),
        ({"public_url": None, "allowed_hosts": [".example"]}, ("https", "www.example")),
        ({"public_url": None}, ("https", "localhost")),
    ],
)
def test_requests_are_for_a_host_that_the_policy_answers(settings: Any, expected: tuple[str, str]) -> None:
    wanted = policy(**settings)
    assert address(wanted) == expected
    assert answered(wanted, request(wanted, Wanted(), None))[0] == 200


def test_a_developers_machine_has_no_https() -> None:
    assert address(Policy.development(secret_keys=[new_key()])) == ("http", "localhost")


def test_headers_that_were_asked_for_win() -> None:
    asked = request(policy(), Wanted(headers=(("Accept", "text/plain"), ("Host", "other.example"))), None)
    assert [value for name, value in asked.headers if name == "accept"] == ["text/plain"]
    assert asked.host == "other.example"


def test_cookies_that_were_asked_for_come_before_ours() -> None:
    wanted = policy()
    who, cookie = signed_in(wanted)
    asked = request(wanted, Wanted(headers=(("Cookie", "theme=dark"),)), who, cookie)
    assert [value for name, value in asked.headers if name == "cookie"] == [f"theme=dark; {cookie}={who.id}"]
    assert answered(wanted, asked, who)[1].startswith("jane ")


def test_a_program_with_a_key_of_its_own_has_neither_page_nor_cookies() -> None:
    wanted = policy()
    asked = request(wanted, Wanted(method="POST", headers=(("Authorization", "Bearer x"),)), None)
    names = {name for name, _ in asked.headers}
    assert not names & {"cookie", "origin", "referer", "sec-fetch-site", "x-xsrf-token"}
    assert answered(wanted, asked)[0] == 200

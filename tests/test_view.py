"""A request as checks and applications read it."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.exchange import Exchange
from tests.making import HOST, exchange, plans
from tests.test_exchange import COOKIE, HOME, unscreened

# --- what checks and applications read


def test_it_says_who_and_where() -> None:
    found = exchange(plans(), "POST", "/a", headers=HOME, cookie=COOKIE, certified=True)
    assert (found.method, found.scheme, found.host, found.path) == ("POST", "https", HOST, "/a")
    assert (found.origin, found.client, found.cookie) == (f"https://{HOST}", "192.0.2.1", COOKIE)
    assert (found.local, found.named, found.certified, found.forwarded) == (False, True, True, False)
    assert found.policy.preset == "recommended"
    assert found.field("sec-fetch-site") == "same-origin"
    assert found.field("referer") is None


@pytest.mark.parametrize(
    ("peer", "client"),
    [(None, None), (("", 0), None), (("192.0.2.1", 1), "192.0.2.1"), ("192.0.2.1", "192.0.2.1")],
)
def test_the_client_is_an_address_or_nobody(peer: Any, client: str | None) -> None:
    made = plans()
    assert Exchange(made.safe["/"], made.sites[HOST], "GET", "https", "/", peer).client == client


def test_over_plain_http_our_origin_is_another() -> None:
    """XS-06"""
    assert exchange(plans(https="off"), scheme="http").origin == f"http://{HOST}"


def test_a_request_that_was_not_looked_at_closely_claims_nothing() -> None:
    found = unscreened()
    assert (found.forwarded, found.claims_https, found.certified, found.socket) == (
        False,
        False,
        False,
        False,
    )
    assert found.form_limit == 65_536
    assert unscreened(plans(xsrf=None)).form_limit == 0


@pytest.mark.parametrize(
    ("request_", "socket"), [({}, False), ({"socket": True}, True), ({"headers": {"upgrade": "x"}}, True)]
)
def test_a_handshake_and_an_upgrade_are_sockets(request_: Any, socket: bool) -> None:
    assert exchange(plans(xsrf=None), **request_).socket is socket

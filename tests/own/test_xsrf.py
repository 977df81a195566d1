"""The address where a static front end gets its cookies."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.exchange import Exchange
from secmw.http import Reason, Reply
from tests.making import exchange, plans, served, values


def asked(
    method: str = "GET", path: str = "/_secmw/xsrf", *, settings: Any = None, **request: Any
) -> Exchange:
    return exchange(plans(**(settings or {})), method, path, **request)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_static_front_end_gets_its_cookies_and_no_body(method: str) -> None:
    found = asked(method)
    assert served(found) == Reply(204, ())
    lines = found.close(204, [])
    assert [value.partition("=")[0] for value in values(lines, "set-cookie")] == [
        "__Host-visit",
        "XSRF-TOKEN",
    ]
    assert values(lines, "cache-control") == ["no-store"]
    assert values(lines, "vary") == ["Cookie"]


@pytest.mark.parametrize("method", ["OPTIONS", "QUERY"])
def test_the_page_of_tokens_is_got_and_nothing_else(method: str) -> None:
    found = asked(method)
    assert found.refusal is not None
    assert (found.refusal.status, found.refusal.headers) == (405, (("Allow", "GET, HEAD"),))


@pytest.mark.parametrize(
    ("path", "settings", "request_"),
    [
        ("/_secmw/", {}, {}),
        ("/_secmw/xsrf/", {}, {}),
        ("/_secmw/XSRF", {}, {}),
        ("/_secmw/xsrf", {"xsrf": None}, {}),
        ("/_secmw/xsrf", {"xsrf": {"token": False}}, {}),
        ("/_secmw/xsrf", {}, {"socket": True}),
    ],
)
def test_there_is_nothing_else_at_our_address(path: str, settings: Any, request_: Any) -> None:
    found = asked("GET", path, settings=settings, **request_)
    assert found.refusal is not None
    assert found.refusal.reason is Reason.NOT_FOUND


def test_a_get_that_offers_an_upgrade_is_answered_all_the_same() -> None:
    assert served(asked(headers={"upgrade": "h2c"})) == Reply(204, ())

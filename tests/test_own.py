"""What we serve ourselves, and the cookies we set."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.http import ASGI, Reason, Reply
from secmw.own import answer, own_cookie, visit_cookie, xsrf_cookie
from tests.making import exchange, plans, policy, values


def xsrf_page(
    method: str = "GET", path: str = "/_secmw/xsrf", *, settings: Any = None, **request: Any
) -> Any:
    return exchange(plans(**(settings or {})), method, path, **request)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_static_front_end_gets_its_cookies_and_no_body(method: str) -> None:
    found = xsrf_page(method)
    assert answer(found) == Reply(204, ())
    lines = found.close(204, [])
    assert [value.partition("=")[0] for value in values(lines, "set-cookie")] == [
        "__Host-visit",
        "XSRF-TOKEN",
    ]
    assert values(lines, "cache-control") == ["no-store"]
    assert values(lines, "vary") == ["Cookie"]


@pytest.mark.parametrize("method", ["OPTIONS", "QUERY"])
def test_the_page_of_tokens_is_got_and_nothing_else(method: str) -> None:
    refusal = answer(xsrf_page(method))
    assert not isinstance(refusal, Reply)
    assert (refusal.status, refusal.headers) == (405, (("Allow", "GET, HEAD"),))


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
    refusal = answer(xsrf_page("GET", path, settings=settings, **request_))
    assert not isinstance(refusal, Reply)
    assert refusal.reason is Reason.NOT_FOUND


def test_a_get_that_offers_an_upgrade_is_answered_all_the_same() -> None:
    assert answer(xsrf_page(headers={"upgrade": "h2c"})) == Reply(204, ())


def test_the_visit_cookie_is_kept_from_scripts_and_other_hosts() -> None:
    """CK-01, XS-11"""
    assert visit_cookie(policy(), "v").render() == "__Host-visit=v; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_the_token_cookie_is_for_scripts_and_otherwise_alike() -> None:
    """XS-11"""
    assert xsrf_cookie(policy(), "t").render() == "XSRF-TOKEN=t; Path=/; Secure; SameSite=Lax"


def test_embedding_gives_the_visit_a_name_of_its_own() -> None:
    """CK-10: the same name with and without Partitioned lives twice in a browser"""
    embedded = policy().embed(["https://portal.example"])
    assert visit_cookie(embedded, "v").render() == (
        "__Host-visit-embed=v; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
    )
    assert xsrf_cookie(embedded, "t").render().endswith("; Secure; SameSite=None; Partitioned")


@pytest.mark.parametrize(
    ("cookies", "name"),
    [
        ({}, "__Host-visit"),
        ({"prefix": False}, "visit"),
        ({"secure": False}, "visit"),
        ({"visit": "v"}, "__Host-v"),
    ],
)
def test_a_name_has_the_prefix_whose_promise_it_keeps(cookies: Any, name: str) -> None:
    """CK-01, CK-02"""
    made = policy(cookies=cookies)
    assert own_cookie(made, made.cookies.visit) == name


def test_every_preset_makes_cookies_that_browsers_keep() -> None:
    for preset in ("recommended", "strict", "connect", "workbench"):
        made = type(policy()).from_mapping({**policy().written(), "preset": preset})
        assert visit_cookie(made, "v").render()
        assert xsrf_cookie(made, "t").render()
        made.compile(ASGI)

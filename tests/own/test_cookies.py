"""The cookies we set ourselves."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.http import ASGI
from secmw.own.cookies import forgotten, own_cookie, session_cookie, visit_cookie, xsrf_cookie
from secmw.policy import Policy
from secmw.sessions.identifier import new_id
from secmw.sessions.rules import Rules
from secmw.sessions.rules import rules as rules_of
from tests.making import KEY, URL, policy


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


# --- sessions


def rules(made: Policy) -> Rules:
    found = rules_of(made, can_verify=False)
    assert found is not None
    return found


def rendered(**settings: Any) -> tuple[str, str]:
    """Return the id, and the line that sets its cookie."""
    made, id_ = policy(**{"sessions": "on", **settings}), new_id()
    return str(id_), session_cookie(made, rules(made), id_).render()


def test_the_id_goes_with_the_browsers_run_and_to_no_script_and_no_other_host() -> None:
    """SE-19, CK-01"""
    id_, line = rendered()
    assert line == f"__Host-id={id_}; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_the_id_outlives_the_browsers_run_where_the_policy_says_so() -> None:
    """SE-19"""
    id_, line = rendered(sessions={"persistent": True, "lifetime": "2h"})
    assert line == f"__Host-id={id_}; Path=/; Max-Age=7200; Secure; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("preset", "name"), [("recommended", "__Host-id"), ("strict", "__Host-id"), ("connect", "rsconnect")]
)
def test_the_id_has_the_name_its_preset_gives_it(preset: str, name: str) -> None:
    made = getattr(Policy, preset)(secret_keys=[KEY], public_url=URL)
    assert rules(made).cookie == name


def test_embedding_gives_the_id_a_name_of_its_own() -> None:
    """CK-10"""
    embedded = policy(sessions="on").embed(["https://portal.example"])
    line = session_cookie(embedded, rules(embedded), new_id()).render()
    assert line.startswith("__Host-id-embed=")
    assert line.endswith("; HttpOnly; SameSite=None; Partitioned")


def test_what_a_sign_out_forgets_has_the_attributes_it_was_set_with() -> None:
    """HD-07, SE-24: a deletion that names another path, or no Partitioned, deletes nothing"""
    made = policy(sessions="on").embed(["https://portal.example"])
    lines = [cookie.render() for cookie in forgotten(made, rules(made))]
    assert [line.partition("=")[0] for line in lines] == [
        "__Host-id-embed",
        "__Host-visit-embed",
        "XSRF-TOKEN",
    ]
    for line in lines:
        assert "; Max-Age=0" in line
        assert "; Path=/" in line
        assert "; Secure" in line
        assert line.endswith("; SameSite=None; Partitioned")
    assert ["HttpOnly" in line for line in lines] == [True, True, False]


@pytest.mark.parametrize("xsrf", [None, {"token": False}])
def test_what_was_never_set_is_not_deleted(xsrf: Any) -> None:
    made = policy(sessions="on", xsrf=xsrf)
    assert [cookie.name for cookie in forgotten(made, rules(made))] == ["__Host-id"]


def test_a_page_shown_after_a_sign_out_keeps_the_visit_of_its_own_form() -> None:
    made = policy(sessions="on")
    assert [cookie.name for cookie in forgotten(made, rules(made), but_visit=True)] == ["__Host-id"]

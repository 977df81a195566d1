"""The settings of sessions, worked out for a class of paths."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.http import ASGI
from secmw.policy import Policy
from secmw.sessions.identifier import TWO, new_id
from secmw.sessions.rules import Rules
from secmw.sessions.rules import rules as rules_of
from tests.making import KEY, URL, policy


def made(**settings: Any) -> Rules:
    found = rules_of(policy(**{"sessions": "on", **settings}), can_verify=False)
    assert found is not None
    return found


def test_a_policy_without_sessions_has_no_rules() -> None:
    assert rules_of(policy(sessions=None), can_verify=True) is None


def test_durations_are_seconds_and_what_is_absent_is_nothing() -> None:
    found = made(
        sessions={"lifetime": "2h", "inactivity": None, "cap": None, "max_size": 4096},
        sudo={"duration": "1m"},
    )
    assert (found.lifetime, found.inactivity, found.cap, found.max_size) == (7200, 0, 0, 4096)
    assert (found.sudo, found.sudo_duration, found.can_verify) == (True, 60, False)
    assert not made(sudo={"enabled": False}).sudo


@pytest.mark.parametrize(("inactivity", "every"), [("8h", 60), ("10m", 60), ("5m", 30), (10, 1), (None, 60)])
def test_last_seen_is_written_about_once_a_minute_and_often_enough(inactivity: Any, every: float) -> None:
    """SE-06, SE-10"""
    assert made(sessions={"inactivity": inactivity}).touch_every == every


@pytest.mark.parametrize(
    ("path", "passive"),
    [
        ("/poll", True),
        ("/feeds/a", True),
        ("/feeds", False),
        ("/poll/x", False),
        ("/", False),
        ("//poll", False),
        ("/feeds/../account", False),
        ("/feeds/;x", False),
    ],
)
def test_a_passive_path_is_no_activity_in_no_trick_of_spelling(path: str, passive: bool) -> None:
    """SE-06"""
    ask = made(sessions={"passive": ["/poll", "/feeds/"]}).passive
    assert ask is not None
    assert ask(path) is passive


def test_where_no_path_is_passive_nothing_is_asked() -> None:
    assert made().passive is None


# --- the cookie


def find(header: str, **settings: Any) -> Any:
    """Look for an id on both wires, which must find the same."""
    on = policy(**{"sessions": "on", **settings})
    one, other = rules_of(on, can_verify=False), rules_of(on, can_verify=False, wire=ASGI)
    assert one is not None
    assert other is not None
    found = one.find(header)
    assert other.find(header.encode("latin-1")) == found
    return found


def test_an_id_is_found_among_other_cookies() -> None:
    id_ = str(new_id())
    for header in (f"__Host-id={id_}", f"a=b; __Host-id={id_}; c=d", f"__Host-id={id_};__Host-id={id_}"):
        assert find(header) == id_.encode()


@pytest.mark.parametrize(
    "header",
    ["", "a=b", "__Host-id=", "__Host-id=x", "id={id}", "__host-id={id}", "__Host-id=\xff", "__Host-id"],
)
def test_what_is_no_id_under_our_name_is_none(header: str) -> None:
    """SE-02"""
    assert find(header.replace("{id}", str(new_id()))) is None


def test_two_ids_that_differ_are_neither() -> None:
    """CK-08"""
    assert find(f"__Host-id={new_id()}; __Host-id={new_id()}") is TWO


def test_a_malformed_one_beside_ours_is_passed_by() -> None:
    """CK-08: what is planted under our name locks nobody out"""
    id_ = str(new_id())
    assert find(f"__Host-id=planted; __Host-id={id_}") == id_.encode()


def test_a_twin_stands_in_where_the_browser_kept_that_alone() -> None:
    """CK-11"""
    id_, other = str(new_id()), str(new_id())
    settings: Any = {"cookies": {"same_site": "None", "legacy_twin": "always", "prefix": False}}
    assert find(f"id-legacy={id_}", **settings) == id_.encode()
    assert find(f"id-legacy={other}; id={id_}", **settings) == id_.encode()
    assert find(f"__Host-id-legacy={id_}") is None


@pytest.mark.parametrize(("written", "seconds"), [(15, 15.0), ("1m", 60.0), (0.2, 0.2), ("20", 20.0)])
def test_what_outlives_its_request_is_looked_after_every_few_seconds(written: Any, seconds: float) -> None:
    """RP-03"""
    assert made(sessions={"recheck": written}).recheck == seconds
    found = made()
    assert (found.websocket, found.recheck, found.close_code) == ("at_expiry", 15.0, 1008)
    assert made(sessions={"close_code": 4500}).close_code == 4500


def test_messages_are_activity_only_where_the_policy_says_so() -> None:
    """SE-06"""
    assert made().active is None
    some = made(sessions={"websocket_activity": ["/chat", "/apps/"]}).active
    assert some is not None
    assert [some(path) for path in ("/chat", "/apps/a", "/apps", "//chat", "/")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    everywhere = rules_of(Policy.connect(secret_keys=[KEY], public_url=URL), can_verify=False)
    assert everywhere is not None
    assert everywhere.active is not None
    assert everywhere.active("/content/1/websocket/")
    assert "ACK 1F".startswith(everywhere.heartbeats)
    assert not '["0|m|{}"]'.startswith(everywhere.heartbeats)


def test_an_application_with_a_namespace_has_names_of_its_own_and_one_without_has_all() -> None:
    """SE-17"""
    named = made(sessions={"namespace": "shop", "shared": ["theme"]}).stored
    assert named is not None
    assert [named(name) for name in ("cart", "theme")] == ["shop/cart", "/theme"]
    assert made().stored is None

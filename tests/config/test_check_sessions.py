"""What must hold of a policy's sessions, sudo and audit: each rule found and named."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.errors import ConfigError
from secmw.policy import Policy
from tests.making import KEY


def found(preset: str = "recommended", **settings: Any) -> dict[str, str]:
    """Return what is wrong, by setting."""
    given = {"secret_keys": [KEY], "public_url": "https://app.example", **settings, "preset": preset}
    try:
        Policy.from_mapping(given)
    except ConfigError as error:
        return {problem.setting: problem.message for problem in error.problems}
    return {}


def test_sessions_are_on_and_nothing_is_wrong_with_them() -> None:
    assert found() == {}
    for preset in ("strict", "connect", "workbench"):
        assert found(preset) == {}


@pytest.mark.parametrize(
    ("sessions", "wrong"),
    [
        ({"cookie": "a b"}, "sessions.cookie"),
        ({"cookie": ""}, "sessions.cookie"),
        ({"cookie": "id-legacy"}, "sessions.cookie"),
        ({"cookie": "visit"}, "sessions.cookie"),
        ({"cookie": "XSRF-TOKEN"}, "sessions.cookie"),
        ({"max_size": 1023}, "sessions.max_size"),
        ({"max_size": 1024 * 1024 + 1}, "sessions.max_size"),
        ({"cap": 0}, "sessions.cap"),
        ({"cap": 1001}, "sessions.cap"),
        ({"passive": ["/ok/", "poll"]}, "sessions.passive[1]"),
        ({"sign_in_url": "https://evil.example"}, "sessions.sign_in_url"),
        ({"sign_in_url": "//evil.example"}, "sessions.sign_in_url"),
        ({"sign_in_url": "sign-in"}, "sessions.sign_in_url"),
        ({"sign_in_url": "/sign in"}, "sessions.sign_in_url"),
        ({"sign_in_url": ""}, "sessions.sign_in_url"),
        ({"lifetime": "soon"}, "sessions.lifetime"),
        ({"lifetime": 59}, "sessions.lifetime"),
        ({"lifetime": "401d"}, "sessions.lifetime"),
        ({"inactivity": 9}, "sessions.inactivity"),
        ({"sweep": 0}, "sessions.sweep"),
        ({"nonsense": 1}, "sessions.nonsense"),
        ({"websocket": "never"}, "sessions.websocket"),
        ({"recheck": 0}, "sessions.recheck"),
        ({"recheck": 0.05}, "sessions.recheck"),
        ({"recheck": "2h"}, "sessions.recheck"),
        ({"recheck": "soon"}, "sessions.recheck"),
        ({"close_code": 1005}, "sessions.close_code"),
        ({"close_code": 1006}, "sessions.close_code"),
        ({"close_code": 1010}, "sessions.close_code"),
        ({"close_code": 1015}, "sessions.close_code"),
        ({"close_code": 2999}, "sessions.close_code"),
        ({"close_code": 5000}, "sessions.close_code"),
        ({"websocket_activity": ["/ok/", "ws"]}, "sessions.websocket_activity[1]"),
        ({"websocket_heartbeats": ["ping", ""]}, "sessions.websocket_heartbeats[1]"),
        ({"on_outage": "panic"}, "sessions.on_outage"),
    ],
)
def test_what_is_wrong_with_sessions_is_named(sessions: Any, wrong: str) -> None:
    assert list(found(sessions=sessions)) == [wrong]


@pytest.mark.parametrize(
    "sessions",
    [
        {"cookie": "sid", "max_size": 1024, "cap": 1, "passive": ["/poll", "/feeds/"]},
        {"max_size": 1024 * 1024, "cap": 1000, "sign_in_url": "/in?lang=de"},
        {"lifetime": "30d", "inactivity": None, "sweep": 1},
        "on",
        None,
    ],
)
def test_what_is_right_is_not(sessions: Any) -> None:
    assert found(sessions=sessions) == {}


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"sudo": {"duration": 9}}, "sudo.duration"),
        ({"sudo": {"duration": "25h"}}, "sudo.duration"),
        ({"sudo": {"duration": "soon"}}, "sudo.duration"),
        ({"audit": {"refusals_per_minute": -1}}, "audit.refusals_per_minute"),
        ({"audit": {"on_failure": "panic"}}, "audit.on_failure"),
    ],
)
def test_what_is_wrong_with_sudo_and_audit_is_named(settings: Any, wrong: str) -> None:
    assert list(found(**settings)) == [wrong]
    assert list(found(sessions=None, **settings)) == [wrong]


@pytest.mark.parametrize(
    ("sessions", "wrong"),
    [
        ({"namespace": "shop"}, []),
        ({"namespace": "shop", "shared": ["theme", "", "a/b"]}, []),
        ({"namespace": "a/b"}, ["sessions.namespace"]),
        ({"namespace": ""}, ["sessions.namespace"]),
        ({"shared": ["theme"]}, ["sessions.shared"]),
        ({"namespace": "shop", "shared": ["a", "\ud800"]}, ["sessions.shared[1]"]),
    ],
)
def test_what_is_wrong_with_the_names_of_an_application_is_named(sessions: Any, wrong: list[str]) -> None:
    assert list(found(sessions=sessions)) == wrong


# --- path classes


@pytest.mark.parametrize(
    ("base", "here", "wrong"),
    [
        ("on", None, None),
        ("on", {"on_outage": "anonymous"}, None),
        ("on", {"lifetime": "1h"}, 'paths."/x/".sessions.lifetime'),
        ("on", {"cookie": "other"}, 'paths."/x/".sessions.cookie'),
        (None, "on", 'paths."/x/".sessions'),
        (None, None, None),
    ],
)
def test_a_path_class_decides_whether_it_has_sessions_and_what_an_outage_means(
    base: Any, here: Any, wrong: str | None
) -> None:
    problems = found(sessions=base, paths={"/x/": {"sessions": here}})
    assert list(problems) == ([] if wrong is None else [wrong])


def test_every_problem_is_said_at_once() -> None:
    problems = found(
        sessions={"cookie": "a b", "cap": 0, "sign_in_url": "x"}, audit={"refusals_per_minute": -1}
    )
    assert set(problems) == {
        "sessions.cookie",
        "sessions.cap",
        "sessions.sign_in_url",
        "audit.refusals_per_minute",
    }

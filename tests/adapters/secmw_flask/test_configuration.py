from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import secmw.testing
from secmw import ConfigError, Cookies, Policy
from secmw_flask import Secmw
from tests.adapters.secmw_flask.apps import KEY, production, relaxed

SITE = {"SECMW_SECRET_KEYS": [KEY], "SECMW_PUBLIC_URL": "https://app.example.org", "SECMW_STORE": "memory://"}


def policy(policy: Policy | None = None, /, **config: Any) -> Policy:
    """Return the policy that an application with this configuration gets."""
    app = Flask(__name__)
    app.config.update(config)
    Secmw(app, policy)
    made: Policy = app.extensions["secmw"].policy
    return made


def problems(given: Policy | None = None, /, **config: Any) -> dict[str, str]:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigError) as caught:
        policy(given, **config)
    return {problem.setting: str(problem) for problem in caught.value.problems}


def test_a_configuration_may_be_written_in_parts_in_names_and_as_text() -> None:
    made = policy(
        **SITE,
        SECMW_PRESET="strict",
        SECMW_HSTS={"max_age": "30d"},
        SECMW_SESSIONS__CAP=3,
        SECMW_ALLOWED_HOSTS="a.example.org, b.example.org",
        SECMW_XSRF={"exempt": ["/hooks/"]},
        SECMW_CSP={"default-src": ["'self'"]},
        SECMW_FRAME_OPTIONS=None,
        SECMW_COOKIES=Cookies(same_site="Strict"),
    )
    assert made.preset == "strict"
    assert made.hsts is not None
    assert (made.hsts.max_age, made.hsts.include_subdomains) == (2_592_000, True)
    assert made.sessions is not None
    assert made.sessions.cap == 3
    assert tuple(made.allowed_hosts) == ("a.example.org", "b.example.org")
    assert made.xsrf is not None
    assert tuple(made.xsrf.exempt) == ("/hooks/",)
    assert made.csp == {"default-src": ("'self'",)}
    assert made.frame_options is None


def test_a_configuration_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SECMW_HSTS__MAX_AGE", "30d")
    monkeypatch.setenv("FLASK_SECMW_PUBLIC_URL", "https://app.example.org")
    monkeypatch.setenv("FLASK_SECMW_SECRET_KEYS", KEY)
    monkeypatch.setenv("FLASK_SECMW_STORE", "memory://")
    app = Flask(__name__)
    app.config.from_prefixed_env()
    Secmw(app)
    assert app.extensions["secmw"].policy.hsts.max_age == 2_592_000


def test_a_variable_adds_to_what_the_application_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SECMW_SESSIONS__CAP", "5")
    app = Flask(__name__)
    app.config.update(SITE, SECMW_SESSIONS={"sign_in_url": "/sign-in", "cap": 3})
    app.config.from_prefixed_env()
    Secmw(app)
    sessions = app.extensions["secmw"].policy.sessions
    assert (sessions.sign_in_url, sessions.cap) == ("/sign-in", 5)


def test_every_name_that_is_no_setting_is_reported_with_the_one_that_was_meant() -> None:
    found = problems(**SITE, SECMW_FRAME_OPTION=None, SECMW_HTSS={"max_age": 1}, SECMW_STOER="memory://")
    assert "SECMW_FRAME_OPTIONS?" in found["SECMW_FRAME_OPTION"]
    assert "SECMW_HSTS?" in found["SECMW_HTSS"]
    assert "SECMW_STORE?" in found["SECMW_STOER"]


def test_names_inside_a_part_are_reported_too() -> None:
    found = problems(**SITE, SECMW_XSRF={"exemt": []}, SECMW_SESSIONS__CAPP=3)
    assert "exempt?" in found["xsrf.exemt"]
    assert "cap?" in found["sessions.capp"]


def test_a_part_that_is_written_twice_is_an_error() -> None:
    assert "write one of the two" in str(problems(**SITE, SECMW_HSTS={"max_age": 1}, SECMW_HSTS__MAX_AGE=2))


def test_a_flat_setting_has_no_parts() -> None:
    assert "has no parts" in str(problems(**SITE, SECMW_STORE__URL=1))


def test_a_key_is_in_no_message() -> None:
    assert "c2hvcnQ" not in str(problems(**{**SITE, "SECMW_SECRET_KEYS": ["c2hvcnQ="]}))


def test_a_policy_beside_a_configuration_is_an_error() -> None:
    found = problems(production(), SECMW_HTTPS="off", SECMW_STORE="memory://")
    assert sorted(found) == ["SECMW_HTTPS", "SECMW_STORE"]


def test_an_application_of_which_nothing_is_said_is_not_served() -> None:
    assert "SECMW_PRESET" in problems()["policy"]


@pytest.mark.parametrize("config", [{"DEBUG": True}, {"SECMW_PRESET": "development"}])
def test_debug_mode_alone_gets_the_development_preset(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = policy(**config)
    assert made.preset == "development"
    assert (tmp_path / ".secmw").is_dir()


def test_debug_mode_with_a_configuration_gets_what_that_says() -> None:
    assert policy(**SITE, DEBUG=True).preset == "recommended"


# --- Flask's own words


def test_what_flasks_configuration_says_of_sessions_counts_where_the_policy_does_not_say_it() -> None:
    made = policy(
        **SITE,
        SECMW_SESSIONS={"cap": 3},
        SESSION_COOKIE_NAME="__Host-shop",
        SESSION_COOKIE_SAMESITE="strict",
        SESSION_COOKIE_SECURE=True,
        PERMANENT_SESSION_LIFETIME=dt.timedelta(minutes=30),
    )
    assert made.sessions is not None
    assert (made.sessions.cookie, made.sessions.inactivity, made.sessions.cap) == ("shop", 1800, 3)
    assert made.sessions.lifetime == 86_400
    assert made.cookies.same_site == "Strict"


def test_it_counts_beside_a_policy_too() -> None:
    bare = Policy.recommended(secret_keys=[KEY], public_url="https://app.example.org", store="memory://")
    made = policy(bare, SESSION_COOKIE_SAMESITE="None", SESSION_COOKIE_PARTITIONED=True)
    assert (made.cookies.same_site, made.cookies.partitioned, made.cookies.secure) == ("None", True, True)


def test_a_lifetime_that_is_not_refreshed_is_the_whole_lifetime() -> None:
    made = policy(**SITE, PERMANENT_SESSION_LIFETIME=3600, SESSION_REFRESH_EACH_REQUEST=False)
    assert made.sessions is not None
    assert (made.sessions.lifetime, made.sessions.inactivity) == (3600, 28_800)


def test_two_words_that_differ_are_an_error_that_names_both() -> None:
    given = production(sessions={"cookie": "shop"}, cookies=Cookies(secure=True, same_site="Lax"))
    found = problems(
        given,
        SESSION_COOKIE_NAME="other",
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=dt.timedelta(minutes=5),
    )
    assert "sessions.cookie = 'shop'" in found["SESSION_COOKIE_NAME"]
    assert "cookies.same_site = 'Lax'" in found["SESSION_COOKIE_SAMESITE"]
    assert "sessions.inactivity = 28800" in found["PERMANENT_SESSION_LIFETIME"]


def test_two_words_that_are_the_same_are_none_too_many() -> None:
    policy(production(sessions={"cookie": "shop"}), SESSION_COOKIE_NAME="shop")


def test_what_a_session_never_is_is_an_error() -> None:
    found = problems(
        **SITE,
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_DOMAIN="example.org",
        SESSION_COOKIE_PATH="/shop",
        PERMANENT_SESSION_LIFETIME="half an hour",
    )
    assert sorted(found) == [
        "PERMANENT_SESSION_LIFETIME",
        "SESSION_COOKIE_DOMAIN",
        "SESSION_COOKIE_HTTPONLY",
        "SESSION_COOKIE_PATH",
    ]


def test_nonsense_in_flasks_words_is_reported_under_the_setting_that_it_would_be() -> None:
    assert "cookies.same_site" in problems(**SITE, SESSION_COOKIE_SAMESITE="sometimes")


def test_a_policy_for_test_clients_stands_beside_the_configuration_of_production() -> None:
    given = relaxed()
    made = policy(given, TESTING=True, SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Strict")
    assert made.cookies == given.cookies
    assert "SESSION_COOKIE_SECURE" in problems(given, SESSION_COOKIE_SECURE=True)


def test_without_sessions_flasks_words_are_about_flasks_own() -> None:
    policy(**SITE, SECMW_SESSIONS="off", SESSION_COOKIE_DOMAIN="example.org", SECRET_KEY="x")


def test_the_policy_for_test_clients_can_be_made_of_a_configuration() -> None:
    """Of a factory's application tests make another: config in, policy out, relaxed."""
    made = secmw.testing.policy(policy(**SITE))
    assert made.https == "off"

"""What Django's settings say of the policy, and when."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from secmw import ConfigError, Policy
from secmw_django import conf
from secmw_django.settings import contradictions, merged
from tests.adapters.secmw_django import site

site.configure()

BASE: dict[str, Any] = {
    "SECMW": {"public_url": "https://app.example.org", "sessions": None},
    "SECRET_KEY": "an example of fifty characters: abcdefghijklmnopqrstuvwxyz",
}
WITH_SESSIONS = {**BASE, "SECMW": {"public_url": "https://app.example.org", "store": "memory://"}}


def policy(**given: Any) -> Policy:
    with override_settings(**{**BASE, **given}):
        return Policy.from_mapping(merged(settings))


def at(found: Policy, setting: str) -> Any:
    value: Any = found
    for name in setting.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("ALLOWED_HOSTS", ["www.example.org", ".example.net"], "allowed_hosts", ("www.example.org", ".example.net")),
        ("ALLOWED_HOSTS", ["*"], "allowed_hosts", ()),
        ("SECURE_SSL_REDIRECT", True, "https", "redirect"),
        ("SECURE_HSTS_SECONDS", 3600, "hsts.max_age", 3600),
        ("SECURE_HSTS_SECONDS", 0, "hsts", None),
        ("SECURE_HSTS_INCLUDE_SUBDOMAINS", True, "hsts.include_subdomains", True),
        ("SECURE_REFERRER_POLICY", "no-referrer", "referrer_policy", "no-referrer"),
        ("SECURE_REFERRER_POLICY", ["origin", "same-origin"], "referrer_policy", "origin, same-origin"),
        ("SECURE_REFERRER_POLICY", None, "referrer_policy", None),
        ("SECURE_CROSS_ORIGIN_OPENER_POLICY", "unsafe-none", "opener_policy", "unsafe-none"),
        ("SECURE_CROSS_ORIGIN_OPENER_POLICY", None, "opener_policy", None),
        ("SECURE_CONTENT_TYPE_NOSNIFF", False, "content_type_sniffing", True),
        ("X_FRAME_OPTIONS", "SAMEORIGIN", "frame_options", "SAMEORIGIN"),
        ("CSRF_TRUSTED_ORIGINS", ["https://a.example"], "xsrf.trusted_origins", ("https://a.example",)),
        ("CSRF_TRUSTED_ORIGINS", ["https://*.example.com"], "xsrf.trusted_origins", ()),
        ("SESSION_COOKIE_SAMESITE", "Strict", "cookies.same_site", "Strict"),
        ("SESSION_COOKIE_SAMESITE", False, "cookies.same_site", "Lax"),
        ("SESSION_COOKIE_SECURE", False, "cookies.secure", True),
        ("SECURE_CSP", {"default-src": ["'self'"], "script-src": ["<CSP_NONCE_SENTINEL>"]}, "csp.script-src", None),
    ],
)  # fmt: skip
def test_a_setting_of_djangos_counts_where_secmw_says_nothing(
    name: str, value: Any, setting: str, expected: Any
) -> None:
    found = policy(**{name: value})
    if name == "SECURE_CSP":
        assert found.csp == {"default-src": ("'self'",), "script-src": ("'nonce'",)}
    else:
        assert at(found, setting) == expected


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("SESSION_COOKIE_AGE", 7200, "sessions.lifetime", 7200),
        ("SESSION_EXPIRE_AT_BROWSER_CLOSE", False, "sessions.persistent", True),
        ("SESSION_COOKIE_NAME", "shop", "sessions.cookie", "shop"),
    ],
)
def test_a_setting_of_sessions_counts_too(name: str, value: Any, setting: str, expected: Any) -> None:
    assert at(policy(**WITH_SESSIONS, **{name: value}), setting) == expected


def test_what_secmw_says_counts_more() -> None:
    given = {**BASE["SECMW"], "frame_options": None, "hsts": {"max_age": 60}}
    found = policy(SECMW=given, X_FRAME_OPTIONS="DENY", SECURE_HSTS_SECONDS=10, SECURE_HSTS_PRELOAD=False)
    assert (found.frame_options, at(found, "hsts.max_age")) == (None, 60)


def test_defaults_of_djangos_say_nothing() -> None:
    assert policy().referrer_policy == Policy.recommended(xsrf=None, sessions=None).referrer_policy


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_keys_are_made_of_djangos_and_change_with_them() -> None:
    one, other = "a first key that is long enough: abcdefghijklmnopqrstuv", "b" * 20 + BASE["SECRET_KEY"]
    keys = policy(SECRET_KEY=one).secret_keys
    assert len(keys) == 1
    assert one not in keys[0]
    assert policy(SECRET_KEY=other, SECRET_KEY_FALLBACKS=[one]).secret_keys == (
        *policy(SECRET_KEY=other).secret_keys,
        *keys,
    )


@pytest.mark.parametrize("weak", ["short", "a" * 60])
def test_a_weak_key_makes_none(weak: str) -> None:
    with override_settings(**{**BASE, "SECRET_KEY": weak}), pytest.raises(ConfigError, match="secret_keys"):
        conf.policy()


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_djangos_middleware_asks_for_the_token_where_it_is_there() -> None:
    found = policy(MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]).xsrf
    assert found is not None
    assert (found.origin, found.token) == (True, False)


def test_secmw_asks_under_djangos_names_where_it_is_not() -> None:
    found = policy(MIDDLEWARE=[], CSRF_COOKIE_NAME="mine").xsrf
    assert found is not None
    assert (found.token, found.field, found.cookie, found.header) == (
        True,
        "csrfmiddlewaretoken",
        "mine",
        "X-CSRFTOKEN",
    )


# --- a developer's machine ----------------------------------------------------------------------------------------------


def test_debug_alone_makes_the_development_preset_that_answers_this_machine_only() -> None:
    given = {"ALLOWED_HOSTS": ["app.example.org"], "SECURE_HSTS_SECONDS": 60, "SECURE_SSL_REDIRECT": True}
    found = policy(DEBUG=True, SECMW={}, **given)
    assert (found.preset, found.hsts, found.https) == ("development", None, "off")
    assert "app.example.org" not in found.allowed_hosts
    assert policy(DEBUG=True).preset == "recommended"
    assert policy(DEBUG=True, SECMW={"preset": "strict", "sessions": None}).preset == "strict"


# --- contradictions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said", "fights"),
    [
        ("X_FRAME_OPTIONS", "SAMEORIGIN", {"frame_options": "DENY"}, True),
        ("X_FRAME_OPTIONS", "DENY", {"frame_options": "DENY"}, False),
        ("SECURE_HSTS_SECONDS", 60, {"hsts": {"max_age": "1m"}}, False),
        ("SECURE_HSTS_SECONDS", 60, {"hsts": {"max_age": "2m"}}, True),
        ("SECURE_HSTS_SECONDS", 60, {"hsts": "off"}, False),
        ("SESSION_COOKIE_SAMESITE", "Strict", {"cookies": {"same_site": "Lax"}}, True),
        ("SECURE_REFERRER_POLICY", None, {"referrer_policy": "omit"}, False),
    ],
)
def test_a_contradiction_names_both(name: str, value: Any, said: dict[str, Any], fights: bool) -> None:
    with override_settings(**{**BASE, "SECMW": {**BASE["SECMW"], **said}, name: value}):
        found = [str(problem) for _, problem in contradictions(settings)]
    found = [text for text in found if text.startswith(name)]
    assert bool(found) is fights
    assert all("SECMW" in text for text in found)


def test_a_changed_setting_is_looked_at_again() -> None:
    with override_settings(**BASE):
        assert conf.policy().frame_options == "DENY"
        with override_settings(X_FRAME_OPTIONS="SAMEORIGIN"):
            assert conf.policy().frame_options == "SAMEORIGIN"
        assert conf.policy().frame_options == "DENY"


def test_threads_and_loops_share_what_lives_in_memory() -> None:
    with override_settings(**WITH_SESSIONS):
        shared: Any = conf.async_store()
        assert conf.store() is shared.blocking


def test_error_pages_show_no_password_of_a_store() -> None:
    from pprint import pformat

    from django.apps import apps
    from django.views.debug import get_default_exception_reporter_filter

    url = "redis://:in-the-url@localhost/0"
    given = {**BASE["SECMW"], "store": url, "secret_keys": ["AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="]}
    with override_settings(**{**BASE, "SECMW": given}):
        apps.get_app_config("secmw").ready()
        shown = pformat(get_default_exception_reporter_filter().get_safe_settings()["SECMW"])
        assert "in-the-url" not in shown
        assert "AcBF" not in shown
        assert conf.policy().store == url


def test_a_policy_may_be_given_as_one() -> None:
    given = Policy.strict(public_url="https://app.example.org", xsrf=None, sessions=None)
    found = policy(SECMW=given, X_FRAME_OPTIONS="SAMEORIGIN")
    assert (found.preset, found.xsrf, found.frame_options) == ("strict", None, "SAMEORIGIN")


def test_what_is_no_policy_is_said_so() -> None:
    with override_settings(**{**BASE, "SECMW": "strict"}), pytest.raises(ConfigError, match="must be a dict"):
        conf.policy()


def test_what_the_test_runner_changes_counts_though_it_tells_nobody() -> None:
    from django.test import Client
    from django.test.utils import setup_test_environment, teardown_test_environment

    with override_settings(**{**WITH_SESSIONS, "ALLOWED_HOSTS": ["app.example.org"]}):
        assert "testserver" not in conf.policy().allowed_hosts
        setup_test_environment()
        try:
            assert Client().get("/nowhere", secure=True).status_code == 404
        finally:
            teardown_test_environment()
        assert "testserver" not in conf.policy().allowed_hosts

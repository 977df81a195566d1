"""What `manage.py check` says: nothing of a sound project, and one sentence with a fix of each that is not."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from secmw_django.apps import SecmwConfig
from secmw_django.checks import deployment, project
from tests.adapters.secmw_django import site

site.configure()

OURS = "secmw_django.SecmwMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"

#: What `startproject` writes, and the lines that secmw needs.
STOCK: dict[str, Any] = {
    "DEBUG": False,
    "ALLOWED_HOSTS": ["app.example.org"],
    "SECRET_KEY": "an example of fifty characters: abcdefghijklmnopqrstuvwxyz",
    "MIDDLEWARE": [
        OURS,
        SECURITY,
        SESSIONS,
        "django.middleware.common.CommonMiddleware",
        CSRF,
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        FRAMES,
    ],
    "SESSION_ENGINE": "secmw_django.sessions",
    "SECMW": {"public_url": "https://app.example.org", "store": "memory://"},
    "CSRF_COOKIE_SECURE": True,
    "SILENCED_SYSTEM_CHECKS": [],
}


def policy(**more: Any) -> dict[str, Any]:
    return {**STOCK["SECMW"], **more}


def without(*names: str) -> list[str]:
    return [name for name in STOCK["MIDDLEWARE"] if name not in names]


def test_a_stock_project_with_our_lines_hears_nothing_before_it_is_deployed() -> None:
    with override_settings(**STOCK):
        import django.apps

        SecmwConfig.ready(django.apps.apps.get_app_config("secmw"))  # type: ignore[arg-type] # it is ours
        said = StringIO()
        call_command("check", "--deploy", "--fail-level", "WARNING", stdout=said, stderr=said)
        assert "no issues" in said.getvalue()


@pytest.mark.parametrize("hardened", [True, False])
def test_a_cookie_of_djangos_is_what_its_own_check_says_unless_secmw_hardens_it(hardened: bool) -> None:
    import django.apps

    ready: Any = django.apps.apps.get_app_config("secmw").ready
    given = policy(cookies={"apply_to": "all"}) if hardened else policy()
    with override_settings(**{**STOCK, "CSRF_COOKIE_SECURE": False, "SECMW": given}):
        ready()
        said = StringIO()
        call_command("check", "--deploy", stdout=said, stderr=said)
        assert ("security.W016" in said.getvalue()) is not hardened


def test_what_is_wrong_stops_manage_py() -> None:
    with override_settings(**{**STOCK, "SECMW": {"store": "nowhere://"}}), pytest.raises(SystemCheckError):
        call_command("check", stdout=StringIO(), stderr=StringIO())


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("secmw.E001", {"SECMW": policy(frame_option="DENY")}, "frame_options"),
    ("secmw.E001", {"SECMW": {"public_url": "https://app.example.org", "store": "nowhere://"}}, "store"),
    ("secmw.E001", {"SECRET_KEY": "short", "MIDDLEWARE": without(CSRF)}, "secret_keys"),
    ("secmw.E001", {"SECMW_HOOKS": "nowhere.HOOKS"}, "SECMW_HOOKS"),
    ("secmw.E002", {"MIDDLEWARE": without(OURS)}, "protects nothing"),
    ("secmw.E003", {"MIDDLEWARE": [SECURITY, OURS, SESSIONS]}, "SecurityMiddleware"),
    ("secmw.E004", {"MIDDLEWARE": [OURS, *STOCK["MIDDLEWARE"]]}, "more than once"),
    ("secmw.E005", {"X_FRAME_OPTIONS": "SAMEORIGIN", "SECMW": policy(frame_options="DENY")}, "X_FRAME_OPTIONS"),
    ("secmw.E006", {"SECMW": policy(sessions=None)}, "SESSION_ENGINE"),
    ("secmw.E007", {"SESSION_SERIALIZER": "shop.PickleSerializer"}, "SESSION_SERIALIZER"),
    ("secmw.E008", {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, "SECURE_PROXY_SSL_HEADER"),
    ("secmw.E011", {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_IS_HTTPS", "https"), "SECMW": policy(trusted_proxies=["10.0.0.1"])}, "HTTP_X_IS_HTTPS"),
    ("secmw.E009", {"ALLOWED_HOSTS": ["other.example.org"]}, "ALLOWED_HOSTS"),
    ("secmw.E010", {"SECMW": policy(preset="strict"), "MIDDLEWARE": without(SECURITY)}, "Origin: null"),
    ("secmw.E010", {"SECURE_REFERRER_POLICY": ["origin", "no-referrer"]}, "Origin: null"),
    ("secmw.E010", {"SECMW": policy(preset="strict", enforce_headers=["Referrer-Policy"])}, "Origin: null"),
    ("secmw.W002", {"SESSION_ENGINE": "django.contrib.sessions.backends.db"}, "SESSION_ENGINE"),
    ("secmw.W003", {"MIDDLEWARE": without(SESSIONS)}, "session"),
    ("secmw.W004", {"SESSION_COOKIE_DOMAIN": ".example.org"}, "SESSION_COOKIE_DOMAIN"),
    ("secmw.W004", {"SESSION_COOKIE_HTTPONLY": False}, "SESSION_COOKIE_HTTPONLY"),
    ("secmw.W005", {"SECMW": policy(xsrf={"token": True})}, "CsrfViewMiddleware"),
    ("secmw.W006", {"MIDDLEWARE": without(CSRF), "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]}, "csrf_token"),
    ("secmw.W007", {"CSRF_TRUSTED_ORIGINS": ["https://*.example.org"]}, "CSRF_TRUSTED_ORIGINS"),
    ("secmw.W008", {"MIDDLEWARE": [*STOCK["MIDDLEWARE"], "csp.middleware.CSPMiddleware"]}, "Content-Security-Policy"),
    ("secmw.W009", {"SECMW": policy(frame_options=None)}, "X_FRAME_OPTIONS"),
    ("secmw.W009", {"SECMW": policy(referrer_policy="no-referrer")}, "SECURE_REFERRER_POLICY"),
    ("secmw.W010", {"SECURE_SSL_REDIRECT": True, "SECMW": policy(http_exempt=["/health"])}, "http_exempt"),
    ("secmw.W011", {"SECURE_REDIRECT_EXEMPT": ["^health$"]}, "SECURE_REDIRECT_EXEMPT"),
    ("secmw.W012", {"SECURE_SSL_REDIRECT": True, "SECURE_SSL_HOST": "app.example.org", "ALLOWED_HOSTS": ["app.example.org", "old.example.org"]}, "'old.example.org' to itself"),
    ("secmw.W012", {"SECURE_SSL_REDIRECT": True, "SECURE_SSL_HOST": "app.example.org", "ALLOWED_HOSTS": ["*"]}, "refuses"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "given", "word"), WRONG)
def test_a_mistake_is_named_with_what_to_write_instead(name: str, given: dict[str, Any], word: str) -> None:
    with override_settings(**{**STOCK, **given}):
        found = [message for message in project() if message.id == name]
        assert found, project()
        assert any(word in message.msg for message in found)
        assert all(message.hint or name == "secmw.E001" for message in found)


def test_every_message_has_a_test() -> None:
    import inspect
    import re

    from secmw_django import checks

    ids = set(re.findall(r"secmw\.[EW]\d{3}", inspect.getsource(checks)))
    assert ids == {name for name, _, _ in WRONG} | {"secmw.W001"}


@pytest.mark.parametrize(
    "given",
    [
        {"SECMW": policy(preset="strict")},
        {"SECMW": policy(preset="strict", referrer_policy="same-origin"), "MIDDLEWARE": without(SECURITY)},
        {"SECMW": policy(preset="strict"), "MIDDLEWARE": without(SECURITY, CSRF)},
    ],
)
def test_strict_goes_with_whichever_of_djangos_middlewares_stay(given: dict[str, Any]) -> None:
    with override_settings(**{**STOCK, **given}):
        assert project() == []


def test_what_is_made_for_a_developers_machine_is_not_deployed() -> None:
    with override_settings(**{**STOCK, "DEBUG": True, "SECMW": {}}):
        assert [message.id for message in deployment()] == ["secmw.W001"]
    with override_settings(**STOCK):
        assert deployment() == []


def test_a_subclass_of_the_middleware_is_the_middleware() -> None:
    path = "tests.adapters.secmw_django.test_checks.Own"
    with override_settings(**{**STOCK, "MIDDLEWARE": [path, *without(OURS)]}):
        assert project() == []


def test_djangos_checks_are_not_quieter_than_the_policy_deserves() -> None:
    """What a wrong policy would do is nothing, and a policy without HTTPS redirects nobody."""
    import django.apps

    ready: Any = django.apps.apps.get_app_config("secmw").ready
    for given, silent in (({"store": "nowhere://", "frame_option": 1}, False), (policy(https="off"), True)):
        with override_settings(**{**STOCK, "SECMW": given}):
            ready()
            assert ("security.W004" in settings.SILENCED_SYSTEM_CHECKS) is silent
            assert "security.W008" not in settings.SILENCED_SYSTEM_CHECKS


def __getattr__(name: str) -> Any:
    """Make a subclass when Django imports it by name."""
    if name != "Own":
        raise AttributeError(name)
    from secmw_django import SecmwMiddleware

    return type("Own", (SecmwMiddleware,), {})

"""The Django project that the tests run in: secmw set up as its documentation says, for the host and cookie names of the tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

_WEEKS: Final = 60 * 60 * 24 * 7 * 2

#: Words that are Django's defaults, and count here only once a project writes them.
SETTINGS: Final[dict[str, Any]] = {
    "SECRET_KEY": "kept for these tests alone: 7h3q9x2m5v8c1z4b6n0w7h3q9x2m5v8c1z4b6n0w",
    "ALLOWED_HOSTS": ["testserver"],
    "USE_TZ": False,
    "INSTALLED_APPS": ["django.contrib.sessions", "sessions_tests", "secmw_django"],
    "MIDDLEWARE": [
        "secmw_django.SecmwMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
    ],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
    "SESSION_ENGINE": "secmw_django.sessions",
    "SESSION_COOKIE_AGE": _WEEKS,
    "SESSION_COOKIE_NAME": "sessionid",
    "SESSION_COOKIE_SAMESITE": "Lax",
}


def policy(store: str | None) -> dict[str, Any]:
    """Return ``SECMW``: sessions in a store, or none of them, on plain HTTP or on HTTPS as the tests have it."""
    said: dict[str, Any] = {"public_url": "https://testserver", "xsrf": "off"}
    if store is None:
        return {**said, "sessions": "off"}
    # As with Django, one limit of time, and a cookie that is named as the setting says.
    return {
        **said,
        "https": "off",
        "store": store,
        "sessions": {"inactivity": None},
        "cookies": {"prefix": False},
    }


def configure(tests: Path, store: str | None) -> None:
    """Make this process that project; it is one for the rest of its life."""
    import django
    from django.conf import settings

    # Last, for among the tests are packages with everyday names.
    sys.path.append(str(tests))
    settings.configure(**SETTINGS, SECMW=policy(store))
    django.setup()

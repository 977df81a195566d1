"""Django's sessions with its own sign-in: in the database, behind a cache, and in a signed cookie."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from benchmarks.semantics.apps.deeds import FOLDER, IDLE, LIMITS, REDIS, SECRET, Deeds, answer

_BACKEND = "django.contrib.auth.backends.ModelBackend"

#: Filled when Django has been set up.
urlpatterns: list[Any] = []


def _set_up(engine: str) -> Any:
    """Configure Django for one engine and return its WSGI application."""
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{FOLDER}/django.db",
        # As its documentation advises for sites where many write.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 5},
    }
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}
    import_module("django.conf").settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={"default": database},
        CACHES={"default": cache} if REDIS else {},
        SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}",
        SESSION_COOKIE_AGE=IDLE,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        USE_TZ=True,
    )
    import_module("django").setup()
    import_module("django.core.management").call_command("migrate", verbosity=0)
    urlpatterns.append(import_module("django.urls").path("", _play))
    return import_module("django.core.wsgi").get_wsgi_application()


class _Deeds(Deeds):
    def __init__(self, request: Any) -> None:
        super().__init__(request.session)
        self._request = request
        self._auth: Any = import_module("django.contrib.auth")

    @property
    def user(self) -> str | None:
        return self._request.user.get_username() or None

    def login(self, user: str) -> None:
        made, _ = self._auth.get_user_model().objects.get_or_create(username=user)
        self._auth.login(self._request, made, backend=_BACKEND)
        if LIMITS == "fixed":
            self._request.session.set_expiry(datetime.now(UTC) + timedelta(seconds=IDLE))

    def logout(self) -> None:
        self._auth.logout(self._request)

    def rotate(self) -> None:
        self._request.session.cycle_key()

    def end_others(self) -> None:
        # Sessions are bound to the password's hash: a new password ends all but this one.
        user = self._request.user
        user.set_password(secrets.token_hex())
        user.save()
        self._auth.update_session_auth_hash(self._request, user)


def _play(request: Any) -> Any:
    status, body = answer(_Deeds(request), request.META["QUERY_STRING"])
    return import_module("django.http").HttpResponse(body, status=status)


def db() -> Any:
    """Keep it in the database."""
    return _set_up("db")


def cached_db() -> Any:
    """Keep it in the database, with a Redis before it."""
    return _set_up("cached_db")


def signed_cookies() -> Any:
    """Keep it in a signed cookie."""
    return _set_up("signed_cookies")

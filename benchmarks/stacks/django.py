"""Stacks for Django: secmw_django, and Django's own middleware with its three kinds of sessions."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks import requests
from benchmarks.sessions import PAYLOAD, policy
from benchmarks.stacks.stack import HOST, KNOWN, SECRET, SIGN_IN, TOKEN, UNKNOWN, Stack

OURS: Final = "secmw_django, everything"
BARE: Final = "Django, MIDDLEWARE = []"

_SESSIONS: Final = "django.contrib.sessions.middleware.SessionMiddleware"
_CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"
_SECURITY: Final = "django.middleware.security.SecurityMiddleware"
_FRAMES: Final = "django.middleware.clickjacking.XFrameOptionsMiddleware"
_CSP: Final = "csp.middleware.CSPMiddleware"

#: Django's session engines, and what each can't do.
ENGINES: Final = {
    "cache": ("in memory (locmem)", "lost with the cache, not shared between workers"),
    "db": ("in a database (SQLite)", "one question of a database for each request"),
    "signed_cookies": ("in a signed cookie", "can be read by who holds it and can't be ended"),
}

#: Filled when Django has been set up.
urlpatterns: list[Any] = []


def _response(body: bytes) -> Any:
    made = import_module("django.http").HttpResponse(body)
    for name, value in requests.RESPONSE_HEADERS:
        made[name.decode().title()] = value.decode()
    return made


def _bare_cart(request: Any) -> Any:  # noqa: ARG001 (Django's)
    return _response(UNKNOWN)


def _cart(request: Any) -> Any:
    return _response(KNOWN if request.session.get("name") == PAYLOAD["name"] else UNKNOWN)


def _enter(request: Any) -> Any:
    if hasattr(request, "secmw"):
        request.secmw.session.login("42", "Jane Doe (jane)")
    request.session.update(PAYLOAD)
    return _response(KNOWN)


def _give(request: Any) -> Any:
    if hasattr(request, "secmw"):
        token = request.secmw.xsrf_token()
    else:
        token = import_module("django.middleware.csrf").get_token(request)
    return import_module("django.http").HttpResponse(token)


def set_up(folder: Path) -> None:
    """Configure Django for all rows, with its database in a folder; what differs between rows is changed for each."""
    conf = import_module("django.conf")
    conf.settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=[HOST],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.sessions", "secmw_django"],
        MIDDLEWARE=[],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "django.db"),
                # Django's own would open the file again for each request.
                "CONN_MAX_AGE": None,
                "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE"},
            }
        },
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        SECURE_SSL_REDIRECT=True,
        SECURE_HSTS_SECONDS=31_536_000,
        SESSION_COOKIE_SECURE=True,
        CSRF_COOKIE_SECURE=True,
        CONTENT_SECURITY_POLICY={"DIRECTIVES": dict(policy().csp or {})},
        SECMW={"public_url": f"https://{HOST}", "store": "memory://"},
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    import_module("django").setup()
    # What it logs of a refusal is no part of what it costs here.
    import_module("logging").getLogger("django").disabled = True
    import_module("logging").getLogger("django.security.csrf").disabled = True
    import_module("logging").getLogger("django.request").disabled = True
    import_module("django.core.management").call_command("migrate", verbosity=0)
    path = import_module("django.urls").path
    views = {"bare": _bare_cart, "cart": _cart, SIGN_IN[1:]: _enter, TOKEN[1:]: _give}
    urlpatterns.extend(path(name, view) for name, view in views.items())


def handler(middleware: list[str], engine: str = "") -> Any:
    """Make the WSGI application of a row; Django reads both settings now and not again."""
    settings = import_module("django.conf").settings
    settings.MIDDLEWARE = middleware
    settings.SESSION_ENGINE = engine or "django.contrib.sessions.backends.db"
    return import_module("django.core.handlers.wsgi").WSGIHandler()


def chain(*, csp: bool) -> list[str]:
    """Return Django's own middleware in the order of its documentation; ``csp``: with django-csp."""
    return [_SECURITY, *([_CSP] if csp else []), _SESSIONS, _CSRF, _FRAMES]


def stacks(*, csp: bool = True) -> list[Stack]:
    """Return the rows, the bare application first; Django has been set up."""
    rows = [Stack(name=BARE, app=_at_bare(handler([])), asgi=False)]
    packages = ("django", "django-csp") if csp else ("django",)
    for engine, (where, lacks) in ENGINES.items():
        rows.append(
            Stack(
                name=f"Django's whole chain, sessions {where}",
                app=handler(chain(csp=csp), f"django.contrib.sessions.backends.{engine}"),
                asgi=False,
                sessions=True,
                header="x-csrftoken",
                foreign=True,
                adds=5 + csp,
                packages=packages,
                lacks=f"sessions {lacks}; token not bound to the session; no web sudo, no trail",
            )
        )
    ours = handler(["secmw_django.SecmwMiddleware", _SESSIONS], "secmw_django.sessions")
    # The last one, so that what it reads of the settings as it goes is what it began with.
    rows.insert(
        1,
        Stack(name=OURS, app=ours, asgi=False, sessions=True, header="x-csrftoken", foreign=True, adds=12),
    )
    return rows


def _at_bare(app: Any) -> Any:
    """Have what is asked of an application without sessions answered by the view that needs none."""

    def moved(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = "/bare"
        return app(environ, start_response)

    return moved

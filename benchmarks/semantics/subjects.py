"""Who is asked, and what each runs on. How it is set up is in ``apps/``, with a sentence each in docs/explanation/sessions-compared.md."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

_APPS: Final = "benchmarks.semantics.apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Be one way to keep sessions.

    ``package`` is the name that an index knows, ``app`` the factory of the application. ``limits`` are the ways to set limits of
    time, all of which are tried. ``file``: it keeps them in a database of its own, too.
    """

    name: str
    package: str
    app: str
    asgi: bool = True
    redis: bool = False
    file: bool = False
    limits: tuple[str, ...] = ("",)

    @property
    def title(self) -> str:
        """Say who it is, and in which version."""
        return self.name.replace(self.package, f"{self.package} {version(self.package)}", 1)


#: Moved by each request, or counted from the sign-in.
_BOTH_WAYS: Final = ("rolling", "fixed")

SUBJECTS: Final = (
    Subject(name="secmw, ASGI, Redis", package="secmw", app=f"{_APPS}.with_secmw:asgi", redis=True),
    Subject(
        name="secmw, WSGI, Redis", package="secmw", app=f"{_APPS}.with_secmw:wsgi", asgi=False, redis=True
    ),
    Subject(
        name="fastapi-alcazaba, Redis",
        package="fastapi-alcazaba",
        app=f"{_APPS}.with_starlette:alcazaba",
        redis=True,
    ),
    Subject(
        name="Django, cached_db",
        package="Django",
        app=f"{_APPS}.with_django:cached_db",
        asgi=False,
        redis=True,
        file=True,
        limits=_BOTH_WAYS,
    ),
    Subject(
        name="Django, db",
        package="Django",
        app=f"{_APPS}.with_django:db",
        asgi=False,
        file=True,
        limits=_BOTH_WAYS,
    ),
    Subject(
        name="Flask-Session, Redis",
        package="Flask-Session",
        app=f"{_APPS}.with_flask:flask_session",
        asgi=False,
        redis=True,
    ),
    Subject(
        name="starsessions, Redis",
        package="starsessions",
        app=f"{_APPS}.with_starlette:starsessions_redis",
        redis=True,
        limits=_BOTH_WAYS,
    ),
    Subject(
        name="starsessions, memory",
        package="starsessions",
        app=f"{_APPS}.with_starlette:starsessions_memory",
        limits=_BOTH_WAYS,
    ),
    Subject(
        name="Litestar, Redis",
        package="Litestar",
        app=f"{_APPS}.with_litestar:server_side",
        redis=True,
        limits=_BOTH_WAYS,
    ),
    Subject(
        name="Django, signed_cookies",
        package="Django",
        app=f"{_APPS}.with_django:signed_cookies",
        asgi=False,
        limits=_BOTH_WAYS,
    ),
    Subject(name="Flask, cookie", package="Flask", app=f"{_APPS}.with_flask:cookie", asgi=False),
    Subject(name="Starlette, cookie", package="Starlette", app=f"{_APPS}.with_starlette:cookie"),
    Subject(
        name="starsessions, cookie",
        package="starsessions",
        app=f"{_APPS}.with_starlette:starsessions_cookie",
        limits=_BOTH_WAYS,
    ),
    Subject(name="Litestar, cookie", package="Litestar", app=f"{_APPS}.with_litestar:client_side"),
)

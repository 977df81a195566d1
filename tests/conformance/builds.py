"""The applications under secmw that this suite runs.

An adapter joins here: ONE function that puts its framework's application (which carries out the same `Told` as app.py)
under a policy, and its line in BUILDS. Every test then runs on it in process, and over sockets on the server it names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from wsgiref.validate import validator

import secmw.asgi
import secmw.wsgi
from tests.conformance import app
from tests.conformance.hosting import given

if TYPE_CHECKING:
    from secmw import Policy
    from tests.conformance.traits import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Say how an application is put under a policy.

    ``validates``: put the standard library's validator around it in process. ``server``: run it there too, over
    sockets; the raw applications run on every server. ``facts``: what differs because of the framework.
    """

    interface: Literal["asgi", "wsgi"]
    make: Callable[[Policy], Any]
    validates: bool = False
    server: str = ""
    facts: frozenset[Fact] = frozenset()


def raw_asgi(policy: Policy) -> Any:
    """Put the plain ASGI application under a policy."""
    return secmw.asgi.Middleware(app.asgi, policy, **given(policy, "asgi"))


def raw_wsgi(policy: Policy) -> Any:
    """Put the plain WSGI application under a policy."""
    return secmw.wsgi.Middleware(app.wsgi, policy, **given(policy, "wsgi"))


def validated_wsgi(policy: Policy) -> Any:
    """The same, with the standard library's validator between secmw and the application."""
    return secmw.wsgi.Middleware(validator(app.wsgi), policy, **given(policy, "wsgi"))


def starlette(policy: Policy) -> Any:
    """Register secmw with a Starlette application."""
    from tests.conformance.frameworks.starlette import starlette

    return starlette(policy)


def fastapi(policy: Policy) -> Any:
    """Wrap a FastAPI application."""
    from tests.conformance.frameworks.fastapi import fastapi

    return fastapi(policy)


def django_in_threads(policy: Policy) -> Any:
    """Put secmw first among the middleware of a Django project that runs under WSGI."""
    from tests.conformance.frameworks.django import make

    return make(policy, "wsgi")


def django_on_a_loop(policy: Policy) -> Any:
    """Do the same where the project runs under ASGI, and nothing of it in a thread."""
    from tests.conformance.frameworks.django import make

    return make(policy, "asgi")


def flask(policy: Policy) -> Any:
    """Put a Flask application under a policy."""
    from tests.conformance.frameworks.flask import make

    return make(policy)


BUILDS: Final[dict[str, Build]] = {
    "asgi": Build(interface="asgi", make=raw_asgi),
    "wsgi": Build(interface="wsgi", make=raw_wsgi),
    "wsgi-validated": Build(interface="wsgi", make=validated_wsgi, validates=True),
    "starlette": Build(interface="asgi", make=starlette, server="uvicorn-httptools"),
    "fastapi": Build(interface="asgi", make=fastapi, server="uvicorn-httptools"),
    "django": Build(interface="wsgi", make=django_in_threads, server="gunicorn-gthread"),
    "django-async": Build(interface="asgi", make=django_on_a_loop, server="uvicorn-httptools"),
    "flask": Build(interface="wsgi", make=flask, server="gunicorn-gthread"),
}

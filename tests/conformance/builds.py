"""The applications under secmw that this suite runs. An adapter joins here, with ONE function in BUILDS."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from wsgiref.validate import validator

import secmw.asgi
import secmw.wsgi
from tests.conformance import app

if TYPE_CHECKING:
    from secmw import Policy


def raw_asgi(policy: Policy) -> Any:
    """Put the plain ASGI application under a policy."""
    return secmw.asgi.Middleware(app.asgi, policy)


def raw_wsgi(policy: Policy) -> Any:
    """Put the plain WSGI application under a policy."""
    return secmw.wsgi.Middleware(app.wsgi, policy)


def validated_wsgi(policy: Policy) -> Any:
    """The same, with the standard library's validator between secmw and the application."""
    return secmw.wsgi.Middleware(validator(app.wsgi), policy)


BUILDS: Final[dict[str, Callable[[Policy], Any]]] = {
    "asgi": raw_asgi,
    "wsgi": raw_wsgi,
    "wsgi-validated": validated_wsgi,
}

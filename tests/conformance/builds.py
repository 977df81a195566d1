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


BUILDS: Final[dict[str, Build]] = {
    "asgi": Build(interface="asgi", make=raw_asgi),
    "wsgi": Build(interface="wsgi", make=raw_wsgi),
    "wsgi-validated": Build(interface="wsgi", make=validated_wsgi, validates=True),
}

"""What a real server imports: every policy in one process, chosen per request by a header that secmw does not know.

One process for all of them keeps the real-socket part short. `bare_asgi` and `bare_wsgi` are the middleware itself,
under the policy that CONFORMANCE_POLICY names, for what a server does with the object it is given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.conformance.builds import BUILDS
from tests.conformance.policies import NAMES, named

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.conformance.app import Receive, Scope, Send

#: Which application: the raw one of the interface, or one of a framework.
_BUILD: Final = os.environ.get("CONFORMANCE_BUILD", "")
_POLICY: Final = os.environ.get("CONFORMANCE_POLICY", "recommended")


@cache
def _site(build: str, name: str) -> Any:
    return BUILDS[_BUILD or build].make(named(name))


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request under the policy it asks for."""
    names = [value.decode() for name, value in scope.get("headers", ()) if name == b"x-conformance-policy"]
    name = names[0] if names and names[0] in NAMES else "recommended"
    await _site("asgi", name)(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request under the policy it asks for."""
    name = environ.get("HTTP_X_CONFORMANCE_POLICY", "")
    response: Iterable[bytes] = _site("wsgi", name if name in NAMES else "recommended")(
        environ, start_response
    )
    return response


bare_asgi = _site("asgi", _POLICY)
bare_wsgi = _site("wsgi", _POLICY)

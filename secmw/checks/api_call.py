"""Is this a call with an API credential, which no browser sends by itself? Such a call is asked neither question.

Only where an API scheme or key header is present, there is no Cookie header at all, and neither a client certificate
nor an identity that a proxy vouches for was used: those two a browser does send by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from secmw.config.settings import Xsrf
from secmw.http import WSGI, Request, Wire, text


def fields(settings: Xsrf) -> tuple[str, ...]:
    """Name the request headers this looks at."""
    names = ("authorization", *settings.api_key_headers, *settings.identity_headers)
    return tuple(name.lower() for name in names)


def api_call(settings: Xsrf, wire: Wire = WSGI) -> Callable[[Request], bool]:
    """Make the test for one policy."""
    schemes = frozenset(scheme.lower() for scheme in settings.api_schemes)
    field = wire.field("authorization")
    keys = tuple(wire.field(name.lower()) for name in settings.api_key_headers)
    identities = tuple(wire.field(name.lower()) for name in settings.identity_headers)

    def is_api_call(request: Request) -> bool:
        headers = request.headers
        authorization = headers.get(field)
        if authorization is None and not (keys and any(name in headers for name in keys)):
            return False
        if request.cookie is not None or request.certified or any(name in headers for name in identities):
            return False
        if any(headers.get(name) for name in keys):
            return True
        scheme, blank, credentials = text(authorization or "").partition(" ")
        return bool(blank and credentials.strip()) and scheme.lower() in schemes

    return is_api_call

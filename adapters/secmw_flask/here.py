"""Here: the exchange of the request that Flask is serving, and a plain word where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from secmw.errors import SessionError

if TYPE_CHECKING:
    from secmw import Exchange

#: Where the middleware leaves the exchange in an environ.
KEY: Final = "secmw"

OUTSIDE: Final = (
    "this request did not come through secmw: app.test_request_context() goes around it, as does a request to an application"
    " without Secmw(app); use app.test_client(), and client.session_transaction() to prepare a session"
)


def exchange() -> Exchange:
    """Return the exchange of this request: its nonce, its XSRF token, its audit trail, its session.

    Raise SessionError for a request that did not come through secmw.
    """
    found: Exchange | None = request.environ.get(KEY)
    if found is None:
        raise SessionError(OUTSIDE)
    return found

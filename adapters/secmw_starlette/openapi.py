"""What OpenAPI says of sessions in FastAPI: a security scheme by the name of the policy's cookie, and what is answered without.

This module needs FastAPI, and is loaded where FastAPI is.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase

_NAME: Final = "session"
_ORIGINAL: Final = "__secmw_original__"
_SAFE: Final = frozenset({"get", "head", "options", "trace"})


class SessionCookie(SecurityBase):
    """Be the session cookie, as OpenAPI knows it; it decides nothing."""

    def __init__(self) -> None:
        self.scheme_name = _NAME
        # The name of the recommended policy's; that of another one is put in its place where the application is known.
        self.model = APIKey.model_validate(
            {
                "in": APIKeyIn.cookie,
                "name": "__Host-id",
                "description": "The session of somebody who is signed in.",
            }
        )

    async def __call__(self) -> None:
        """Do nothing: the demand that names it decides."""


@cache
def scheme() -> SessionCookie:
    """Return the one scheme that all demands name."""
    return SessionCookie()


def describe(app: FastAPI, cookie: str, responses: dict[int | str, dict[str, Any]]) -> None:
    """Have an application's OpenAPI name the policy's cookie, and the answers of endpoints that demand a sign-in."""
    # Told again, by another policy perhaps, this takes the place of what was said before.
    original = vars(app.openapi).get(_ORIGINAL, app.openapi)

    @wraps(original)
    def openapi() -> dict[str, Any]:
        schema: dict[str, Any] = original()
        _complete(schema, cookie, responses)
        return schema

    vars(openapi)[_ORIGINAL] = original
    vars(app)["openapi"] = openapi


def _complete(schema: dict[str, Any], cookie: str, responses: dict[int | str, dict[str, Any]]) -> None:
    schemes = schema.get("components", {}).get("securitySchemes", {})
    if schemes.get(_NAME, {}).get("in") == "cookie":
        schemes[_NAME]["name"] = cookie
    for operations in schema.get("paths", {}).values():
        for method, operation in operations.items():
            if not isinstance(operation, dict) or not any(
                _NAME in kind for kind in operation.get("security", ())
            ):
                continue
            for status, answer in responses.items():
                if status == 401 or method not in _SAFE:
                    operation["responses"].setdefault(str(status), answer)

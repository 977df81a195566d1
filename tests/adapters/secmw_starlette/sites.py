"""What the tests of this adapter build their applications with."""

from __future__ import annotations

from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from secmw import Hooks, Policy
from secmw.testing import Client
from secmw_starlette import SecmwMiddleware

KEY: Final = "dGhlIGtleSBvZiB0aGUgY29uZm9ybWFuY2Ugc3VpdGU="
SITE: Final = "https://app.example.org"
NAVIGATES: Final = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


def policy(**settings: Any) -> Policy:
    sessions = {"sign_in_url": "/sign-in"}
    return Policy.recommended(
        **{
            "secret_keys": [KEY],
            "public_url": SITE,
            "store": "memory://",
            "sessions": sessions,
            **settings,
        }
    )


HOOKS: Final = Hooks(verify=lambda _user_id, password: password == "right")


def wrapped(app: Any, *, given: Policy | None = None) -> SecmwMiddleware:
    return SecmwMiddleware(app, given or policy(), hooks=HOOKS)


def client(app: Any) -> Client:
    return Client(app, base_url=SITE)


def site(*routes: Any, **settings: Any) -> Client:
    """Give a client of an application with these routes, wrapped."""
    return client(wrapped(Starlette(routes=[*routes], **settings)))


async def sign_in(request: Request) -> Response:
    request.session.login("42", "Jane Doe")  # type: ignore[attr-defined]
    return PlainTextResponse("in")


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")

"""What a view says of frames with Django's own decorators holds in every browser: in X-Frame-Options and in frame-ancestors."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.views.decorators.clickjacking import (
    xframe_options_deny,
    xframe_options_exempt,
    xframe_options_sameorigin,
)

from secmw.wsgi import Middleware
from secmw_django import SecmwMiddleware, conf, override
from tests.adapters.secmw_django.pages import project

SITE = {"public_url": "https://testserver", "sessions": "off"}
ASKED: dict[str, Any] = {"secure": True, "headers": {"host": "testserver"}}
DJANGO = "django.middleware.clickjacking.XFrameOptionsMiddleware"

NOBODY, OURSELVES, ANYBODY = ("DENY", "'none'"), ("SAMEORIGIN", "'self'"), (None, None)


def view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


async def view_async(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


def by_hand(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page", headers={"X-Frame-Options": "SAMEORIGIN"})


def framing(view: Any, **settings: Any) -> tuple[str | None, str | None]:
    """Return X-Frame-Options and frame-ancestors of what a view answers."""
    with project(SECMW={**SITE, **settings}):
        response = SecmwMiddleware(view)(RequestFactory().get("/", **ASKED))
    return said(response)


def said(response: Any) -> tuple[str | None, str | None]:
    directives = dict(
        one.strip().partition(" ")[::2]
        for one in response.headers.get("Content-Security-Policy", "").split(";")
    )
    return response.headers.get("X-Frame-Options"), directives.get("frame-ancestors")


@pytest.mark.parametrize(
    ("view", "setting", "expected"),
    [
        (view, "DENY", NOBODY),
        (xframe_options_exempt(view), "DENY", ANYBODY),
        (xframe_options_sameorigin(view), "DENY", OURSELVES),
        (xframe_options_deny(view), "DENY", NOBODY),
        (by_hand, "DENY", OURSELVES),
        (view, "SAMEORIGIN", OURSELVES),
        (xframe_options_exempt(view), "SAMEORIGIN", ANYBODY),
        (xframe_options_deny(view), "SAMEORIGIN", NOBODY),
    ],
)
def test_a_decorator_of_djangos_counts_for_frame_ancestors_too(
    view: Any, setting: str, expected: tuple[str | None, str | None]
) -> None:
    assert framing(view, frame_options=setting) == expected


def test_it_counts_on_an_event_loop_as_well() -> None:
    with project(SECMW=SITE):
        middleware = SecmwMiddleware(xframe_options_exempt(view_async))
        request = AsyncRequestFactory().get("/", secure=True)
        assert said(async_to_sync(middleware)(request)) == ANYBODY


def test_it_counts_behind_a_layer_of_secmws_around_django_as_well() -> None:
    with project(SECMW=SITE):

        def application(environ: Any, start_response: Any) -> list[bytes]:
            response = SecmwMiddleware(xframe_options_exempt(view))(WSGIRequest(environ))
            start_response("200 OK", list(response.items()))
            return [response.content]

        sent: list[tuple[str, str]] = []
        environ = RequestFactory().get("/", **ASKED).environ

        def start(_status: str, lines: list[tuple[str, str]], *_: Any) -> Any:
            sent.extend(lines)

        body = Middleware(application, conf.policy())(environ, start)
        assert b"".join(body) == b"a page"
        assert said(HttpResponse(headers=dict(sent))) == ANYBODY


@pytest.mark.parametrize("decorate", [xframe_options_exempt, xframe_options_sameorigin])
def test_a_list_of_origins_says_more_than_djangos_words_and_counts_more(decorate: Any) -> None:
    portal = "https://portal.example.org"
    assert framing(decorate(view), frame_options=[portal])[1] == portal
    assert framing(override(frame_options=[portal])(decorate(view)))[1] == portal
    own = {"default-src": ["'self'"], "frame-ancestors": [portal]}
    assert framing(decorate(view), csp=own)[1] == portal


@pytest.mark.parametrize("said_by_django", ["DENY", "SAMEORIGIN"])
def test_what_djangos_middleware_says_of_every_view_is_no_views_word(said_by_django: str) -> None:
    from django.middleware.clickjacking import XFrameOptionsMiddleware

    given = {"X_FRAME_OPTIONS": said_by_django}
    with project(DJANGO, SECMW={**SITE, "frame_options": said_by_django}, **given):
        request = RequestFactory().get("/", **ASKED)
        other = "SAMEORIGIN" if said_by_django == "DENY" else "DENY"
        chain = SecmwMiddleware(XFrameOptionsMiddleware(override(frame_options=other)(view)))
        assert said(chain(request))[1] == {"DENY": "'none'", "SAMEORIGIN": "'self'"}[other]


def test_a_setting_that_a_test_takes_away_is_one_that_nobody_has_written() -> None:
    from django.conf import settings

    with project(SECMW=SITE), override_settings(X_FRAME_OPTIONS="SAMEORIGIN"):
        del settings.X_FRAME_OPTIONS
        assert said(SecmwMiddleware(view)(RequestFactory().get("/", **ASKED))) == NOBODY

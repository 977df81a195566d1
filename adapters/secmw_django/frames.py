"""What Django's own decorators say of frames: ``xframe_options_exempt``, ``_sameorigin`` and ``_deny``, and a view's own header.

They write X-Frame-Options, or have it left out; browsers heed frame-ancestors before it, so that has to say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from secmw.exchange import Exchange

_HEADER: Final = "x-frame-options"
_MIDDLEWARE: Final = "django.middleware.clickjacking.XFrameOptionsMiddleware"
#: What Django has words for. A list of origins is more than they can say, and counts more.
_WORDS: Final = ("DENY", "SAMEORIGIN")


def heed(exchange: Exchange, response: HttpResponseBase) -> None:
    """Have a response say of frames what its view says of them."""
    exempt = getattr(response, "xframe_options_exempt", False)
    # To ask the headers themselves would raise and catch an error for almost every response.
    if not exempt and _HEADER not in vars(response.headers)["_store"]:
        return
    policy = exchange.plan.policy
    if policy.frame_options not in _WORDS or exchange.closed or "frame-ancestors" in (policy.csp or ()):
        return
    said = [value.upper() for name, value in response.items() if name.lower() == _HEADER]
    # What the policy enforces, or drops, is not the view's to say; and one that says two things has said nothing.
    if not (exempt or len(said) == 1) or _HEADER in map(
        str.lower, (*policy.enforce_headers, *policy.drop_headers)
    ):
        return
    if exempt:
        exchange.override(frame_options=None)
    elif said[0] in _WORDS and said[0] != policy.frame_options and not _of_middleware(said[0]):
        exchange.override(frame_options=said[0])


def _of_middleware(said: str) -> bool:
    """Say whether it may be Django's middleware that said so, of every view alike."""
    return _MIDDLEWARE in settings.MIDDLEWARE and said == getattr(settings, "X_FRAME_OPTIONS", "DENY").upper()

"""Which views are asked for no XSRF token: the project's own addresses say it, exactly. No rule lives here.

The core asks before a view is known, once for each path. Where a middleware changes the addresses of a request meanwhile
(``request.urlconf``), the view that is reached may be another one: :func:`reached` looks again, and :func:`rerouted` refuses.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.urls import Resolver404, resolve

from secmw.http import Reason, Refusal
from secmw.pages import refusal as rendered
from secmw_django.wires import rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from secmw.http import Reply

_log = logging.getLogger("secmw")

_LONGEST: Final = 512

ATTRIBUTE: Final = "secmw_xsrf_exempt"
"""Marks a view that ``secmw_django.xsrf_exempt`` was written above."""

_REROUTED: Final = Refusal(
    403,
    Reason.XSRF_MISSING,
    "This request was not asked where it comes from, and its address has changed meanwhile.",
    note="a middleware sets request.urlconf, where this path leads to a view that is not exempt; list it in xsrf.exempt or drop @xsrf_exempt",
)


def is_exempt(view: Callable[..., Any]) -> bool:
    """Say whether a view is marked; what stands in front of it must hand the mark on, as functools.wraps does."""
    return getattr(view, ATTRIBUTE, False) is True


def exempt(path: str) -> bool:
    """Say whether the view of a path, below the mount point, is asked for no XSRF token; False where that is not clear."""
    try:
        return is_exempt(resolve(path, settings.ROOT_URLCONF).func)
    except Resolver404:
        return False
    except Exception:  # noqa: BLE001 - whatever a converter of the project raises: who can't say is asked
        _log.exception("it can't be said whether %s is exempt", ascii(path))
        return False


def reached(path: str, view: Callable[..., Any]) -> bool:
    """Say whether a view may answer an unsafe request to a path, given what was asked before it was known."""
    if is_exempt(view):
        return True
    # A long path is an attacker's more likely than a page's, and fills no memory.
    return not (exempt(path) if len(path) > _LONGEST else _remembered(path, settings.ROOT_URLCONF))


def rerouted(request: HttpRequest) -> Reply:
    """Refuse a request that was asked nothing on account of another view."""
    _log.warning("refused 403: %s (%s)", ascii(request.path), _REROUTED.note)
    return rendered(_REROUTED, accept=rest(request).accept, method=request.method or "")


@lru_cache(4096)
def _remembered(path: str, _urlconf: Any) -> bool:
    return exempt(path)

"""``GET /_secmw/xsrf``: 204, and the cookies that a static front end needs to send a token. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.http import Reply
from secmw.own.page import Page, Visit

if TYPE_CHECKING:
    from secmw.exchange import Exchange


def _get(exchange: Exchange, visit: Visit) -> Reply:  # noqa: ARG001 - every page is asked alike
    exchange.xsrf_token()
    return Reply(204, ())


PAGE: Final = Page(there=lambda exchange: exchange.plan.xsrf is not None, get=_get)

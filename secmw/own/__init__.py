"""What we serve ourselves, below ``/_secmw/``: one file per page. To add one: a file, and a line in :data:`PAGES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.own import sessions, sign_out, sudo, xsrf
from secmw.own.page import NOT_FOUND, Page, Visit, not_allowed

if TYPE_CHECKING:
    from secmw.exchange import Exchange

PAGES: Final[dict[str, Page]] = {
    "/_secmw/sessions": sessions.PAGE,
    "/_secmw/sign-out": sign_out.PAGE,
    "/_secmw/sudo": sudo.PAGE,
    "/_secmw/xsrf": xsrf.PAGE,
}


def page_of(exchange: Exchange) -> Page | None:
    """Find the page that a request below ``/_secmw/`` asks for; None for none, and for a handshake."""
    page = PAGES.get(exchange.path)
    handshake = exchange.facts is not None and exchange.facts.socket
    return page if page is not None and not handshake and page.there(exchange) else None


__all__ = ["NOT_FOUND", "PAGES", "Page", "Visit", "not_allowed", "page_of"]

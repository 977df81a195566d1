"""``POST /_secmw/sign-out``: ends the session and leads to the start page. Pure.

Without a session it does the same: whoever asks twice is signed out twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.own.page import Page, Visit, see_other

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.http import Reply


def _post(exchange: Exchange, visit: Visit) -> Reply:  # noqa: ARG001 - every page is asked alike
    exchange.session.logout()
    return see_other("../")


PAGE: Final = Page(there=lambda exchange: exchange.plan.sessions is not None, post=_post, repeatable=True)

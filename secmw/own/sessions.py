"""``/_secmw/sessions``: people see where they are signed in, and end what they do not know. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.own.page import MALFORMED, Page, Visit, see_other
from secmw.pages.sessions import sessions_page

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.http import Refusal, Reply


def _get(exchange: Exchange, visit: Visit) -> Reply:
    session = exchange.session
    asked = exchange.plan.xsrf is not None
    return sessions_page(
        field="" if exchange.policy.xsrf is None else exchange.policy.xsrf.field,
        token=exchange.xsrf_token() if asked else "",
        user=session.user_description or session.user_id or "",
        records=visit.records,
        current=session.selector or "",
        now=session.now,
        frame_ancestors=exchange.plan.ancestors,
    )


def _post(exchange: Exchange, visit: Visit) -> Reply | Refusal:
    session = exchange.session
    which = visit.form.get("end", "")
    if which == "all":
        session.revoke_all()
        return see_other("../")
    if which == "others":
        session.revoke_others()
    elif which == session.selector:
        session.logout()
        return see_other("../")
    elif which:
        session.revoke(which)
    else:
        return MALFORMED
    return see_other("sessions")


def _there(exchange: Exchange) -> bool:
    rules = exchange.plan.sessions
    return rules is not None and rules.page


PAGE: Final = Page(there=_there, get=_get, post=_post, signed_in=True, lists=True)

"""``/_secmw/sudo``: the password once more, then on to where the person was going. Pure.

A second click sends the form twice, and the browser drops the first answer with its cookie: the secret that the first one
replaced is taken once more here, with the right password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.location import local_target
from secmw.own.page import Page, Visit, see_other
from secmw.pages.sudo import sudo_page
from secmw.sessions.resuming import SUPERSEDED

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.http import Refusal, Reply


def _page(exchange: Exchange, target: str, *, wrong: bool) -> Reply:
    session = exchange.session
    asked = exchange.plan.xsrf is not None
    return sudo_page(
        field="" if exchange.policy.xsrf is None else exchange.policy.xsrf.field,
        token=exchange.xsrf_token() if asked else "",
        user=session.user_description or session.user_id or "",
        next=target,
        wrong=wrong,
        minutes=max(1, session.rules.sudo_duration // 60),
        frame_ancestors=exchange.plan.ancestors,
    )


def _get(exchange: Exchange, visit: Visit) -> Reply:
    return _page(exchange, local_target(visit.form.get("next", "")), wrong=False)


def _post(exchange: Exchange, visit: Visit) -> Reply | Refusal:
    from secmw.audit.action import Action

    target = local_target(visit.form.get("next", ""))
    if not visit.verified:
        exchange.tell(Action.WEB_SUDO, "gave a wrong password", outcome="failure")
        if exchange.session.superseded:
            return SUPERSEDED
        return _page(exchange, target, wrong=True)
    exchange.session.grant_sudo()
    return see_other(target)


def _there(exchange: Exchange) -> bool:
    rules = exchange.plan.sessions
    return rules is not None and rules.sudo and rules.can_verify


PAGE: Final = Page(there=_there, get=_get, post=_post, signed_in=True, verifies=True, superseded=True)

"""``{% load secmw %}``: ``{% xsrf_token %}`` in a form, and ``{% csp_nonce %}`` where no context processor gives one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.middleware.csrf import get_token
from django.utils.html import format_html

from secmw_django.current import current, exchange_of, keep_uncached
from secmw_django.settings import asks_for_token

if TYPE_CHECKING:
    from django.template.context import Context
    from django.utils.safestring import SafeString

    from secmw.exchange import Exchange

register = template.Library()


@register.simple_tag(takes_context=True)
def xsrf_token(context: Context) -> SafeString | str:
    """Write the hidden field that a form needs: secmw's, or Django's own where CsrfViewMiddleware asks for it."""
    exchange = _exchange(context)
    check = exchange.policy.xsrf
    if exchange.plan.xsrf is not None and check is not None:
        return _field(check.field, exchange.xsrf_token())
    request = context.get("request")
    return (
        _field("csrfmiddlewaretoken", get_token(request)) if request is not None and asks_for_token() else ""
    )


@register.simple_tag(takes_context=True)
def csp_nonce(context: Context) -> str:
    """Write the nonce of this response."""
    return _exchange(context).nonce


def _field(name: str, token: str) -> SafeString:
    return format_html('<input type="hidden" name="{}" value="{}">', name, token)


def _exchange(context: Any) -> Exchange:
    """Return the exchange of the request that a template is rendered for, or of the one that runs now."""
    request = context.get("request", getattr(context, "request", None))
    found = current() if request is None else exchange_of(request)
    if found is None:
        raise RuntimeError("there is no request here, and only the page of one can have a token or a nonce")
    if request is not None:
        keep_uncached(request)
    return found

"""What every template of a project knows, once ``secmw_django.context_processors.secmw`` is among its context processors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.functional import SimpleLazyObject

from secmw_django.current import exchange_of, keep_uncached

if TYPE_CHECKING:
    from django.http import HttpRequest


def secmw(request: HttpRequest) -> dict[str, Any]:
    """Return ``csp_nonce``, which is made when a template first writes it, and a token for ``{% csrf_token %}``.

    That token is secmw's where secmw asks for one; where Django's own middleware does, it stays Django's.
    """
    exchange = exchange_of(request)

    def nonce() -> str:
        keep_uncached(request)
        return exchange.nonce

    def token() -> str:
        keep_uncached(request)
        return exchange.xsrf_token()

    found: dict[str, Any] = {"csp_nonce": SimpleLazyObject(nonce)}
    if exchange.plan.xsrf is not None:
        found["csrf_token"] = SimpleLazyObject(token)
    return found

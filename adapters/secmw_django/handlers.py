"""The page for failures: ``handler500 = "secmw_django.server_error"`` in the project's addresses.

Django's own says the same in fewer words, and to scripts in HTML; both have every header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secmw_django.current import exchange_of
from secmw_django.responses import bare
from secmw_django.wires import rest

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer in place of a view that failed: by what the client accepts, and without the cookies that it had asked for."""
    exchange = exchange_of(request)
    exchange.fail()
    return bare(exchange.reply(rest(request).accept))

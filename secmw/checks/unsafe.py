"""What is asked of a request that may change something: its method, whether it is an API call, where it comes from, its token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from secmw.checks import Answer, Check, all_of
from secmw.checks.method import method
from secmw.http import Request, Wire

if TYPE_CHECKING:
    from secmw.checks.xsrf_token import XsrfToken

#: Says of the headers of a POST with a cookie, and the selector that came in it, whether there is nothing left to ask.
Knows = Callable[[Mapping[Any, Any], bytes], bool]


def any_unsafe(passes: Callable[[Request], bool], questions: Iterable[Check], wire: Wire) -> Check:
    """Ask for the method of every request, and the ``questions`` of every one but those that ``passes`` recognises.

    Two questions are :func:`secmw.checks.cross_origin.cross_origin` and the token, in this order.
    """
    every = tuple(questions)
    ask = all_of(every)
    if len(every) != 2:
        return lambda request: method(request) or (None if ask is None or passes(request) else ask(request))
    origin, token = every
    field, ours = wire.field("sec-fetch-site"), wire.encode("same-origin")

    def either(request: Request) -> Answer:
        # A form or a script of a page of ours: the method is fine, a cookie says that this is no API call, and the browser
        # has answered the first question. Nearly every unsafe request is one, and is spared three calls.
        if request.method == "POST" and request.raw_cookie is not None and request.headers.get(field) == ours:
            return token(request)
        return method(request) or (None if passes(request) else origin(request) or token(request))

    return either


def recognised(token: XsrfToken, wire: Wire) -> Knows:
    """Make the test for requests that :func:`any_unsafe` would pass, bound to the selector: False says nothing.

    A browser sent it for a page of ours, with a token in the header that was found to fit this selector before. ``token``: one
    that takes the header's word for it (without ``compare``).
    """
    field, ours = wire.field("sec-fetch-site"), wire.encode("same-origin")
    header, fitted = token.header, token.fitted

    def knows(headers: Mapping[Any, Any], selector: bytes) -> bool:
        bound = fitted(headers.get(header))
        return bound is not None and compare_digest(bound, selector) and headers.get(field) == ours

    return knows

"""What is asked of a request that may change something: its method, whether it is an API call, where it comes from, its token."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from secmw.checks import Answer, Check, all_of
from secmw.checks.method import method
from secmw.http import Request, Wire


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

"""From an application's HttpResponse to header lines and back, and from a reply of ours to an HttpResponse.

Django keeps cookies apart from headers, and one value for each name; a line that the core has made goes out to the byte
all the same. No rule lives here.
"""

from __future__ import annotations

from http.cookies import Morsel  # noqa: TID251 - what Django keeps cookies in; the lines are written by secmw.cookies
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.http.response import ResponseHeaders

from secmw.http import ASGI, text
from secmw_django.frames import heed

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from django.http.response import HttpResponseBase

    from secmw.exchange import Exchange
    from secmw.http import Line, Reply, Wire
    from secmw.plan import Plan

_COOKIE: Final = "set-cookie"
#: The lines of plans as Django keeps them, and how many of them; each holds its plan's list, so that no other has its id.
_READY: Final[dict[int, tuple[list[Any], dict[str, tuple[str, str]]]]] = {}
_PLANS: Final = 512
#: What http.cookies has for an attribute without a value.
_SET: Any = True


class Cookie(Morsel[str]):
    """Be a cookie whose line is written already; Django's test client and its handlers take it for one of their own."""

    line = ""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line
        pair, *attributes = line.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        # Not by set(), which refuses names that the line has all the same.
        state: Any = super()
        state.__setstate__({"key": name, "value": value, "coded_value": value})
        for attribute in attributes:
            name, _, value = attribute.strip().partition("=")
            if name.lower() in self:
                self[name.lower()] = value or _SET

    def output(self, attrs: Container[str] | None = None, header: str = "Set-Cookie:") -> str:
        """Return the line; a copy, which has none, is written as http.cookies writes it."""
        return f"{header} {self.line}".strip() if self.line else super().output(attrs, header)

    def __str__(self, attrs: Container[str] | None = None, header: str = "Set-Cookie:") -> str:
        return self.output(attrs, header)


class Lines(ResponseHeaders):
    """Be the headers of a response that has been completed, among which a name may come more than once: the first is looked up.

    Django looks at every header as it is set: at those of the application it has, and the others are the core's.
    """

    def __init__(self, lines: Sequence[tuple[str, str]]) -> None:
        """Hold lines."""
        self._store = {line[0].lower(): line for line in lines}
        self._more: list[tuple[str, str]] = []
        if len(self._store) != len(lines):
            self._store = {}
            for line in lines:
                name = line[0].lower()
                if name in self._store:
                    self._more.append(line)
                else:
                    self._store[name] = line

    @classmethod
    def stored(cls, store: dict[str, tuple[str, str]]) -> Lines:
        """Hold lines as Django keeps them."""
        made = cls(())
        made._store = store
        return made

    def items(self) -> Any:
        """Return every line; Django's own would look each of them up."""
        return [*self._store.values(), *self._more]


def lines_of(response: HttpResponseBase, wire: Wire) -> list[Line]:
    """Return the header lines of a response as a server would send them, in the wire's type."""
    headers = response.headers
    # As items() gives them, without a look-up for each.
    lines = list(_stored(headers).values()) if type(headers) is ResponseHeaders else list(response.items())
    if response.cookies:
        lines += [("Set-Cookie", cookie.output(header="").strip()) for cookie in response.cookies.values()]
    if wire is ASGI:
        # Names stay as they are spelled: there are clients that want it so.
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
    return lines


def put(response: HttpResponseBase, given: list[Line], lines: list[Line], plan: Plan) -> None:
    """Give a response the lines that the core made of those it gave."""
    count = len(given)
    kept = lines[:count] == given
    if kept:
        ours = lines[count:]
        for known in (plan.locked.lines, plan.plain.lines, plan.locked.read):
            if ours == known and type(response.headers) is ResponseHeaders:
                response.headers = Lines.stored({**_stored(response.headers), **_ready(known)})
                return
    spelled = [(text(name), text(value)) for name, value in lines] if plan.wire is ASGI else lines
    headers = Lines(spelled)
    if _COOKIE not in _stored(headers):
        response.cookies.clear()
    elif kept and not any(name.lower() == _COOKIE for name, _ in spelled[count:]):
        headers = Lines([*response.headers.items(), *spelled[count:]])
    else:
        response.cookies.clear()
        others = []
        for name, value in spelled:
            if name.lower() == _COOKIE:
                cookie = Cookie(value)
                # Of one name there may be two, for two paths.
                double = cookie.key in response.cookies
                response.cookies[f"{cookie.key} {len(response.cookies)}" if double else cookie.key] = cookie
            else:
                others.append((name, value))
        headers = Lines(others)
    response.headers = headers


def _stored(headers: ResponseHeaders) -> dict[str, tuple[str, str]]:
    """Return what Django keeps headers in: lower-case name to name and value."""
    stored: dict[str, tuple[str, str]] = vars(headers)["_store"]
    return stored


def _ready(lines: list[Line]) -> dict[str, tuple[str, str]]:
    """Return the lines of a plan as Django keeps them: they were checked at start-up, and Django would do so each time."""
    known = _READY.get(id(lines))
    if known is None or known[0] is not lines:
        if len(_READY) >= _PLANS:
            _READY.clear()
        spelled = [(text(name), text(value)) for name, value in lines]
        known = _READY[id(lines)] = (lines, {name.lower(): (name, value) for name, value in spelled})
    return known[1]


def keep_ours(exchange: Exchange, response: HttpResponseBase) -> None:
    """Have a response say nothing in our name, and say of frames what its view says: cookies of ours are not Django's to set."""
    if response.cookies:
        sessions, xsrf = exchange.plan.sessions, exchange.policy.xsrf
        if sessions is not None:
            response.cookies.pop(sessions.cookie, None)
        if xsrf is not None and xsrf.token:
            theirs = response.cookies.pop(xsrf.cookie, None)
            if theirs is not None and theirs.value and exchange.plan.xsrf is not None:
                # csrf_protect and ensure_csrf_cookie set Django's under that name; whoever wants one needs ours.
                exchange.xsrf_token()
    heed(exchange, response)


def bare(reply: Reply) -> HttpResponse:
    """Make a response of a reply, to be completed like any other."""
    response = HttpResponse(reply.body, status=reply.status)
    response.headers = Lines(reply.headers)
    return response


def instead(response: HttpResponseBase, ours: HttpResponse) -> HttpResponse:
    """Send a response in place of another, whose files and the like are closed with it."""
    closers(ours).extend(closers(response))
    return ours


def closers(response: Any) -> list[Any]:
    """Return what is called once a response has been sent."""
    found: list[Any] = response._resource_closers
    return found

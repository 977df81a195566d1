"""The kinds of requests whose instructions are counted, on both interfaces.

Each has the application as it is and behind secmw. Both are asked first what they answer: a count of a wrong answer is worth
nothing. What an application reads of its session is part of what secmw adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import requests, sessions
from benchmarks.probe import Answer, WrongAnswerError, ask, prove
from secmw import Policy
from secmw.cli.bench.stand_in import AsgiNoop, WsgiNoop
from secmw.compile import response_lines
from secmw.exchange import Exchange
from secmw.sessions.identifier import new_id
from secmw.sessions.writes import Create
from secmw.stores import AsyncMemoryStore, MemoryStore

#: What an application does with the exchange of its request; says whether it found what it should.
Look = Callable[[Exchange], bool]

#: Says whether an answer is right.
Right = Callable[[Answer], bool]

_OWN: Final = len(requests.RESPONSE_HEADERS)


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what is counted: the application as it is, in a wrapper that does nothing, and behind secmw.

    ``right`` says whether secmw's answer is what it should be; ``wrong``, where there is one, makes a request that is to be
    refused. The person signs in with ``sign_in``, less than a minute before their requests: later ones note that they came.
    """

    asgi: bool
    bare: Any
    noop: Any
    app: Any
    make: Callable[[], Any]
    right: Right
    sign_in: Callable[[], object]
    wrong: Callable[[], Any] | None = None

    def prove(self) -> None:
        """Raise WrongAnswerError unless each answers as it should."""
        bare, noop, found = (
            ask(app, self.make(), asgi=self.asgi) for app in (self.bare, self.noop, self.app)
        )
        if bare.status != 200 or bare != noop:
            raise WrongAnswerError(f"without secmw: {bare}, and in the wrapper that does nothing: {noop}")
        if found.status != 200 or not found.values("x-content-type-options") or not self.right(found):
            raise WrongAnswerError(f"behind secmw: {found}")
        if self.wrong is not None:
            prove("a request that is to be refused", ask(self.app, self.wrong(), asgi=self.asgi), status=403)


@dataclass(frozen=True, slots=True)
class Kind:
    """Describe one kind of request; ``make`` names the method of the person who makes it.

    ``extra``: a header that the application adds. ``look``: what it asks of the exchange. ``reads``: whether it is one of the
    readers of :mod:`benchmarks.sessions`. ``proxied``: whether the request comes through a proxy.
    """

    make: str
    right: Right
    policy: Callable[[], Policy] = sessions.policy
    reads: bool = False
    proxied: bool = False
    extra: tuple[bytes, bytes] | None = None
    look: Look | None = None

    def on(self, *, asgi: bool) -> Row:
        """Make its row on one interface; the person has not signed in yet."""
        person = sessions.Person(asgi=asgi)
        person = person.behind_a_proxy() if self.proxied else person
        together = AsyncMemoryStore()
        blocking = together.blocking if asgi else MemoryStore()
        bare, app = self._apps(asgi=asgi)
        noop: Any
        behind: Any
        if asgi:
            noop, behind = AsgiNoop(bare), secmw.asgi.Middleware(app, self.policy(), store=together)
        else:
            noop = WsgiNoop(bare)
            behind = secmw.wsgi.Middleware(app, self.policy(), store=blocking)

        def sign_in() -> None:
            record = person.record()
            blocking.write(Create(record=record, user_id=record.user_id))

        wrong: Callable[[], Any] | None = None
        if self.make == "post":
            wrong = person.broken
        elif self.reads or self.look in (_name, _list):
            wrong = partial(person.with_id, new_id())
        return Row(asgi, bare, noop, behind, getattr(person, self.make), self.right, sign_in, wrong)

    def _apps(self, *, asgi: bool) -> tuple[Any, Any]:
        plain: Any = requests.asgi_app if asgi else requests.wsgi_app
        if self.reads:
            return plain, sessions.asgi_reader if asgi else sessions.wsgi_reader
        if self.extra is None and self.look is None:
            return plain, plain
        build = _asgi_app if asgi else _wsgi_app
        return build(self.extra, None), build(self.extra, self.look)


def _asgi_app(extra: tuple[bytes, bytes] | None, look: Look | None) -> Any:
    lines = requests.RESPONSE_HEADERS if extra is None else (*requests.RESPONSE_HEADERS, extra)

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
        status = 200 if look is None or look(scope["secmw"]) else 403
        await send({"type": "http.response.start", "status": status, "headers": list(lines)})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


def _wsgi_app(extra: tuple[bytes, bytes] | None, look: Look | None) -> Any:
    every = requests.RESPONSE_HEADERS if extra is None else (*requests.RESPONSE_HEADERS, extra)
    lines = [(name.decode().title(), value.decode()) for name, value in every]

    def app(environ: Any, start_response: Any) -> list[bytes]:
        known = look is None or look(environ["secmw"])
        start_response("200 OK" if known else "403 Forbidden", list(lines))
        return [b"ok"]

    return app


# --- what applications ask


def _nonce(exchange: Exchange) -> bool:
    return len(exchange.nonce) > 20


def _name(exchange: Exchange) -> bool:
    return bool(exchange.session.get("name") == sessions.PAYLOAD["name"])


def _list(exchange: Exchange) -> bool:
    return bool(exchange.session.get("cart") == sessions.PAYLOAD["cart"])


# --- what is right


def _policy_without_sessions() -> Policy:
    return sessions.policy().at("/cart", sessions=None)


def _every_header(found: Answer) -> bool:
    return len(found.headers) == _OWN + len(response_lines(sessions.policy()))


def _personal(found: Answer) -> bool:
    return found.values("cache-control") == ["no-store"] and "Cookie" in ", ".join(found.values("vary"))


def _private(found: Answer) -> bool:
    kept = found.values("cache-control") == ["private, max-age=60"]
    return kept and "Cookie" in ", ".join(found.values("vary"))


def _with_cookie(found: Answer) -> bool:
    return [cookie.partition(";")[0] for cookie in found.values("set-cookie")] == ["theme=dark"]


def _nonced(found: Answer) -> bool:
    return any("'nonce-" in value for value in found.values("content-security-policy-report-only"))


KINDS: Final[Mapping[str, Kind]] = {
    "anonymous": Kind("stranger", _every_header),
    "signed in, read": Kind("get", _personal, reads=True),
    "signed in, not read": Kind("get", _every_header),
    "POST with token": Kind("post", _personal, reads=True),
    "path without sessions": Kind("get", _every_header, policy=_policy_without_sessions),
    "Cache-Control set": Kind("get", _private, extra=(b"cache-control", b"private, max-age=60"), look=_name),
    "cookie set": Kind("stranger", _with_cookie, extra=(b"set-cookie", b"theme=dark; Path=/")),
    "nonce": Kind("stranger", _nonced, look=_nonce),
    "list read": Kind("get", _personal, look=_list),
    "behind a proxy, signed in, read": Kind(
        "get", _personal, policy=sessions.behind_a_proxy, reads=True, proxied=True
    ),
    "behind a proxy, POST with token": Kind(
        "post", _personal, policy=sessions.behind_a_proxy, reads=True, proxied=True
    ),
}

INTERFACES: Final[Mapping[str, bool]] = {"asgi": True, "wsgi": False}


def names() -> list[str]:
    """Return the name of every row: the interface and the kind of request, as in ``asgi anonymous``."""
    return [f"{interface} {kind}" for interface in INTERFACES for kind in KINDS]


def row(name: str) -> Row:
    """Make the row of a name; raise KeyError where there is none."""
    interface, _, kind = name.partition(" ")
    return KINDS[kind].on(asgi=INTERFACES[interface])

"""What each part of a policy costs: one is added after the other, and each row is the difference that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import requests, sessions
from benchmarks.probe import WrongAnswerError, ask, prove
from benchmarks.timing import Added, Ratio, compare
from secmw import Policy
from secmw.compile import response_lines
from secmw.headers import HEADERS
from secmw.keys import KeyRing, new_key
from secmw.presets import RECOMMENDED
from secmw.xsrf import Tokens

#: The headers of the application's own response.
OWN: Final = len(requests.RESPONSE_HEADERS)

_KEY: Final = new_key()
_URL: Final = "https://app.example.org"

#: No response header at all.
_NONE: Final[dict[str, Any]] = {header.setting: None for header in HEADERS if header.setting != "server"} | {
    "content_type_sniffing": True,
    "drop_headers": (),
}


# --- policies


def whole(**more: Any) -> Policy:
    """Return the recommended policy, everything on but sessions."""
    return Policy.recommended(secret_keys=[_KEY], public_url=_URL, sessions=None, **more)


def headers_only() -> Policy:
    """Return the recommended headers, without a place for a nonce, and no checks."""
    return just({"csp_report_only": None})


def just(settings: dict[str, Any]) -> Policy:
    """Return a policy of headers alone."""
    return Policy.recommended(screening=False, sessions=None, **settings)


def asking(**settings: Any) -> Policy:
    """Return a policy that asks requests what these settings say, and adds no header."""
    return Policy.recommended(**{**_NONE, "public_url": _URL, "sessions": None, **settings})


class Visitor:
    """Be somebody who has been here before: requests with a visit and its token."""

    def __init__(self, *, asgi: bool) -> None:
        self._make: Any = requests.scope if asgi else requests.environ
        tokens = Tokens(KeyRing([_KEY]))
        visit = tokens.new_visit()
        cookie = f"__Host-visit={visit}"
        self._post = requests.post_headers(cookie, tokens.token(visit))
        self._broken = requests.post_headers(cookie, tokens.token(tokens.new_visit()))

    def get(self, _: str = "") -> Any:
        """Make a navigation, without cookies."""
        return self._make("GET", requests.BROWSER)

    def post(self, _: str = "") -> Any:
        """Make a POST with its token."""
        return self._make("POST", self._post)

    def broken(self, _: str = "") -> Any:
        """Make a POST with the token of another visit."""
        return self._make("POST", self._broken)

    def plain(self, _: str = "") -> Any:
        """Make a navigation over plain HTTP."""
        request = self.get()
        request["scheme" if "scheme" in request else "wsgi.url_scheme"] = "http"
        return request

    def foreign(self, _: str = "") -> Any:
        """Make a POST from another site's page."""
        lines = dict(self._post) | {b"origin": b"https://evil.example", b"sec-fetch-site": b"cross-site"}
        return self._make("POST", tuple(lines.items()))

    def elsewhere(self, _: str = "") -> Any:
        """Make a navigation to a host that is not ours."""
        return self._make("GET", tuple((dict(requests.BROWSER) | {b"host": b"evil.example"}).items()))


# --- the parts


@dataclass(frozen=True, slots=True)
class Part:
    """Be one row: on requests of a kind, what is timed, and what it stands on."""

    name: str
    kind: str
    variant: str
    under: str = "bare"


#: Each adds one thing to what is above it, as far as a request of its kind meets it.
PARTS: Final = (
    Part("the middleware itself: nothing asked, no header", "GET", "floor"),
    Part("all response headers together", "GET", "headers", "floor"),
    Part("the look at a request: its host and doubled headers", "GET", "host", "floor"),
    Part("HTTPS", "GET", "https", "host"),
    Part("the look at an unsafe request", "POST", "https", "floor"),
    Part("the cross-origin question", "POST", "origin", "https"),
    Part("the XSRF token", "POST", "token", "origin"),
    Part("sessions, for a request without one", "GET", "not read", "whole"),
    Part("the session read, by a stranger", "GET", "read", "not read"),
    Part("the session looked up", "GET, signed in", "not read", "whole"),
    Part("the session read", "GET, signed in", "read", "not read"),
    Part("a nonce", "GET", "nonce", "not read"),
)


@dataclass(frozen=True, slots=True)
class Variants:
    """Hold what is measured on one interface: applications by the names that :data:`PARTS` gives them."""

    asgi: bool
    apps: dict[str, Any]
    signed_in: sessions.Variants

    @classmethod
    def on(cls, *, asgi: bool) -> Variants:
        """Wrap the application of one interface."""
        signed_in = sessions.Variants.on(asgi=asgi)
        bare: Any = signed_in.bare
        around: Any = secmw.asgi.Middleware if asgi else secmw.wsgi.Middleware
        checked: dict[str, Any] = {"secret_keys": [_KEY]}
        apps = {
            "bare": bare,
            "noop": signed_in.noop,
            "floor": around(bare, just(_NONE)),
            "headers": around(bare, just({})),
            "host": around(bare, asking(https="off", xsrf=None)),
            "https": around(bare, asking(xsrf=None)),
            "origin": around(bare, asking(xsrf={"token": False})),
            "token": around(bare, asking(**checked)),
            "whole": around(bare, whole()),
            "not read": signed_in.whole,
            "read": signed_in.reader,
            "nonce": around(_asgi_nonce if asgi else _wsgi_nonce, sessions.policy()),
        }
        return cls(asgi, apps, signed_in)

    def prove(self) -> None:
        """Raise WrongAnswerError unless each asks what it is timed for, and nothing that comes later."""
        self.signed_in.prove()
        visitor = Visitor(asgi=self.asgi)
        for name, headers in (
            ("bare", OWN),
            ("noop", OWN),
            ("floor", OWN),
            ("headers", OWN + len(response_lines(just({})))),
            ("whole", OWN + len(response_lines(whole()))),
        ):
            prove(name, self._ask(name, visitor.get()), headers=headers)
        refused = ("host", visitor.elsewhere), ("https", visitor.plain)
        posts = ("origin", visitor.foreign), ("token", visitor.broken)
        order = [name for name, _ in (*refused, *posts)]
        for place, (name, make) in enumerate((*refused, *posts)):
            for other in ("floor", *order[:place]):
                prove(f"{other}, asked what {name} asks", self._ask(other, make()))
            for other in (*order[place:], "whole"):
                found = self._ask(other, make())
                if found.status not in (301, 400, 403):
                    raise WrongAnswerError(f"{other} lets through what {name} is to refuse: {found.status}")
        for name in order:
            prove(name, self._ask(name, visitor.get()))
            prove(f"{name}, POST", self._ask(name, visitor.post()))
        said = " ".join(self._ask("nonce", visitor.get()).values("content-security-policy-report-only"))
        if "'nonce-" not in said or "'nonce-" in said.replace("'nonce-", "", 1):
            raise WrongAnswerError(f"nonce: expected one, found {said}")

    def _ask(self, name: str, request: Any) -> Any:
        return ask(self.apps[name], request, asgi=self.asgi)


async def _asgi_nonce(scope: Any, receive: Any, send: Any) -> None:
    _ = scope["secmw"].nonce
    await requests.asgi_app(scope, receive, send)


def _wsgi_nonce(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    _ = environ["secmw"].nonce
    return requests.wsgi_app(environ, start_response)


def measure(variants: Variants, *, rounds: int, count: int) -> dict[str, tuple[Added, Ratio]]:
    """Measure every part on one interface: what it adds to what is under it, and that over the no-op wrapper's."""
    variants.prove()
    visitor = Visitor(asgi=variants.asgi)
    kinds = {"GET": visitor.get, "POST": visitor.post, "GET, signed in": variants.signed_in.person.get}
    rows: dict[str, tuple[Added, Ratio]] = {}
    for kind, make in kinds.items():
        asked = [part for part in PARTS if part.kind == kind]
        names = dict.fromkeys(
            ("bare", "noop", *(name for part in asked for name in (part.variant, part.under)))
        )
        every = {name: variants.apps[name] for name in names}
        under = {part.variant: part.under for part in asked}
        found = compare(every, make, asgi=variants.asgi, rounds=rounds, requests=count, against=under)
        for part in asked:
            rows[part.name] = (found[part.variant], found[part.variant].over(found["noop"]))
    return {part.name: rows[part.name] for part in PARTS}


# --- headers, one by one


def each_header(*, rounds: int, count: int) -> Iterator[tuple[str, Added, int]]:
    """Measure each header of the recommended policy alone, against the same policy without any."""
    visitor = Visitor(asgi=True)
    variants: dict[str, Any] = {"bare": secmw.asgi.Middleware(requests.asgi_app, just(_NONE))}
    prove("no header", ask(variants["bare"], visitor.get()), headers=OWN)
    size: dict[str, int] = {}
    for header in HEADERS:
        setting = header.setting
        if setting == "server":
            continue
        alone = just(_NONE | {setting: RECOMMENDED[setting].value})
        lines = response_lines(alone)
        if lines:
            variants[header.name] = secmw.asgi.Middleware(requests.asgi_app, alone)
            # Name, ": ", value, CR LF: what it adds to every response of HTTP/1.1.
            size[header.name] = sum(len(line.name) + len(line.value) + 4 for line in lines)
            prove(header.name, ask(variants[header.name], visitor.get()), headers=OWN + len(lines))
    found = compare(variants, visitor.get, asgi=True, rounds=rounds, requests=count)
    for name, bytes_ in size.items():
        yield name, found[name], bytes_

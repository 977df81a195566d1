"""What four duties cost that middleware made for speed alone would leave out: each the difference of two variants in one run.

A secret is hashed before it is compared, unsafe requests are asked where they come from, caches are told what a response depended
on, and headers that both sides send become one. The two variants of a row differ in nothing else, and answer what they should.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import parts, requests, sessions
from benchmarks.probe import Answer, WrongAnswerError, ask, prove
from benchmarks.timing import Added, Ratio, compare
from secmw.checks.cross_origin import VARY
from secmw.sessions.identifier import fingerprint

Lines = tuple[tuple[bytes, bytes], ...]

#: Ours is DENY.
_FRAMES: Final = (b"x-frame-options", b"SAMEORIGIN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Be one row: who asks, what is timed, and the same without the duty."""

    name: str
    asked: str
    variant: str
    under: str


DUTIES: Final = (
    Duty(
        name="**the id's secret hashed**: a Cookie header not seen before, over one that was",
        asked="GET, signed in",
        variant="cookies anew",
        under="cookies",
    ),
    Duty(name="of that, SHA-256 by itself", asked="GET", variant="hashed", under="not hashed"),
    Duty(
        name="**Fetch Metadata and Origin** asked", asked="POST", variant="questioned", under="unquestioned"
    ),
    Duty(name="**Vary** sent", asked="POST", variant="unquestioned", under="no Vary"),
    Duty(
        name="Vary joined with the application's",
        asked="POST",
        variant="joined Vary",
        under="no Vary, application's",
    ),
    Duty(
        name="**headers merged**: two that the policy sends too, as in earlier responses",
        asked="GET",
        variant="collision",
        under="no collision",
    ),
    Duty(
        name="headers merged: one of them different in each response",
        asked="GET",
        variant="collision anew",
        under="no collision anew",
    ),
)

#: Why each is done all the same.
REASONS: Final = (
    (
        "**Hashed**, because a stolen store or backup then signs nobody in: it holds SHA-256 of secrets. A worker does it once for each "
        "Cookie header and state of a session, not for each request."
    ),
    (
        "**Asked**, because another site's page can make a browser send a POST with our cookies, and the browser says so. The answer stands "
        "before any token is looked at, and where there are no tokens. A GET is not asked."
    ),
    "**Vary**, because a cache in between would otherwise hand what one visitor got, a refusal too, to the next one.",
    (
        "**Merged**, because two fields that differ leave it to the browser which one counts, and a page that sets its own "
        "`X-Frame-Options` means it."
    ),
)


# --- the variants


def _application(lines: Callable[[], Lines], *, asgi: bool) -> Any:
    """Make an application that sends these header lines besides its own."""
    if asgi:

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [*requests.RESPONSE_HEADERS, *lines()],
                }
            )
            await send({"type": "http.response.body", "body": b"ok"})

        return app

    def spelled() -> list[tuple[str, str]]:
        return [
            (name.decode().title(), value.decode()) for name, value in (*requests.RESPONSE_HEADERS, *lines())
        ]

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:  # noqa: ARG001 (PEP 3333)
        start_response("200 OK", spelled())
        return [b"ok"]

    return wsgi


def _before(app: Any, work: Callable[[], object], *, asgi: bool) -> Any:
    """Put some work in front of an application."""
    if asgi:

        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            work()
            await app(scope, receive, send)

        return middleware

    def wsgi(environ: Any, start_response: Any) -> Any:
        work()
        return app(environ, start_response)

    return wsgi


@dataclass(frozen=True, slots=True)
class Variants:
    """Hold what is measured on one interface, by the names that :data:`DUTIES` gives; ``make`` makes a request for each."""

    asgi: bool
    apps: dict[str, Any]
    make: Callable[[str], Any]

    @classmethod
    def on(cls, *, asgi: bool) -> Variants:
        """Wrap the applications of one interface."""
        around: Any = secmw.asgi.Middleware if asgi else secmw.wsgi.Middleware
        bare: Any = requests.asgi_app if asgi else requests.wsgi_app
        signed_in = sessions.Variants.on(asgi=asgi)
        visitor = parts.Visitor(asgi=asgi)
        numbers = count(10**9)
        verifier = signed_in.person.id.verifier.encode()
        vary = {"custom_headers": [f"Vary: {', '.join(VARY)}"]}

        def sending(*lines: tuple[bytes, bytes]) -> Any:
            return _application(lambda: lines, asgi=asgi)

        def numbered(name: bytes, before: bytes, after: bytes) -> Any:
            """Send, beside a header of ours, one that is different each time."""
            other = _FRAMES if name.startswith(b"content-") else (b"x-robots-tag", b"noindexing")
            return _application(
                lambda: (other, (name, before + str(next(numbers)).encode() + after)), asgi=asgi
            )

        silent, told = parts.asking(xsrf=None), parts.asking(xsrf=None, **vary)
        compressed = sending((b"vary", b"Accept-Encoding"))
        apps = {
            "bare": bare,
            "noop": requests.asgi_noop(bare) if asgi else requests.wsgi_noop(bare),
            "cookies": signed_in.reader,
            "cookies anew": signed_in.reader,
            "not hashed": _before(bare, lambda: verifier, asgi=asgi),
            "hashed": _before(bare, lambda: fingerprint(verifier).digest(), asgi=asgi),
            "no Vary": around(bare, silent),
            "unquestioned": around(bare, told),
            "questioned": around(bare, parts.asking(xsrf={"token": False})),
            "no Vary, application's": around(compressed, silent),
            "joined Vary": around(compressed, told),
            "no collision": around(
                sending((b"x-robots-tag", b"noindexing"), (b"x-page-colour", b"no-referrer")), parts.whole()
            ),
            "collision": around(sending(_FRAMES, (b"referrer-policy", b"no-referrer")), parts.whole()),
            "no collision anew": around(
                numbered(b"x-the-number-of-response", b"script-src 'nonce-", b"'"), parts.whole()
            ),
            "collision anew": around(
                numbered(b"content-security-policy", b"script-src 'nonce-", b"'"), parts.whole()
            ),
        }
        asked = {name: duty.asked for duty in DUTIES for name in (duty.variant, duty.under)}

        def make(name: str) -> Any:
            if name == "cookies anew":
                return signed_in.person.get_anew()
            if name == "cookies":
                return signed_in.person.get()
            return visitor.post() if asked.get(name) == "POST" else visitor.get()

        return cls(asgi, apps, make)

    def prove(self) -> None:
        """Raise WrongAnswerError unless each does its duty, or does not, as its name says."""
        visitor = parts.Visitor(asgi=self.asgi)
        for name in self.apps:
            # Twice, because what came of the first is remembered.
            for _ in range(2):
                found = self._ask(name, self.make(name))
                prove(name, found)
                self._prove_headers(name, found)
        for name, status in (("questioned", 403), ("unquestioned", 200), ("no Vary", 200)):
            prove(f"{name}, from another site", self._ask(name, visitor.foreign()), status=status)

    def _ask(self, name: str, request: Any) -> Answer:
        return ask(self.apps[name], request, asgi=self.asgi)

    def _prove_headers(self, name: str, found: Answer) -> None:
        vary = ", ".join(VARY)
        frames, foreign = ["SAMEORIGIN"], ["noindexing"]
        wanted: dict[str, dict[str, list[str]]] = {
            "no Vary": {"vary": []},
            "unquestioned": {"vary": [vary]},
            "questioned": {"vary": [vary]},
            "no Vary, application's": {"vary": ["Accept-Encoding"]},
            "joined Vary": {"vary": [f"Accept-Encoding, {vary}"]},
            "no collision": {"x-frame-options": ["DENY"], "x-robots-tag": foreign},
            "collision": {"x-frame-options": frames, "referrer-policy": ["no-referrer"]},
            "no collision anew": {"x-frame-options": ["DENY"], "x-robots-tag": foreign},
            "collision anew": {"x-frame-options": frames},
        }
        for header, values in wanted.get(name, {}).items():
            if found.values(header) != values:
                raise WrongAnswerError(f"{name}: {header} is {found.values(header)}, and not {values}")
        policies = " ".join(found.values("content-security-policy"))
        if ("'nonce-" in policies) != (name == "collision anew"):
            raise WrongAnswerError(f"{name}: an application's policy is lost or made up: {policies}")


def measure(variants: Variants, *, rounds: int, count: int) -> dict[str, tuple[Added, Ratio]]:
    """Measure every duty on one interface: what it takes, and that over the no-op wrapper's."""
    variants.prove()
    under = {duty.variant: duty.under for duty in DUTIES}
    # What one duty is measured against may be another's variant, so pairs are made here.
    pairs = dict.fromkeys(name for duty in DUTIES for name in (duty.variant, duty.under))
    every = {name: variants.apps[name] for name in ("bare", "noop", *pairs)}
    found = compare(every, variants.make, asgi=variants.asgi, rounds=rounds, requests=count, against=under)
    return {duty.name: (found[duty.variant], found[duty.variant].over(found["noop"])) for duty in DUTIES}

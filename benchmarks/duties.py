"""What the duties cost that middleware made for speed alone would leave out: each the difference of two variants in one run.

A secret is hashed before it is compared, unsafe requests are asked where they come from, caches are told what a response depended
on, headers that both sides send become one, and so on. The two variants of a row differ in nothing else, and answer what they
should. What no policy can take away is done once more in one of them, which costs as much.

python -m benchmarks.duties            print the table
python -m benchmarks.duties --write    put it into docs/explanation/benchmarks.md as well
python -m benchmarks.duties --short    a third of the rounds, for `make bench`
python -m benchmarks.duties --quick    a hundredth of the work
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hmac import compare_digest
from itertools import count, repeat
from time import sleep
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import page, parts, requests, sessions
from benchmarks.page import Section
from benchmarks.probe import Answer, WrongAnswerError, ask, prove
from benchmarks.timing import Added, Ratio, figure, sample
from secmw.checks.cross_origin import VARY
from secmw.cli.bench.plot import bars
from secmw.cli.bench.stand_in import AsgiNoop, WsgiNoop
from secmw.clock import system
from secmw.sessions.identifier import fingerprint

#: Rounds, and requests in each sample.
FULL: Final = (180, 200)
SHORT: Final = (60, 200)
QUICK: Final = (3, 10)

Lines = tuple[tuple[bytes, bytes], ...]
Rows = Mapping[str, tuple[Added, Ratio]]

#: Ours is DENY.
_FRAMES: Final = (b"x-frame-options", b"SAMEORIGIN")

#: Requests as browsers repeat them, and which duties each kind of them is due.
ANONYMOUS: Final = "anonymous"
NOT_READ: Final = "signed in, not read"
READ: Final = "signed in, session read"
POST: Final = "signed in, POST with token"
_EVERY: Final = (ANONYMOUS, NOT_READ, READ, POST)
_SIGNED_IN: Final = (NOT_READ, READ, POST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Be one row: what is timed, and the same without the duty; ``paid`` by which requests, each time.

    ``asked``: the kind of request that both are asked with. ``beside`` and ``beside_under``: what the two of them stand on, where
    that differs too. ``rarely`` says when the duty is due that no ordinary request pays.
    """

    name: str
    variant: str
    under: str
    asked: str = "GET"
    paid: tuple[str, ...] = ()
    rarely: str = ""
    beside: str = ""
    beside_under: str = ""


DUTIES: Final = (
    Duty(
        name="**host, forwarding and doubled headers** looked at",
        variant="looked at",
        under="not looked at",
        paid=_EVERY,
    ),
    Duty(
        name="**the clock**, which never goes back, asked",
        variant="cookies",
        under="no clock",
        asked="GET, signed in",
        paid=_EVERY,
    ),
    Duty(
        name="**idle and absolute limits** of a session compared",
        variant="limits",
        under="no limits",
        paid=_SIGNED_IN,
    ),
    Duty(
        name="**the id's secret hashed** and compared, the record's limits read",
        variant="cookies anew",
        under="cookies",
        asked="GET, signed in",
        rarely="the first request with a Cookie header, and after each write",
    ),
    Duty(
        name="of that, SHA-256 and the comparison by themselves",
        variant="hashed",
        under="not hashed",
        rarely="the same",
    ),
    Duty(
        name="**Fetch Metadata and Origin** asked",
        asked="POST",
        variant="questioned",
        under="unquestioned",
        paid=(POST,),
    ),
    Duty(name="**Vary** sent", asked="POST", variant="unquestioned", under="no Vary", paid=_EVERY),
    Duty(
        name="Vary joined with the application's",
        asked="POST",
        variant="joined Vary",
        under="no Vary, application's",
        rarely="the application sends Vary",
    ),
    Duty(
        name="**headers merged**: two of the application's looked at, none of them ours",
        variant="two headers",
        under="no headers",
        beside="bare",
        beside_under="bare, no headers",
        paid=_EVERY,
    ),
    Duty(
        name="headers merged: two that the policy sends too, as in earlier responses",
        variant="collision",
        under="no collision",
        rarely="the application sends headers of ours",
    ),
    Duty(
        name="headers merged: one of them different in each response",
        variant="collision anew",
        under="no collision anew",
        rarely="the same, with a value of its own",
    ),
    Duty(
        name="**the audit trail** there, nothing to record",
        variant="audited",
        under="not audited",
        paid=_EVERY,
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
    (
        "**Vary**, because a cache in between would otherwise hand what one visitor got, a refusal too, to the next one. The line is "
        "rendered when the policy is compiled, with all the others."
    ),
    (
        "**Merged**, because two fields that differ leave it to the browser which one counts, and a page that sets its own "
        "`X-Frame-Options` means it."
    ),
    (
        "**Looked at**, because a second `Host`, or an `X-Forwarded-For` of somebody who is no proxy of ours, would make the application "
        "believe what a stranger says of himself."
    ),
    (
        "**The clock**, because a session that is over stays over, also when an administrator sets the clock back; and **limits** are "
        "compared each time, or a session would outlive them in the memory of a worker."
    ),
)


# --- the variants


def _application(lines: Callable[[], Lines], *, asgi: bool) -> Any:
    """Make an application that sends these header lines."""
    if asgi:

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
            await send({"type": "http.response.start", "status": 200, "headers": [*lines()]})
            await send({"type": "http.response.body", "body": b"ok"})

        return app

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:  # noqa: ARG001 (PEP 3333)
        start_response("200 OK", [(name.decode().title(), value.decode()) for name, value in lines()])
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


class Stopped:
    """Tell one time for good, in next to no time."""

    def __init__(self) -> None:
        #: A built-in method, where a method of ours would take as long as the clock does.
        self.now: Callable[[], float] = repeat(system.now()).__next__


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
        store: Any = signed_in.reader.guard.store
        visitor = parts.Visitor(asgi=asgi)

        def sending(*lines: tuple[bytes, bytes]) -> Any:
            return _application(lambda: (*requests.RESPONSE_HEADERS, *lines), asgi=asgi)

        def numbered(name: bytes, other: tuple[bytes, bytes]) -> Any:
            """Send, beside another header, one that is different each time."""
            numbers = count(10**9)
            return _application(
                lambda: (
                    *requests.RESPONSE_HEADERS,
                    other,
                    (name, b"script-src 'nonce-%d'" % next(numbers)),
                ),
                asgi=asgi,
            )

        def before(work: Callable[[], object]) -> Any:
            return _before(bare, work, asgi=asgi)

        silent = parts.asking(xsrf=None)
        told = parts.asking(xsrf=None, custom_headers=[f"Vary: {', '.join(VARY)}"])
        compressed = sending((b"vary", b"Accept-Encoding"))
        nothing = _application(tuple, asgi=asgi)
        reader: Any = sessions.asgi_reader if asgi else sessions.wsgi_reader
        secret, digest = signed_in.person.id.verifier.encode(), signed_in.person.id.digest
        now = system.now()
        since, until = now - 60.0, now + 60.0
        apps = {
            "bare": bare,
            "noop": AsgiNoop(bare) if asgi else WsgiNoop(bare),
            "bare, no headers": nothing,
            "not looked at": around(bare, parts.asking(https="off", xsrf=None, screening=False)),
            "looked at": around(bare, parts.asking(https="off", xsrf=None)),
            "cookies": signed_in.reader,
            "cookies anew": signed_in.reader,
            "no clock": around(reader, sessions.policy(), store=store, clock=Stopped()),
            "no limits": before(lambda: now),
            "limits": before(lambda: since <= now < until),
            "not hashed": before(lambda: secret),
            "hashed": before(lambda: compare_digest(fingerprint(secret).digest(), digest)),
            "no Vary": around(bare, silent),
            "unquestioned": around(bare, told),
            "questioned": around(bare, parts.asking(xsrf={"token": False})),
            "no Vary, application's": around(compressed, silent),
            "joined Vary": around(compressed, told),
            "no headers": around(nothing, parts.whole()),
            "two headers": around(bare, parts.whole()),
            "no collision": around(
                sending((b"x-robots-tag", b"noindexing"), (b"x-page-colour", b"no-referrer")), parts.whole()
            ),
            "collision": around(sending(_FRAMES, (b"referrer-policy", b"no-referrer")), parts.whole()),
            "no collision anew": around(
                numbered(b"x-the-number-of-response", (b"x-robots-tag", b"noindexing")), parts.whole()
            ),
            "collision anew": around(numbered(b"content-security-policy", _FRAMES), parts.whole()),
            "not audited": around(bare, parts.whole()),
            "audited": around(bare, parts.whole(trail="memory://")),
        }
        asked = {name: duty.asked for duty in DUTIES for name in (duty.variant, duty.under)}
        kinds: dict[str, Callable[[], Any]] = {
            "GET": visitor.get,
            "POST": visitor.post,
            "GET, signed in": signed_in.person.get,
        }

        def make(name: str) -> Any:
            if name == "cookies anew":
                return signed_in.person.get_anew()
            return kinds[asked.get(name, "GET")]()

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
        for name, status in (("looked at", 400), ("not looked at", 200)):
            prove(f"{name}, another host", self._ask(name, visitor.elsewhere()), status=status)
        for name, trail in (("audited", True), ("not audited", False)):
            if self.apps[name].plans.safe["/"].audited is not trail:
                raise WrongAnswerError(f"{name}: there is {'a' if not trail else 'no'} trail")
        clocks = {name: self.apps[name].plans.now for name in ("cookies", "no clock")}
        first = clocks["no clock"]()
        # Two looks at a clock that goes may find the same time: today's seconds are told to a quarter of a microsecond.
        sleep(0.001)
        if clocks["no clock"]() != first or clocks["cookies"] != system.now:
            raise WrongAnswerError("no clock: a clock is asked all the same")

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
            "two headers": {"x-frame-options": ["DENY"], "content-length": ["2"]},
            "no headers": {"x-frame-options": ["DENY"], "content-length": []},
            "no collision": {"x-frame-options": ["DENY"], "x-robots-tag": foreign},
            "collision": {"x-frame-options": frames, "referrer-policy": ["no-referrer"]},
            "no collision anew": {"x-frame-options": ["DENY"], "x-robots-tag": foreign},
            "collision anew": {"x-frame-options": frames},
            "audited": {"x-frame-options": ["DENY"]},
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
    samples = sample(variants.apps, variants.make, asgi=variants.asgi, rounds=rounds, requests=count)
    unit = Added.of(samples["noop"], samples["bare"])
    rows = {}
    for duty in DUTIES:
        added = Added.of(samples[duty.variant], samples[duty.under])
        if duty.beside:
            added = added.without(Added.of(samples[duty.beside], samples[duty.beside_under]))
        rows[duty.name] = added, added.over(unit)
    return rows


# --- the section


def sums(rows: Rows) -> dict[str, float]:
    """Return what each kind of request pays for its duties each time, in multiples of what the no-op wrapper adds."""
    return {
        kind: sum(rows[duty.name][1].median or 0.0 for duty in DUTIES if kind in duty.paid) for kind in _EVERY
    }


def _table(interfaces: Mapping[str, Rows]) -> Iterator[str]:
    yield "| duty | paid by | ASGI, µs | × no-op | WSGI, µs | × no-op |"
    yield "|---|---|--:|--:|--:|--:|"
    for duty in DUTIES:
        cells = (
            f"{added.told(2)} | {figure(ratio.median)}"
            for added, ratio in (rows[duty.name] for rows in interfaces.values())
        )
        yield f"| {duty.name} | {_payers(duty)} | {' | '.join(cells)} |"


def _payers(duty: Duty) -> str:
    if duty.rarely:
        return duty.rarely
    return {_EVERY: "every request", _SIGNED_IN: "who is signed in"}.get(duty.paid, ", ".join(duty.paid))


def _sums(interfaces: Mapping[str, Rows]) -> Iterator[str]:
    yield f"| × no-op, paid each time | {' | '.join(_EVERY)} |"
    yield f"|---|{'--:|' * len(_EVERY)}"
    for name, rows in interfaces.items():
        yield f"| {name} | {' | '.join(figure(total) for total in sums(rows).values())} |"


def report(*, quick: bool = False, short: bool = False) -> Section:
    """Measure every duty on both interfaces and return it as the page's section ``duties``."""
    rounds, number = QUICK if quick else SHORT if short else FULL
    found = {
        name: measure(Variants.on(asgi=asgi), rounds=rounds, count=number)
        for name, asgi in (("ASGI", True), ("WSGI", False))
    }
    lines = [
        f"Measured {page.machine()}; {rounds} rounds of {number} requests. In brackets the fastest samples.",
        "",
        *_table(found),
        "",
        *_sums(found),
        "",
        "![What each duty costs](benchmarks/duties-each.svg)",
        "",
        *(f"- {reason}" for reason in REASONS),
    ]
    data = {
        "rounds": rounds,
        "count": number,
        "duties": {
            kind: {
                name: {"added": asdict(added), "ratio": asdict(ratio)}
                for name, (added, ratio) in rows.items()
            }
            for kind, rows in found.items()
        },
        "paid each time": {kind: sums(rows) for kind, rows in found.items()},
    }
    plot = bars(
        "What each duty costs",
        list(found),
        [
            (duty.name.replace("**", ""), [rows[duty.name][0].median for rows in found.values()])
            for duty in DUTIES
        ],
        unit="µs",
    )
    return Section("duties", "\n".join(lines) + "\n", data, {"each": plot})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    page.run(report, "What the duties cost.", arguments)


if __name__ == "__main__":
    main()

"""A study of one application under one policy: every answer is looked at first, then timed, with and without each part."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from secmw.cli.bench.driving import Answer, AsgiDriver, NeverDoneError, Request, WsgiDriver
from secmw.cli.bench.measuring import Difference, Times, Variant, measure
from secmw.cli.bench.parts import Part, least, measurable, parts, without
from secmw.cli.bench.stand_in import AsgiNoop, Use, WsgiNoop, catcher, let_through, stand_in
from secmw.cli.bench.target import Target, said, wrapped
from secmw.cli.bench.visitors import SignedIn, Wanted, request
from secmw.http import SAFE_METHODS
from secmw.sessions.record import Record
from secmw.sessions.writes import Create

if TYPE_CHECKING:
    from secmw.policy import Policy

#: Often enough to see that the second request gets the answer of the first.
_SURE: Final = 3

#: Variants around the stand-in; parts are called by other names.
_BARE: Final = "(bare)"
_NO_OP: Final = "(no-op)"
_WHOLE: Final = "(whole)"
_LEAST: Final = "(least)"


#: The id of somebody made up: a number, as most ids are, and one that hardly any database gets to.
_NOBODY: Final = "2147483647"


class StudyError(Exception):
    """Say why an application can't be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold what one part costs: microseconds, and bytes of response headers; None where that was not measured."""

    part: Part
    time: Difference | None
    size: int | None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Hold what was found out about one visitor's requests.

    ``alone`` and ``whole``: the application without secmw and with it; ``added``: what that comes to. ``no_op``, ``around``: what
    a wrapper that does nothing adds to a stand-in for the application, and what the policy adds to it; ``rows``: its parts,
    ``left``: what is left without any. ``uses``: of ``around``, what the page itself asks of secmw, by the name of the use.
    """

    who: str
    status: int
    alone: Times
    whole: Times
    added: Difference
    sizes: tuple[int, int]
    no_op: Difference
    around: Difference
    rows: tuple[Row, ...]
    left: Difference
    uses: Mapping[str, Difference]
    use: Use
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Hold everything that was found out; ``skipped``: visitors that could not be measured, and why."""

    wanted: Wanted
    url: str
    asgi: bool
    visits: tuple[Visit, ...]
    skipped: tuple[str, ...]


def study(
    target: Target, policy: Policy, wanted: Sequence[Wanted], *, seconds: float, each_header: bool = False
) -> list[Study]:
    """Measure an application under a policy for about so many seconds; raise StudyError where it does not answer."""
    base = measurable(policy)
    driver: Any = AsgiDriver() if target.asgi else WsgiDriver()
    with driver:
        try:
            for user in {one.user for one in wanted} - {None}:
                target.learn(str(user), driver.wait)
            guard = target.place(base)
            try:
                driver.start(target.app)
            except Exception as error:
                raise StudyError(f"the application does not start: {said(error)}") from error
            return [
                _Subject(target, base, one, driver, guard).studied(
                    seconds / len(wanted), each_header=each_header
                )
                for one in wanted
            ]
        finally:
            target.restore()


class _Subject:
    """Be an application under a policy, with somebody who asks it."""

    def __init__(self, target: Target, base: Policy, wanted: Wanted, driver: Any, guard: Any) -> None:
        self.target, self.base, self.wanted = target, base, wanted
        self.driver, self.guard = driver, guard
        self.parts = list(parts(base, wanted.target.partition("?")[0], wanted.method))
        #: What headers weigh is the same whoever asks.
        self.weighed: dict[str, int] = {}

    def studied(self, seconds: float, *, each_header: bool) -> Study:
        """Measure what every visitor asks for; those whose requests can't be are said to be skipped, unless all are."""
        kinds = list(self.kinds())
        ready: list[_Ready] = []
        skipped: list[str] = []
        for number, (who, signed_in) in enumerate(kinds):
            try:
                ready.append(self.ready(who, signed_in))
            except StudyError as error:
                if number == len(kinds) - 1 and not ready:
                    raise
                skipped.append(f"{who}: {error}")
        shown = request(self.base, self.wanted, None)
        return Study(
            wanted=self.wanted,
            url=f"{shown.scheme}://{shown.host}{self.wanted.target}",
            asgi=self.target.asgi,
            visits=tuple(one.measured(seconds / len(ready), each_header=each_header) for one in ready),
            skipped=tuple(skipped),
        )

    def kinds(self) -> Iterator[tuple[str, SignedIn | None]]:
        """Yield the visitors that a policy knows for this path."""
        yield "a stranger", None
        plans = self.target.core.plans
        table = plans.safe if self.wanted.method in SAFE_METHODS else plans.unsafe
        if table.find(self.wanted.target.partition("?")[0]).sessions is not None:
            yield "somebody signed in", self.signed_in()

    def signed_in(self) -> SignedIn:
        """Sign somebody in anew."""
        rules = self.target.core.plans.safe.find(self.wanted.target.partition("?")[0]).sessions
        version = self.target.version if rules.versioned else None
        return SignedIn.under(rules, self.wanted.user or _NOBODY, version)

    def admit(self, guard: Any, signed_in: SignedIn | None) -> None:
        """Put the session of who is signed in into the store behind a guard."""
        if signed_in is not None and guard.store is not None:
            self.driver.wait(guard.store.write(Create(record=signed_in.record, user_id=signed_in.user)))

    def ask(self, app: Any, asked: Request | dict[str, Any]) -> Answer:
        """Send one request; raise StudyError where the application fails."""
        given = self.driver.made(asked) if isinstance(asked, Request) else asked
        try:
            found: Answer = self.driver.ask(app, given, self.wanted.body)
        except NeverDoneError as error:
            raise StudyError(str(error)) from None
        except Exception as error:
            raise StudyError(f"the application failed: {said(error)}") from error
        if not found.status:
            raise StudyError("the application returned without a response")
        return found

    def ready(self, who: str, signed_in: SignedIn | None) -> _Ready:
        """Ask everything once that is going to be timed; raise StudyError for what is not worth timing."""
        self.admit(self.guard, signed_in)
        ready = _Ready(self, who, signed_in)
        ready.look()
        return ready


class _Ready:
    """Be one visitor's requests, all of which have been answered as they should."""

    def __init__(self, subject: _Subject, who: str, signed_in: SignedIn | None) -> None:
        self.subject, self.who, self.signed_in = subject, who, signed_in
        self.notes: list[str] = []
        self.asked = request(subject.base, subject.wanted, signed_in, self.cookie)
        self.front = self.around(catcher(asgi=subject.target.asgi), subject.base)

    def given(self) -> dict[str, Any]:
        """Make a request that a policy has let through already, outside of what is timed."""
        driver, body = self.subject.driver, self.subject.wanted.body
        found = let_through(lambda: driver.ask(self.front, driver.made(self.asked), body))
        if found is None:
            raise StudyError(self.refusal())
        return found

    def plain(self) -> dict[str, Any]:
        """Make a request as it comes."""
        made: dict[str, Any] = self.subject.driver.made(self.asked)
        return made

    def refusal(self) -> str:
        """Say why the policy does not let this request through."""
        plain = tuple(line for line in self.asked.headers if line[0] != "accept")
        asked = replace(self.asked, headers=(*plain, ("accept", "application/problem+json")))
        answer = self.subject.ask(self.front, asked)
        if 300 <= answer.status < 400:
            to = {name.lower(): value for name, value in answer.headers}.get("location", "")
            return f"the policy sends this request elsewhere: {answer.status} to {to}"
        try:
            problem = json.loads(answer.body)
            why = f"{problem['reason']}: {problem.get('detail') or problem.get('title')}"
        except (ValueError, KeyError, TypeError):
            why = "a page of secmw's own answers it" if answer.status < 400 else "it is refused"
        return f"the policy answers this request itself: {answer.status}, {why}"

    def look(self) -> None:
        """See what is answered with secmw and without, and what the application does with its exchange."""
        subject, target = self.subject, self.subject.target
        first = self.given()
        target.alone()
        answered = subject.ask(target.bare, first)
        self.use = Use.of(first["secmw"])
        target.whole()
        found = [subject.ask(target.app, self.plain()) for _ in range(_SURE)]
        wrong = next((one.status for one in found if one.status != answered.status), None)
        if answered.status >= 500 or wrong is not None:
            said_ = (
                f"{answered.status}" if wrong is None else f"{answered.status} at first, and {wrong} later"
            )
            fix = "ask for something that it can do again and again"
            if self.signed_in is not None and subject.wanted.user is None:
                fix += ", or name a user whom it knows with --user"
            raise StudyError(f"the application answers {said_}; {fix}")
        self.answer, self.whole = answered, found[-1]
        if self.signed_in is not None:
            store, selector = subject.guard.store, self.signed_in.id.selector
            if not isinstance(subject.driver.wait(store.load(selector)), Record):
                raise StudyError(
                    "the application ended the session of a user whom it does not know; name one that it does with --user"
                )
        self.prepared = self.signed_in is not None or target.django or not self.does_without()
        if self.prepared:
            self.notes.append(
                "The application alone is given what secmw found out of the request ready-made: what it does with that (reads its"
                " session, makes a token) counts as its own here."
            )
        if self.use.changes:
            self.notes.append(
                "It changes the session with every such request: a write to the store each time, here to memory."
            )

    def does_without(self) -> bool:
        """Say whether the application answers the same where there is no secmw at all."""
        target = self.subject.target
        target.alone()
        # What it logs then is no news: it may be meant to run under secmw alone.
        before = logging.root.manager.disable
        logging.disable()
        try:
            found = self.subject.ask(target.bare, self.plain())
        except StudyError:
            return False
        finally:
            logging.disable(before)
            target.whole()
        return found.status == self.answer.status and len(found.body) == len(self.answer.body)

    def begin(self) -> None:
        """Put the layer back; where each request adds to the session, begin with an empty one, or the last would be of thousands."""
        self.subject.target.whole()
        if self.signed_in is not None and self.use.changes:
            self.signed_in = self.subject.signed_in()
            self.subject.admit(self.subject.guard, self.signed_in)
            self.subject.admit(self.front.guard, self.signed_in)
            self.asked = request(self.subject.base, self.subject.wanted, self.signed_in, self.cookie)

    def measured(self, seconds: float, *, each_header: bool) -> Visit:
        """Time it."""
        target, body = self.subject.target, self.subject.wanted.body
        status = self.answer.status
        make = self.given if self.prepared else self.plain
        own = measure(
            self.subject.driver,
            {
                "alone": Variant(app=target.bare, make=make, status=status, body=body, enter=target.alone),
                "whole": Variant(app=target.app, make=self.plain, status=status, body=body, enter=self.begin),
            },
            seconds=seconds / 2,
        )
        target.whole()
        rows, times = self.parts(seconds / 2, each_header=each_header)
        return Visit(
            who=self.who,
            status=status,
            alone=own["alone"],
            whole=own["whole"],
            added=Difference.between(own["whole"], own["alone"]),
            sizes=(self.answer.size, self.whole.size),
            no_op=Difference.between(times[_NO_OP], times[_BARE]),
            around=Difference.between(times[_WHOLE], times[_BARE]),
            rows=rows,
            left=Difference.between(times[_LEAST], times[_BARE]),
            uses={
                name: Difference.between(times[_WHOLE], times[f"({name})"])
                for name in self.use.names()
                if f"({name})" in times
            },
            use=self.use,
            notes=tuple(self.notes),
        )

    def parts(self, seconds: float, *, each_header: bool) -> tuple[tuple[Row, ...], dict[str, Times]]:
        """Time the policy without each of its parts around a stand-in."""
        subject, asgi = self.subject, self.subject.target.asgi
        bare = stand_in(self.answer, None, asgi=asgi)
        whole = self.layered(subject.base)
        size = subject.ask(whole, self.asked).size
        directly = without(subject.base, {"trusted_proxies": ()})
        no_proxy = request(directly, subject.wanted, self.signed_in, self.cookie)
        variants = {
            _BARE: self.variant(bare, self.asked),
            _NO_OP: self.variant((AsgiNoop if asgi else WsgiNoop)(bare), self.asked),
            _WHOLE: self.variant(whole, self.asked),
            _LEAST: self.variant(self.layered(least(subject.base)), no_proxy),
        }
        for name in self.use.names():
            spared = replace(self.use, **{name: False})
            variants[f"({name})"] = self.variant(self.layered(subject.base, spared), self.asked)
        sizes: dict[str, int] = {}
        remarks: dict[str, str] = {}
        for part in subject.parts:
            if part.name in subject.weighed and not each_header:
                sizes[part.name] = subject.weighed[part.name]
                continue
            if part.without is None or (part.setting == "sessions" and self.signed_in is not None):
                remarks[part.name] = part.remark or "who is signed in needs them"
                continue
            app = self.layered(part.without)
            asked = no_proxy if part.setting == "trusted_proxies" else self.asked
            answer = subject.ask(app, asked)
            if answer.status != self.answer.status:
                remarks[part.name] = f"not measured: without it the answer is {answer.status}"
                continue
            sizes[part.name] = size - answer.size
            if part.header:
                subject.weighed[part.name] = sizes[part.name]
            if each_header or not part.header:
                variants[part.name] = self.variant(app, asked)
        times = measure(subject.driver, variants, seconds=seconds)
        rows = tuple(
            Row(
                part=part,
                time=Difference.between(times[_WHOLE], times[part.name]) if part.name in times else None,
                size=sizes.get(part.name),
                remark=remarks.get(part.name, ""),
            )
            for part in subject.parts
        )
        return rows, times

    @property
    def path(self) -> str:
        return self.subject.wanted.target.partition("?")[0]

    @property
    def cookie(self) -> str:
        rules = self.subject.target.core.plans.safe.find(self.path).sessions
        return "" if rules is None else str(rules.cookie)

    def layered(self, policy: Policy, use: Use | None = None) -> Any:
        """Put a policy around a stand-in that does with its exchange what the application did, or ``use``."""
        app = stand_in(self.answer, (use or self.use).under(policy), asgi=self.subject.target.asgi)
        return self.around(app, policy)

    def around(self, app: Any, policy: Policy) -> Any:
        """Put a policy around an application of ours; who is signed in is so there, too."""
        target = self.subject.target
        made = wrapped(target.asgi, app, policy, hooks=target.hooks, exempts=target.exempts)
        self.subject.admit(made.guard, self.signed_in)
        return made

    def variant(self, app: Any, asked: Request) -> Variant:
        """Make something to time around the stand-in."""
        driver = self.subject.driver
        return Variant(
            app=app, make=lambda: driver.made(asked), status=self.answer.status, body=self.subject.wanted.body
        )

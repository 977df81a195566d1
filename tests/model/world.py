"""One history: the middleware and the model side by side, and after each step the question whether they agree."""

from __future__ import annotations

from asyncio import CancelledError
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha512
from typing import Final

import secmw.asgi
from secmw import Policy
from secmw.config.settings import Sessions, Sudo
from secmw.hooks import Hooks
from secmw.sessions.identifier import well_formed
from secmw.stores.base import Store
from secmw.testing.jar import SetCookie
from tests.making import KEY, URL
from tests.model.acts import Acts
from tests.model.book import Terms
from tests.model.driver import ApplicationError, Flight, application
from tests.model.ledger import LIFETIME, Answer, Ledger
from tests.model.oracle import SUDO, Visit, must
from tests.model.shared import InTurns
from tests.model.steps import (
    CLIENTS,
    JUMPS,
    LAPSES,
    PATHS,
    PLANTS,
    STATUSES,
    Step,
    act_of,
    steps,
)
from tests.model.watched import STRIKES, Clocks, Looking, Quick, Watched
from tests.services.shared import KEPT

COOKIE: Final = "__Host-id"
CROWD: Final = 5

#: What each policy of a history allows: seconds without a request, and sessions of a user.
TERMS: Final = (
    Terms(300.0, 0, strangers=False),
    Terms(0.0, 0, strangers=True),
    Terms(300.0, 2, strangers=False),
    Terms(120.0, 1, strangers=True),
)


@cache
def policy(terms: Terms) -> Policy:
    """Make the policy that a history plays under."""
    return Policy.recommended(
        secret_keys=[KEY],
        public_url=URL,
        xsrf=None,
        store="memory://",
        sessions=Sessions(
            lifetime=int(LIFETIME),
            inactivity=int(terms.inactivity) or None,
            cap=terms.cap or None,
            on_outage="anonymous" if terms.strangers else "refuse",
            passive=["/news/"],
            sweep=86_400,
        ),
        sudo=Sudo(duration=int(SUDO)),
    )


async def _verify(user_id: str, password: str) -> bool:
    return password == user_id


class Stage:
    """Be what many histories play on, one after the other: a middleware, its clock and its store."""

    def __init__(self, terms: Terms, *, quick: bool) -> None:
        self.clocks = Clocks()
        self.store = Quick() if quick else Watched()
        self.app = secmw.asgi.Middleware(
            application, policy(terms), hooks=Hooks(verify=_verify), store=self.store, clock=self.clocks
        )


@cache
def stage(terms: Terms, *, quick: bool) -> Stage:
    """Make a stage, once: to compile a policy takes longer than a history."""
    return Stage(terms, quick=quick)


class World:
    """Play one history; :meth:`play` raises WrongError where library and model part."""

    def __init__(
        self, data: bytes, terms: Terms, open_store: Callable[[Clocks], Store], *, quick: bool
    ) -> None:
        self.terms = terms
        self.steps = steps(data)
        here = stage(terms, quick=quick)
        self.app, self.clocks, self.store = here.app, here.clocks, here.store
        self.clocks.reset()
        inner = open_store(self.clocks)
        self.store.reset(inner)
        self.looking = Looking(self.store, self.clocks)
        self.ledger = Ledger(terms, self.looking, inner.generation)
        self.ledger.forgets = isinstance(inner, InTurns) and inner.forgets
        self.acts = Acts(self.ledger, self.clocks)
        self.jars: list[list[str]] = [[] for _ in range(max(CLIENTS) + 1)]
        self.crowd: list[tuple[Flight, Visit]] = []
        self.flights: list[Flight] = []
        self.trace: list[str] = []

    def play(self) -> None:
        """Play all of it, then let every request that is still under way finish."""
        for step in self.steps:
            if step.kind == "nothing":
                continue
            self.trace.append(str(step))
            self.ledger.tally[f"step: {step.kind}"] += 1
            self._compared = False
            getattr(self, step.kind)(step)
            if not self._compared:
                self.ledger.compare(self.clocks.p)
            must(
                all(selector in self.ledger.lives for selector in self.store.made),
                "a session was made that nobody asked for",
            )
        while self.crowd:
            self._finish(*self.crowd.pop(0), 200, lost=False)
        # What nobody was asked to change has not changed either.
        self.looking.anew()
        self.ledger.compare(self.clocks.p)
        if isinstance(self.store.inner, InTurns):
            self.ledger.tally.update(self.store.inner.calls)
            self.ledger.tally["process died within a call"] += self.store.inner.died_within

    def close(self) -> None:
        """Let go of the requests that a history which went wrong leaves behind."""
        self.store.dead = True
        for flight in self.flights:
            flight.drop()

    # --- steps

    def visit(self, step: Step) -> None:
        """Let a browser make a request from its beginning to its end."""
        arrived = self._arrive(step.who, step.extra)
        if arrived is not None:
            self._act(*arrived, step.act, step.extra >> 3)
            self._finish(*arrived, STATUSES[step.who >> 3 & 7], lost=step.who >> 6 == 3)

    def race(self, step: Step) -> None:
        """Let two requests, of one browser or of two, be under way at the same time."""
        first = self._arrive(step.who, step.extra)
        self._lapse(1.125)
        second = self._arrive(step.who if step.extra & 0xC0 else step.extra >> 3, 0)
        if first is not None and step.who & 8:
            self._act(*first, step.act, step.who >> 3)
        if second is not None:
            self._act(*second, step.act if step.who & 0x30 else act_of(step.extra * 37), step.extra >> 2)
            self._finish(*second, 200, lost=step.extra & 64 == 64)
        if first is not None:
            if not step.who & 8:
                self._act(*first, step.act, step.who >> 3)
            self._finish(*first, 200, lost=step.who & 64 == 64)

    def reauthenticate(self, step: Step) -> None:
        """Let a browser post a password to our own page, which asks for it again."""
        visit, cookie, _ = self._come(step.who)
        life = self.ledger.lives.get((visit.text or "")[:22])
        # What a request would find if it were looked for now: to send it is to carry it out.
        found, fresh = self.ledger.find(visit, self.clocks.p)
        right = bool(step.extra & 3)
        away = self.store.down and visit.text is not None
        made = len(self.store.made)
        self.store.fired = False
        self.store.issued.clear()
        password = life.user if right and life is not None and life.user else "wrong"
        flight = Flight(self.app, "/_secmw/sudo", cookie, f"next=%2F&password={password}".encode())
        self.flights.append(flight)
        if away:
            self.store.fired = False
            self._refused(flight, "5")
            return
        must(flight.done and not flight.reached, "a page of ours asked the application")
        if fresh is None:
            fresh = bool(self.store.issued) or self.store.fired or flight.status in (403, 503)
        welcome = (
            life is not None and life.user is not None and (found or (fresh and not life.why(self.clocks.p)))
        )
        if welcome and life is not None:
            visit.resume(life)
            visit.grants = right
        if fresh and not (welcome and right) and flight.status == 503 and not self.store.fired:
            # Who has the old secret alone is told to come again, whatever else is wrong.
            self._refused(flight, "1")
            return
        if welcome:
            wanted = 303 if right else 403
        else:
            wanted = 403 if self.store.fired and flight.status in (0, 503) else flight.status
            must(wanted in (303, 401, 403), "nobody is signed in, and the status is", wanted)
        self._came_of_it(flight, visit, wanted, made, lost=step.extra >> 6 == 3)
        if welcome and right:
            self.ledger.tally["password given again"] += 1

    def arrive(self, step: Step) -> None:
        """Let a browser make a request that stays."""
        if len(self.crowd) >= CROWD:
            self._finish(*self.crowd.pop(0), 200, lost=False)
        arrived = self._arrive(step.who, step.extra)
        if arrived is not None:
            self.crowd.append(arrived)
            if step.who & 8:
                self._act(*arrived, step.act, step.extra >> 3)

    def act(self, step: Step) -> None:
        """Let a request that is under way do one thing."""
        if self.crowd:
            self._act(*self.crowd[step.who % len(self.crowd)], step.act, step.extra >> 3)

    def answer(self, step: Step) -> None:
        """Let a request be answered."""
        if self.crowd:
            self._finish(
                *self.crowd.pop(step.who % len(self.crowd)),
                STATUSES[step.extra & 7],
                lost=step.extra >> 6 == 3,
            )

    def start(self, step: Step) -> None:
        """Let the head of an answer leave, and the request stay."""
        if self.crowd:
            flight, visit = self.crowd[step.who % len(self.crowd)]
            if not visit.sealed:
                self._start(flight, visit, STATUSES[step.extra & 7], lost=step.extra >> 6 == 3)
            if flight.done:
                self.crowd.remove((flight, visit))

    def fail(self, step: Step) -> None:
        """Let an application raise."""
        self._throw(step, ApplicationError())

    def cancel(self, step: Step) -> None:
        """Let a browser go away."""
        self._throw(step, CancelledError())

    def pass_(self, step: Step) -> None:
        """Let time pass."""
        self._lapse(LAPSES[step.extra & 15])

    def _lapse(self, seconds: float) -> None:
        self.clocks.lapse(seconds)
        if self.clocks.elapse is not None:
            self.clocks.elapse(seconds)
            self.ledger.swept(self.clocks.p - KEPT)
            if self.ledger.skewed:
                self.ledger.compare(self.clocks.p)

    def set_clock(self, step: Step) -> None:
        """Let somebody set the clock."""
        self.clocks.set(JUMPS[step.extra & 7])

    def restart(self, step: Step) -> None:
        """Let another process go on, which knows nothing of a clock that was set back."""
        back = self.clocks.wall < self.clocks.p
        if back and isinstance(self.store.inner, InTurns) and self.store.inner.under_seal:
            # There the idle limit goes by the clock of who wrote last.
            return
        self.ledger.skewed = self.ledger.skewed or back
        self.clocks.restart()

    def sweep(self, step: Step) -> None:
        """Remove what is over."""
        self.store.changes += 1
        self.store.inner.sweep(self.clocks.now(), 10_000)
        self.ledger.swept(self.clocks.p)

    def away(self, step: Step) -> None:
        """Take the store away, or bring it back."""
        self.store.down = not self.store.down and not isinstance(self.store, Quick)

    def strike(self, step: Step) -> None:
        """Have the store fail in the middle of one of the next writes."""
        self.store.strike(STRIKES[step.extra & 3], step.extra >> 2 & 3, step.extra >> 4 & 7)

    def plant(self, step: Step) -> None:
        """Let an attacker, or chance, put something into a browser's jar."""
        jar = self.jars[CLIENTS[step.who & 7]]
        known = [life for life in self.ledger.lives.values() if life.id]
        life = known[step.extra % len(known)] if known else None
        made_up = self._made_up(step.extra)
        match PLANTS[step.who >> 3 & 7]:
            case "malformed":
                jar[:] = ["1234"]
            case "another's":
                jar[:] = self.jars[CLIENTS[step.extra & 7]]
            case "former":
                former = [text for each in known for text, _ in each.former]
                jar[:] = [former[step.extra % len(former)]] if former else []
            case "forged" if life is not None:
                jar[:] = [life.selector + made_up[22:]]
            case "two":
                jar.append(made_up if life is None or step.extra & 128 else str(life.id))
            case "ended":
                ended = [str(each.id) for each in known if each.ended is not None]
                jar[:] = ended[-1 - step.extra % len(ended) :][:1] if ended else []
            case "own_again" if life is not None:
                jar[:] = [str(life.id)]
            case _:
                jar[:] = [made_up]

    @staticmethod
    def _made_up(number: int) -> str:
        text = urlsafe_b64encode(sha512(b"%d" % number).digest()).decode()
        return f"{text[:22]}.{text[22:65]}"

    # --- requests

    def _come(self, who: int, path: str = "/") -> tuple[Visit, str, list[str]]:
        """Take what a browser sends: the request, its cookies, and the ids among them."""
        client = CLIENTS[who & 7]
        jar = self.jars[client]
        values = list(dict.fromkeys(value for value in jar if well_formed(value)))
        text = values[0] if len(values) == 1 else None
        visit = Visit(client, self.clocks.p, text, passive=path == "/news/")
        return visit, "; ".join(["theme=dark", *(f"{COOKIE}={value}" for value in jar)]), values

    def _arrive(self, who: int, extra: int) -> tuple[Flight, Visit] | None:
        path = PATHS[extra & 7]
        visit, cookie, values = self._come(who, path)
        text, p = visit.text, self.clocks.p
        asked = self.store.asked
        flight = Flight(self.app, path, cookie)
        self.flights.append(flight)
        must(flight.error is None, "a request ended with", repr(flight.error))
        times = self.store.asked - asked
        # What is in the same process may be looked at once more by those who have to judge it.
        must(
            times == (text is not None)
            or (text is not None and times == 2 and isinstance(self.store, Quick)),
            "the store was asked",
            times,
            "times",
        )
        if text is not None and self.store.down:
            self.store.fired = False
            if self.terms.strangers:
                must(flight.reached, "a request that bears an outage was refused")
                visit.readonly = True
                self.ledger.tally["served as a stranger"] += 1
                return flight, visit
            self._refused(flight, "5")
            self.ledger.tally["refused for an outage"] += 1
            return None
        found, fresh = self.ledger.find(visit, p)
        if fresh is None:
            fresh = flight.status == 503 and not flight.reached
        if fresh and (not flight.reached or visit.over <= {"rotated", "forged"}):
            self._refused(flight, "1")
            self.ledger.tally["told to wait"] += 1
            return None
        must(flight.reached, "a request was refused with", flight.status)
        must(not flight.status, "a head left before the application began")
        if found and text is not None:
            life = self.ledger.lives[text[:22]]
            visit.resume(life)
            visit.due = not visit.passive and p - life.seen >= self.terms.touch_every
        elif len(values) > 1:
            visit.over = frozenset({"ambiguous"})
        elif self.jars[visit.client] and text is None:
            visit.over = frozenset({None, "unknown"})
        self.ledger.tally.update(
            f"over: {reason}" for reason in visit.over if len(visit.over) == 1 and reason
        )
        return flight, visit

    def _refused(self, flight: Flight, after: str) -> None:
        must(not flight.reached, "the application was asked, and should not have been")
        must(flight.status == 503, "the status is", flight.status, "and not 503")
        must(flight.header(b"retry-after") == [after], "Retry-After is", flight.header(b"retry-after"))
        must(self._cookie(flight) is None, "a refusal set or cleared our cookie")

    def _act(self, flight: Flight, visit: Visit, act: str, number: int) -> None:
        """Have the application do one thing, in library and model."""
        if not (flight.done or visit.answered):
            self.trace[-1] += f" -> {act}"
            self.acts.do(flight, visit, act, number)

    # --- answers

    def _cookie(self, flight: Flight) -> str | None:
        """Return what a response does with our cookie: None for nothing, empty for clearing it."""
        found = [SetCookie.parse(line) for line in flight.header(b"set-cookie")]
        ours = [cookie for cookie in found if cookie is not None and cookie.name == COOKIE]
        must(len(ours) <= 1, "our cookie was set twice in one response")
        if not ours:
            return None
        cookie = ours[0]
        must(cookie.secure and cookie.http_only and cookie.path == "/", "our cookie is not locked:", cookie)
        must(
            "no-store" in ", ".join(flight.header(b"cache-control")), "a response with our cookie may be kept"
        )
        if cookie.deletes:
            return ""
        must(well_formed(cookie.value), "our cookie is not well-formed")
        return cookie.value

    def _start(self, flight: Flight, visit: Visit, status: int, *, lost: bool) -> None:
        """Let a head leave."""
        self._settled(flight, visit, status, lambda: flight.start(status), lost=lost)

    def _finish(self, flight: Flight, visit: Visit, status: int, *, lost: bool) -> None:
        """Let the whole answer leave, or what is left of it."""
        if not visit.sealed:
            self._start(flight, visit, status, lost=lost)
        if not flight.done:
            self._settled(flight, visit, 200, flight.finish, lost=True)
            must(flight.done, "a request does not end")

    def _throw(self, step: Step, error: BaseException) -> None:
        if self.crowd:
            flight, visit = self.crowd.pop(step.who % len(self.crowd))
            self._settled(flight, visit, 500, lambda: flight.throw(error), lost=False)
            must(flight.done, "a request does not end")

    def _settled(
        self, flight: Flight, visit: Visit, status: int, move: Callable[[], None], *, lost: bool
    ) -> None:
        """Let a request do something that may write, and compare what came of it."""
        made, asked = len(self.store.made), self.store.asked
        late, due = visit.sealed, visit.due and not visit.sealed
        free = not due and self._untouched(visit)
        life = visit.life
        self.store.fired = False
        self.store.issued.clear()
        move()
        must(not free or self.store.asked == asked, "a request that changed nothing went to the store")
        sure = self._came_of_it(flight, visit, status, made, lost=lost, late=late)
        stays = life is not None and life is visit.life and life.alive(self.clocks.p)
        # What is answered in the application's place, a sign-in that is undone say, need not count.
        if life is not None and stays and due and sure and flight.status in (0, status):
            must(life.seen >= min(visit.began, self.clocks.p), "a request was no activity")

    def _came_of_it(
        self, flight: Flight, visit: Visit, status: int, made: int, *, lost: bool, late: bool = False
    ) -> bool:
        """Compare what came of a request's writing with the model; say whether nothing came between."""
        p, sure, dead = self.clocks.p, not self.store.fired, self.store.dead
        if not sure:
            self.store.fired = self.store.dead = False
            self.ledger.tally["process died half-way"] += dead
        answer = None
        if not late and flight.status:
            answer = Answer(flight.status, self._cookie(flight))
            issued = self.store.issued[-1] if self.store.issued else (answer.cookie or "")[:22]
            must(
                (answer.cookie or "")[:22] == issued,
                "an id was made or renewed, and its cookie did not leave",
            )
            # After another answer than the application's, or after a failure, nothing more is asked for.
            visit.answered = flight.status != status or status >= 500
        visit.sealed = visit.sealed or bool(flight.status)
        self.ledger.settle(visit, status, p, answer, sure=sure, made=self.store.made[made:], late=late)
        if answer is not None and answer.cookie is not None and not lost and not dead:
            self.jars[visit.client] = [answer.cookie] if answer.cookie else []
        if visit.life is not None:
            visit.stood = dict(visit.life.data)
        self.ledger.compare(p)
        self._compared = True
        return sure

    def _untouched(self, visit: Visit) -> bool:
        return not (
            visit.changed
            or visit.signs_in
            or visit.out
            or visit.rotates
            or visit.grants
            or visit.drops
            or visit.ones
            or visit.everywhere
            or visit.away
            or (visit.over != {None} and visit.life is None)
        )

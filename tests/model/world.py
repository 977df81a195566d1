"""One history: the middleware and the model side by side, and after each step the question whether they agree."""

from __future__ import annotations

from asyncio import CancelledError
from base64 import urlsafe_b64encode
from hashlib import sha512
from typing import Final

from tests.model.driver import ApplicationError, Flight
from tests.model.oracle import must
from tests.model.requests import Requests
from tests.model.shared import InTurns
from tests.model.steps import (
    CLIENTS,
    JUMPS,
    LAPSES,
    PLANTS,
    STATUSES,
    Step,
    act_of,
)
from tests.model.watched import STRIKES, Quick
from tests.services.shared import KEPT

CROWD: Final = 5


class World(Requests):
    """Play one history; :meth:`play` raises WrongError where library and model part."""

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

    def _throw(self, step: Step, error: BaseException) -> None:
        if self.crowd:
            flight, visit = self.crowd.pop(step.who % len(self.crowd))
            self._settled(flight, visit, 500, lambda: flight.throw(error), lost=False)
            must(flight.done, "a request does not end")

"""Requests of a history: each is moved through the middleware and the model, and what comes of it is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from secmw.sessions.identifier import well_formed
from secmw.stores.base import Store
from secmw.testing.jar import SetCookie
from tests.model.acts import Acts
from tests.model.book import Terms
from tests.model.driver import Flight
from tests.model.ledger import Answer, Ledger
from tests.model.oracle import Visit, must
from tests.model.shared import InTurns
from tests.model.stage import stage
from tests.model.steps import (
    CLIENTS,
    PATHS,
    steps,
)
from tests.model.watched import Clocks, Looking, Quick

COOKIE: Final = "__Host-id"


class Requests:
    """Send requests, and compare; any of it raises WrongError where library and model part."""

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

    def close(self) -> None:
        """Let go of the requests that a history which went wrong leaves behind."""
        self.store.dead = True
        for flight in self.flights:
            flight.drop()

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

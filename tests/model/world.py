"""One history: the middleware and the model side by side, and after each step the question whether they agree."""

from __future__ import annotations

from asyncio import CancelledError
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha512
from typing import Any, Final

import secmw.asgi
from secmw import Policy
from secmw.config.settings import Sessions, Sudo
from secmw.errors import SessionError
from secmw.hooks import Hooks
from secmw.sessions.identifier import well_formed
from secmw.stores.base import Store
from secmw.testing.jar import SetCookie
from tests.making import KEY, URL
from tests.model.driver import Act, ApplicationError, Flight, application
from tests.model.ledger import LIFETIME, Answer, Ledger, Terms
from tests.model.oracle import SUDO, Visit, must
from tests.model.steps import (
    CLIENTS,
    JUMPS,
    LAPSES,
    NAMES,
    PATHS,
    PLANTS,
    STATUSES,
    USERS,
    Step,
    act_of,
    steps,
)
from tests.model.watched import STRIKES, Clocks, Quick, Watched

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

    def __init__(self, data: bytes, terms: Terms, open_store: Callable[[Clocks], Store]) -> None:
        self.terms = terms
        self.steps = steps(data)
        here = stage(terms, quick=bool(data[0] & 1))
        self.app, self.clocks, self.store = here.app, here.clocks, here.store
        self.clocks.reset()
        inner = open_store(self.clocks)
        self.store.reset(inner)
        self.ledger = Ledger(terms, inner.load, inner.generation)
        self.jars: list[list[str]] = [[] for _ in range(max(CLIENTS) + 1)]
        self.crowd: list[tuple[Flight, Visit]] = []
        self.flights: list[Flight] = []
        self.serial = 0
        self.trace: list[str] = []

    def play(self) -> None:
        """Play all of it, then let every request that is still under way finish."""
        for step in self.steps:
            if step.kind == "nothing":
                continue
            self.trace.append(str(step))
            getattr(self, step.kind)(step)
            self.ledger.compare(self.clocks.p)
            must(
                all(selector in self.ledger.lives for selector in self.store.made),
                "a session was made that nobody asked for",
            )
        while self.crowd:
            self._finish(*self.crowd.pop(0), 200, lost=False)
            self.ledger.compare(self.clocks.p)

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
        self.clocks.lapse(1.125)
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
        self.clocks.lapse(LAPSES[step.extra & 15])

    def set_clock(self, step: Step) -> None:
        """Let somebody set the clock."""
        self.clocks.set(JUMPS[step.extra & 7])

    def restart(self, step: Step) -> None:
        """Let another process go on, which knows nothing of a clock that was set back."""
        self.ledger.skewed = self.ledger.skewed or self.clocks.wall < self.clocks.p
        self.clocks.restart()

    def sweep(self, step: Step) -> None:
        """Remove what is over."""
        self.store.inner.sweep(self.clocks.now(), 10_000)
        self.ledger.swept(self.clocks.p)

    def away(self, step: Step) -> None:
        """Take the store away, or bring it back."""
        self.store.down = not self.store.down and not isinstance(self.store, Quick)

    def strike(self, step: Step) -> None:
        """Have the store fail in the middle of one of the next writes."""
        self.store.strike(STRIKES[step.extra & 3], step.extra >> 2 & 3)

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

    def _arrive(self, who: int, extra: int) -> tuple[Flight, Visit] | None:
        client, path = CLIENTS[who & 7], PATHS[extra & 7]
        jar = self.jars[client]
        values = list(dict.fromkeys(value for value in jar if well_formed(value)))
        text = values[0] if len(values) == 1 else None
        p = self.clocks.p
        visit = Visit(client, p, text, passive=path == "/news/")
        cookie = "; ".join(["theme=dark", *(f"{COOKIE}={value}" for value in jar)])
        asked = self.store.asked
        flight = Flight(self.app, path, cookie)
        self.flights.append(flight)
        must(flight.error is None, "a request ended with", repr(flight.error))
        must(
            self.store.asked - asked == (text is not None),
            "the store was asked",
            self.store.asked - asked,
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
        elif jar and text is None:
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
        if flight.done or visit.answered:
            return
        name = NAMES[number & 3]
        self.trace[-1] += f" -> {act}"
        getattr(self, f"_{act}")(flight, visit, name, number)

    def _done(self, flight: Flight, act: Act) -> None:
        told = flight.do(act)
        must(not isinstance(told, Exception), "the application was told:", told)

    def _look(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        data, user, over, sudo, expires, selector = flight.do(_seen)
        if visit.sealed:
            return
        must(data == visit.data, "the application sees", data, "and not", visit.data)
        must(user == visit.user, "the application sees", user, "and not", visit.user)
        for value in data.values():
            for serial in value if isinstance(value, list) else [value]:
                writer = self.ledger.writers[serial]
                must(writer in (None, user), user, "sees what", writer, "wrote")
        must(
            sudo in visit.sudo_shown(self.clocks.p, self.clocks.wall),
            "the application is told that sudo is",
            sudo,
        )
        if not visit.signs_in and visit.out is None:
            must(
                (over and str(over)) in visit.over or (not visit.over and over is None),
                "over is",
                over,
                visit.over,
            )
            life = visit.life
            must(expires == (life and life.expires), "the session is said to expire at", expires)
            must(selector == (life and life.selector), "the session is said to be", selector)

    def _put(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if not self._may_write(flight, visit):
            return
        serial = self._new_serial(visit)
        self._done(flight, lambda session: session.__setitem__(name, serial))
        visit.put(name, serial)

    def _append(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if not self._may_write(flight, visit):
            return
        serial = self._new_serial(visit)
        self._done(flight, lambda session: _appended(session, name, serial))
        visit.append(name, serial)

    def _may_write(self, flight: Flight, visit: Visit) -> bool:
        """Where nothing can be written, find that the application is told so."""
        late = visit.sealed and (visit.life is None or visit.life.ended is not None or visit.out is not None)
        if late:
            return False
        if visit.sealed and not visit.changed and visit.life is not None:
            # What has been written may be what it sees from now on, with what others wrote, or what it saw before.
            seen = flight.do(_seen)[0]
            for each in seen.keys() | visit.data.keys():
                must(
                    seen.get(each) in (visit.data.get(each), visit.stood.get(each)),
                    "after the head the application sees",
                    seen,
                )
            visit.base, visit.data = seen, dict(seen)
        if not visit.readonly:
            return True
        must(isinstance(flight.do(lambda session: session.__setitem__("a", 0)), SessionError), "no error")
        return False

    def _new_serial(self, visit: Visit) -> int:
        self.serial += 1
        self.ledger.writers[self.serial] = visit.user
        return self.serial

    def _remove(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if self._may_write(flight, visit) and name in visit.data:
            self._done(flight, lambda session: session.__delitem__(name))
            visit.remove(name)

    def _clear(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if self._may_write(flight, visit) and visit.data:
            self._done(flight, lambda session: session.clear())
            visit.clear()

    def _login(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        user = USERS[number % len(USERS)]
        if visit.sealed:
            must(isinstance(flight.do(lambda session: session.login(user)), SessionError), "no error")
        elif not (visit.readonly or visit.strict or visit.grants or visit.rotates or visit.drops):
            self._done(flight, lambda session: session.login(user))
            visit.login(user)

    def _logout(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if not (visit.readonly or visit.strict):
            self._done(flight, lambda session: session.logout())
            visit.leave("logged_out")

    def _rotate(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.sealed:
            must(isinstance(flight.do(lambda session: session.rotate()), SessionError), "no error")
        elif visit.life is not None and visit.out is None and not visit.signs_in and not visit.strict:
            self._done(flight, lambda session: session.rotate(close=bool(number & 1)))
            visit.rotates = True

    def _grant(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.sealed or visit.user is None:
            must(isinstance(flight.do(lambda session: session.grant_sudo()), SessionError), "no error")
        elif not (visit.drops or visit.strict):
            self._done(flight, lambda session: session.grant_sudo())
            visit.grants = True

    def _drop(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.life is not None and visit.out is None and not visit.signs_in and not visit.strict:
            self._done(flight, lambda session: session.drop_sudo())
            visit.rotates = visit.rotates or visit.grants
            visit.drops, visit.grants = True, False

    def _revoke(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if (
            visit.user is None
            or visit.strict
            or not self.ledger.lives
            or (visit.sealed and visit.life is None)
        ):
            return
        selectors = list(self.ledger.lives)
        selector = selectors[number % len(selectors)]
        user, pending = visit.user, visit.signs_in
        own = visit.life is not None and selector == visit.life.selector
        if own and pending:
            return
        self._done(flight, lambda session: session.revoke(selector))
        if own:
            visit.leave("revoked")
        else:
            visit.ones.append((user, selector, pending))

    def _revoke_others(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.user is not None and visit.everywhere is None and not visit.strict:
            self._done(flight, lambda session: session.revoke_others())
            visit.everywhere = (visit.user, True, visit.signs_in)

    def _revoke_all(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.user is not None and visit.everywhere is None and not visit.strict and not visit.signs_in:
            self._done(flight, lambda session: session.revoke_all())
            visit.everywhere = (visit.user, False, False)
            visit.leave("revoked")

    def _strict(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        busy = visit.changed or visit.signs_in or visit.out or visit.rotates or visit.grants or visit.drops
        if not (busy or visit.ones or visit.everywhere or visit.sealed or visit.life is None):
            self._done(flight, lambda session: session.strict())
            visit.strict = True

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
        made = len(self.store.made)
        late, due = visit.sealed, visit.due and not visit.sealed
        asked = self.store.asked
        free = not due and self._untouched(visit)
        self.store.fired = False
        self.store.issued.clear()
        move()
        p = self.clocks.p
        fired = self.store.fired
        dead = self.store.dead
        if fired:
            self.store.fired = self.store.dead = False
        must(not free or self.store.asked == asked, "a request that changed nothing went to the store")
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
        life = visit.life
        self.ledger.settle(visit, status, p, answer, sure=not fired, made=self.store.made[made:], late=late)
        if answer is not None and answer.cookie is not None and not lost and not dead:
            self.jars[visit.client] = [answer.cookie] if answer.cookie else []
        if visit.life is not None:
            visit.stood = dict(visit.life.data)
        self.ledger.compare(p)
        if life is not None and due and life is visit.life and not fired and life.alive(p):
            must(life.seen >= visit.began, "a request was no activity")

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
            or (visit.over != {None} and visit.life is None)
        )


def _seen(session: Any) -> tuple[Any, ...]:
    values = {name: list(value) if isinstance(value, list) else value for name, value in session.items()}
    return values, session.user_id, session.over, session.has_sudo, session.expires, session.selector


def _appended(session: Any, name: str, serial: int) -> None:
    found = session.get(name)
    if isinstance(found, list):
        found.append(serial)
    else:
        session[name] = [serial]

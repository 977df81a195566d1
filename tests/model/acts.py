"""What an application does with its session: each thing once in the library and once in the model.

What the design leaves open is not asked for: a sign-in after a grant in the same request, say.
"""

from __future__ import annotations

from typing import Any

from secmw.errors import SessionError
from tests.model.driver import Act, Flight
from tests.model.ledger import Ledger
from tests.model.oracle import Visit, must
from tests.model.steps import NAMES, USERS
from tests.model.watched import Clocks


class Acts:
    """Do things, and compare what the application is told."""

    def __init__(self, ledger: Ledger, clocks: Clocks) -> None:
        self.ledger = ledger
        self.clocks = clocks
        self.serial = 0

    def do(self, flight: Flight, visit: Visit, act: str, number: int) -> None:
        """Do one thing, by its name."""
        getattr(self, act)(flight, visit, NAMES[number & 3], number)

    def _done(self, flight: Flight, act: Act) -> None:
        told = flight.do(act)
        must(not isinstance(told, Exception), "the application was told:", told)

    def look(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
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

    def put(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if not self._may_write(flight, visit):
            return
        serial = self._new_serial(visit)
        self._done(flight, lambda session: session.__setitem__(name, serial))
        visit.put(name, serial)

    def append(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if not self._may_write(flight, visit):
            return
        serial = self._new_serial(visit)
        self._done(flight, lambda session: _appended(session, name, serial))
        visit.append(name, serial)

    def _may_write(self, flight: Flight, visit: Visit) -> bool:
        """Where nothing can be written, find that the application is told so."""
        late = visit.sealed and (visit.life is None or visit.life.ended is not None or visit.out is not None)
        if late or (visit.sealed and visit.strict):
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

    def remove(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        # After the head it may be said of a name that another request put there since that it was there when read.
        there = self._may_write(flight, visit) and name in visit.data
        if there and (name in visit.base or not visit.sealed):
            self._done(flight, lambda session: session.__delitem__(name))
            visit.remove(name)

    def clear(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if self._may_write(flight, visit) and visit.data and not (visit.sealed and visit.changed):
            self._done(flight, lambda session: session.clear())
            visit.clear()

    def login(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        user = USERS[number % len(USERS)]
        if visit.sealed:
            must(isinstance(flight.do(lambda session: session.login(user)), SessionError), "no error")
        elif visit.readonly:
            self._done(flight, lambda session: session.login(user))
            visit.away = visit.answered = True
        elif not (visit.strict or visit.grants or visit.rotates or visit.drops):
            self._done(flight, lambda session: session.login(user))
            visit.login(user)

    def logout(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.readonly:
            self._done(flight, lambda session: session.logout())
            visit.away = visit.answered = True
        elif not visit.strict:
            self._done(flight, lambda session: session.logout())
            visit.leave("logged_out")

    def rotate(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.sealed:
            must(isinstance(flight.do(lambda session: session.rotate()), SessionError), "no error")
        elif visit.life is not None and visit.out is None and not visit.signs_in and not visit.strict:
            self._done(flight, lambda session: session.rotate(close=bool(number & 1)))
            visit.rotates = True

    def grant(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.sealed or visit.user is None:
            must(isinstance(flight.do(lambda session: session.grant_sudo()), SessionError), "no error")
        elif not (visit.drops or visit.strict):
            self._done(flight, lambda session: session.grant_sudo())
            visit.grants = True

    def drop(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.life is not None and visit.out is None and not visit.signs_in and not visit.strict:
            self._done(flight, lambda session: session.drop_sudo())
            visit.rotates = visit.rotates or visit.grants
            visit.drops, visit.grants = True, False

    def revoke(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
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

    def revoke_others(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.user is not None and visit.everywhere is None and not visit.strict:
            self._done(flight, lambda session: session.revoke_others())
            visit.everywhere = (visit.user, True, visit.signs_in)

    def revoke_all(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        if visit.user is not None and visit.everywhere is None and not visit.strict and not visit.signs_in:
            self._done(flight, lambda session: session.revoke_all())
            visit.everywhere = (visit.user, False, False)
            visit.leave("revoked")

    def strict(self, flight: Flight, visit: Visit, name: str, number: int) -> None:
        busy = visit.changed or visit.signs_in or visit.out or visit.rotates or visit.grants or visit.drops
        if not (busy or visit.ones or visit.everywhere or visit.sealed or visit.life is None):
            self._done(flight, lambda session: session.strict())
            visit.strict = True
            self.put(flight, visit, name, number)


def _seen(session: Any) -> tuple[Any, ...]:
    values = {name: list(value) if isinstance(value, list) else value for name, value in session.items()}
    return values, session.user_id, session.over, session.has_sudo, session.expires, session.selector


def _appended(session: Any, name: str, serial: int) -> None:
    found = session.get(name)
    if isinstance(found, list):
        found.append(serial)
    else:
        session[name] = [serial]

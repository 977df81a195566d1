"""The book of all sessions of a history, and whether the store holds what stands in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from secmw.sessions import codec
from secmw.sessions.identifier import digest, parse
from secmw.sessions.record import Ended, Record
from tests.model.oracle import REMEMBERED, Life, Visit, must

TOLERANCE: Final = 1e-6

Peek = Callable[[str], Record | Ended | None]


class Terms(NamedTuple):
    """Be the settings that the model must know; ``inactivity`` and ``cap`` are 0 for none.

    ``strangers``: whether a request is served as a stranger's while the store is away.
    """

    inactivity: float
    cap: int
    strangers: bool

    @property
    def touch_every(self) -> float:
        """How stale "last seen" may get."""
        return min(60.0, self.inactivity / 10) if self.inactivity else 60.0


class Book:
    """Keep every session of a history; ``peek`` and ``generation`` look into the store, past every outage."""

    def __init__(self, terms: Terms, peek: Peek, generation: Callable[[str], int]) -> None:
        self.terms = terms
        self.peek = peek
        self.generation = generation
        self.generations: dict[str, int] = {}
        self.lives: dict[str, Life] = {}
        #: When all sessions of a user were ended, in order, and by which visit.
        self.bumps: dict[str, list[tuple[float, Visit]]] = {}
        #: Who had signed in where a value was written.
        self.writers: dict[int, str | None] = {}
        #: The clock has been set back under a process that does not remember.
        self.skewed = False
        #: Where the store forgets by its server's own clock, what one call asks for is done one after the other, too; and
        #: how often a process died in the middle of a sign-in of a user, whose place may count for a while.
        self.forgets = False
        self.places: Counter[str] = Counter()
        #: How often each of the rarer things came about.
        self.tally: Counter[str] = Counter()

    def of_user(self, user: str, p: float) -> list[Life]:
        """List the living sessions of a user."""
        return [life for life in self.lives.values() if life.user == user and life.alive(p)]

    def compare(self, p: float) -> None:
        """Compare every session with what the store holds."""
        for life in self.lives.values():
            found = self.peek(life.selector)
            if life.ended is not None:
                must(not isinstance(found, Record), "a session that has ended lives:", life.ended)
                continue
            if found is None and self.skewed and self.forgets:
                # Its server's clock was not set back with the other one.
                life.end({"unknown"}, p)
                continue
            if not isinstance(found, Record):
                must(life.limits(p), "a session is gone that lives:", found)
                life.note(p)
                continue
            stood = found.data, found.owner, found.expires, found.verifier
            if stood != life.stood:
                self._same(life, found)
                life.stood = stood
            if found.seen != life.seen:
                must(
                    life.seen < found.seen <= p + TOLERANCE,
                    "last seen went from",
                    life.seen,
                    "to",
                    found.seen,
                )
                must(not life.limits(p) or found.seen < p, "a session past its limits was said to be in use")
                life.seen = found.seen
            idle = life.seen + life.inactivity if life.inactivity else float("inf")
            must(
                abs(found.idle_until - idle) < TOLERANCE or found.idle_until == idle,
                "the idle limit is wrong",
            )

    def _same(self, life: Life, found: Record) -> None:
        identity = found.identity
        must(identity.user_id == life.user, "a session of", life.user, "became that of", identity.user_id)
        must(found.expires == life.expires, "the lifetime was moved by", found.expires - life.expires)
        must(found.created == life.created, "the session is said to be made at another time")
        must(
            identity.authenticated == life.authenticated, "somebody is said to have signed in at another time"
        )
        data = codec.decode(found.data)
        must(data == life.data, "the data are", data, "and not", life.data)
        must(identity.sudo == life.sudo, "the elevation is", identity.sudo, "and not", life.sudo)
        must(found.verifier == life.proof, "the secret was replaced, and nobody asked")
        if life.id is not None:
            must(digest(parse(life.id).verifier) == life.proof, "the cookie's secret is not the session's")

    def swept(self, p: float) -> None:
        """Take note that what is over may be gone."""
        for life in self.lives.values():
            if life.ended is not None:
                life.swept = life.swept or p >= life.at + REMEMBERED
            elif life.limits(p):
                life.swept = True


def notable(visit: Visit, *, failed: bool, lived: bool, sure: bool, late: bool) -> Iterator[str]:
    """Name what is remarkable about a request."""
    if not sure:
        yield "store failed half-way"
    if late and (visit.changed or visit.out):
        yield "change after the head"
    if visit.life is not None and not lived and visit.changed:
        yield "change of a session that had ended"
    if failed and visit.out is not None:
        yield "failure after a logout"
    if failed and (visit.changed or visit.signs_in or visit.rotates or visit.grants):
        yield "failure after a change"

"""The library, broken on purpose: each of these is a mistake that session libraries have made. Patches, never a copy.

A search that passes with one of them in place would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import pytest

import secmw.stores.memory as store
from secmw.clock import Steady
from secmw.exchange import Exchange
from secmw.sessions import codec, resuming
from secmw.sessions.identifier import SessionId, parse
from secmw.sessions.record import Ended, Over, Record, is_tombstone, opened, written
from secmw.sessions.session import Session
from secmw.sessions.settlement import Outcome, Settlement, Step
from secmw.sessions.writes import Lost, Rotate, Touch, Update, Why, Write, Written, apply
from tests.model.ledger import LIFETIME
from tests.model.oracle import SUDO

Patch = pytest.MonkeyPatch
Applied = tuple[bytes | None, Written | Lost]


def upsert_on_save(patch: Patch) -> None:
    """Put a session back when a request that began before its end saves it."""
    known: dict[str, bytes] = {}

    def faulty(raw: bytes | None, write: Write) -> Applied:
        if isinstance(write, Update | Touch) and (raw is None or is_tombstone(raw)):
            raw = known.get(write.selector, raw)
        after, outcome = apply(raw, write)
        if after is not None and not is_tombstone(after):
            known[write.selector] = after
        return after, outcome

    patch.setattr(store, "apply", faulty)


def no_absolute_limit(patch: Patch) -> None:
    """Let a session live for as long as it is used."""

    def over(record: Record, now: float) -> Over | None:
        return Over.IDLE if max(now, record.seen) >= record.idle_until else None

    patch.setattr(Record, "over", over)


def rotation_renews_the_lifetime(patch: Patch) -> None:
    """Let a session with a new secret live for a whole lifetime more."""

    def faulty(raw: bytes | None, write: Write) -> Applied:
        after, outcome = apply(raw, write)
        if isinstance(write, Rotate) and isinstance(outcome, Written):
            renewed = msgspec.structs.replace(outcome.record, expires=write.at + LIFETIME)
            return renewed.pack(), Written(renewed)
        return after, outcome

    patch.setattr(store, "apply", faulty)


class _Adopting(Session):
    """Make the session under the id that was presented, whoever made that up."""

    __slots__ = ("_fresh", "_presented")

    _presented: SessionId
    _fresh: SessionId | None

    @property
    def fresh(self) -> SessionId | None:
        return getattr(self, "_fresh", None)

    @fresh.setter
    def fresh(self, value: SessionId | None) -> None:
        self._fresh = None if value is None else self._presented


def unknown_id_adopted(patch: Patch) -> None:
    """Use an id that a browser came with, although nobody gave it to that browser."""
    real = resuming.resume

    def faulty(rules: Any, presented: Any, found: Any, now: float, **more: Any) -> Session:
        session = real(rules, presented, found, now, **more)
        if session.over is Over.UNKNOWN:
            session = _Adopting.__new__(_Adopting)
            session._presented = parse(presented if isinstance(presented, str) else str(presented, "ascii"))
            session.__init__(rules, None, now, Over.UNKNOWN)  # type: ignore[misc]
        return session

    patch.setattr(resuming, "resume", faulty)


def late_answer_clears_the_cookie(patch: Patch) -> None:
    """Have the browser forget its id when a request finds that its session has ended meanwhile."""
    real = Settlement.outcome

    def faulty(self: Settlement, step: Step, outcome: Outcome) -> None:
        real(self, step, outcome)
        if isinstance(step, Update | Touch) and outcome in (Lost(Why.ENDED), Lost(Why.UNKNOWN)):
            self.cleared = True

    patch.setattr(Settlement, "outcome", faulty)


def dead_id_clears_the_cookie(patch: Patch) -> None:
    """Have the browser forget an id that opens nothing any more."""
    real = resuming.resume

    def faulty(rules: Any, presented: Any, found: Any, now: float, **more: Any) -> Session:
        session = real(rules, presented, found, now, **more)
        if isinstance(found, Ended):
            session.cleared = session.pending = True
        return session

    patch.setattr(resuming, "resume", faulty)


def failure_undoes_a_logout(patch: Patch) -> None:
    """Drop the sign-out of a request that fails afterwards."""
    real = Exchange.settle

    def faulty(self: Exchange, status: int, now: float, agent: str) -> Settlement | None:
        held = self.held
        if status >= 500 and held is not None and held.ending is Over.LOGGED_OUT:
            held.settled(held.loaded)
            return None
        return real(self, status, now, agent)

    patch.setattr(Exchange, "settle", faulty)


def whole_session_saved(patch: Patch) -> None:
    """Save all names of a session, not those alone that the request changed."""
    real = Session.changes

    def faulty(self: Session) -> dict[str, bytes | None]:
        changes = real(self)
        if not changes:
            return changes
        return {**{name: codec.encode(name, value) for name, value in self.data.items()}, **changes}

    patch.setattr(Session, "changes", faulty)


def change_lost(patch: Patch) -> None:
    """Say that a change was kept, and keep the other changes only."""

    def faulty(raw: bytes | None, write: Write) -> Applied:
        if isinstance(write, Update) and "b" in write.changes:
            found = opened(write.selector, raw, write.at)
            if isinstance(found, Record):
                return None, Written(found)
        return apply(raw, write)

    patch.setattr(store, "apply", faulty)


def data_of_another_user_kept(patch: Patch) -> None:
    """Carry the data over when somebody else signs in."""
    patch.setattr(Session, "_drop", lambda self: None)


def replaced_secret_rotates(patch: Patch) -> None:
    """Take any secret for the one in force."""

    def faulty(raw: bytes | None, write: Write) -> Applied:
        if isinstance(write, Rotate):
            found = opened(write.selector, raw, write.at)
            if isinstance(found, Record):
                write = Rotate(
                    **{name: getattr(write, name) for name in write.__slots__ if name != "presented"},
                    presented=found.verifier,
                )
        return apply(raw, write)

    patch.setattr(store, "apply", faulty)


def sign_in_survives_revoke_all(patch: Patch) -> None:
    """Let a sign-in under way stand although all sessions were ended meanwhile."""
    patch.setattr(store, "undone", lambda write, ends: False)


def clock_set_back_revives(patch: Patch) -> None:
    """Believe the wall clock, whatever it said a moment ago."""
    patch.setattr(Steady, "now", lambda self: self._wall())


def elevation_slides(patch: Patch) -> None:
    """Let an elevation last for as long as the session is used."""

    def faulty(raw: bytes | None, write: Write) -> Applied:
        after, outcome = apply(raw, write)
        if isinstance(write, Touch | Update) and isinstance(outcome, Written):
            record, identity = outcome.record, outcome.record.identity
            if identity.sudo is not None:
                identity = msgspec.structs.replace(identity, sudo=(identity.sudo[0], write.at + SUDO))
                record = msgspec.structs.replace(record, owner=written(identity))
                return record.pack(), Written(record)
        return after, outcome

    patch.setattr(store, "apply", faulty)


#: What the search must find.
FAULTS: Final[dict[str, Callable[[Patch], None]]] = {
    fault.__name__: fault
    for fault in (
        upsert_on_save,
        no_absolute_limit,
        rotation_renews_the_lifetime,
        unknown_id_adopted,
        late_answer_clears_the_cookie,
        dead_id_clears_the_cookie,
        failure_undoes_a_logout,
        whole_session_saved,
        change_lost,
        data_of_another_user_kept,
        replaced_secret_rotates,
        sign_in_survives_revoke_all,
        clock_set_back_revives,
        elevation_slides,
    )
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Break the library in one way, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        FAULTS[name](patch)
        yield

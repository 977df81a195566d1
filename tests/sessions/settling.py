"""Settling a request's session as a guard does: on a store that can be away, and that others write to meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secmw.audit.action import Action
from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.record import Record
from secmw.sessions.session import Session
from secmw.sessions.settlement import EndAll, EndOne, Outcome, Settlement, Step
from secmw.sessions.writes import (
    Create,
    End,
)
from secmw.stores import MemoryStore
from secmw.testing import FrozenClock
from tests.sessions.making import NOW, rules


def settle(found: Session, *, failed: bool = False, now: float = NOW) -> Settlement:
    found.failed = failed
    return Settlement(found, now=now, address="192.0.2.1", agent="Browser/1 " + "x" * 500)


def steps(settlement: Settlement) -> list[Step]:
    """Return all steps, none of them taken."""
    return list(iter(settlement.next, None))


def kinds(found: Session, **how: Any) -> list[str]:
    return [
        f"{type(step).__name__} {step.reason}" if isinstance(step, End) else type(step).__name__
        for step in steps(settle(found, **how))
    ]


class Shelf:
    """Carry steps out as a guard does, on a store that can be away."""

    def __init__(self, *records: Record) -> None:
        self.clock = FrozenClock(NOW)
        self.store = MemoryStore(clock=self.clock)
        for made in records:
            self.store.write(Create(record=made, user_id=made.user_id))
        self.done: list[Step] = []
        self.away_at: int | None = None
        self.between: Callable[[], Any] | None = None

    def carry_out(self, step: Step) -> Outcome:
        if self.away_at == len(self.done):
            raise StoreError("away")
        self.done.append(step)
        if self.between is not None:
            between, self.between = self.between, None
            between()
        if isinstance(step, EndAll):
            return self.store.end_all(step.user_id, step.except_)
        if isinstance(step, EndOne):
            return None
        return self.store.write(step)

    def settle(self, found: Session, **how: Any) -> Settlement:
        settlement = settle(found, **how)
        while (step := settlement.next()) is not None:
            try:
                settlement.outcome(step, self.carry_out(step))
            except StoreError:
                settlement.failed(step)
        return settlement

    def data(self, selector: str | None) -> Any:
        found = self.store.load(str(selector))
        return codec.decode(found.data) if isinstance(found, Record) else found


def come_with(made: Record, **how: Any) -> Session:
    return Session(how.pop("under", rules()), made, NOW, None, made.verifier)


def told(settlement: Settlement) -> list[Action]:
    return [happened.action for happened in settlement.happened]

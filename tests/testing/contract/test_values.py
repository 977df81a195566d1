"""Every test of values, counters, leases and the sweep finds a store that breaks its promise."""

from __future__ import annotations

import time
from typing import Any

import pytest

from secmw.sessions.record import Record, forgotten
from secmw.testing.contract.values import ValuePromises
from tests.testing.contract.planted import Good, unnoticed, unproved

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz


class Generous(Good):
    """A value can be taken again."""

    def take(self, space: str, key: str) -> bytes | None:
        found = self._values.get((space, key))
        return found[2] if found is not None and self._now() < found[1] else None


class TakesSlowly(Good):
    """Looks, and removes later."""

    def take(self, space: str, key: str) -> bytes | None:
        found = self._values.get((space, key))
        time.sleep(0.002)
        self._values.pop((space, key), None)
        return None if found is None else found[2]


class Lasting(Good):
    """A value lasts for ever."""

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        return super().put(space, key, value, 9e9, once=once)


class FirstTime(Good):
    """A value that is replaced keeps its time."""

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        found = self._values.get((space, key))
        kept = super().put(space, key, value, ttl, once=once)
        if found and kept and not once:
            self._values[space, key] = (found[0], found[1], value)
        return kept


class AgainAndAgain(Good):
    """Once is as often as one likes."""

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        return super().put(space, key, value, ttl)


class PutsSlowly(Good):
    """Looks, and puts later."""

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        if once and (space, key) in self._values:
            return False
        time.sleep(0.002)
        return super().put(space, key, value, ttl)


class Joining(Good):
    """SE-17: space and key become one."""

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        return super().put("", f"{space}:{key}", value, ttl, once=once)

    def take(self, space: str, key: str) -> bytes | None:
        return super().take("", f"{space}:{key}")


class Sliding(Good):
    """A counter lasts from its last."""

    def count(self, space: str, key: str, ttl: float) -> int:
        number = super().count(space, key, ttl)
        self._counts[space, key] = (self._now(), self._now() + ttl, number)
        return number


class CountsSlowly(Good):
    """Reads, and adds later."""

    def count(self, space: str, key: str, ttl: float) -> int:
        number = self._counts.get((space, key), (0.0, 0.0, 0))[2] + 1
        time.sleep(0.002)
        self._counts[space, key] = (self._now(), self._now() + ttl, number)
        return number


class Literal(Good):
    """SE-21: what was to end at a time ends at that time, whatever becomes of the clock."""

    def count(self, space: str, key: str, ttl: float) -> int:
        found = self._counts.get((space, key))
        number = super().count(space, key, ttl)
        if found and found[1] > self._now():
            self._counts[space, key] = (*found[:2], number)
        return number

    def lease(self, name: str, ttl: float) -> bool:
        found = self.leases.get(name)
        got = super().lease(name, ttl)
        if found and not got:
            self.leases[name] = found
        return got


class Yielding(Good):
    """SE-11: everybody holds the lease."""

    def lease(self, name: str, ttl: float) -> bool:
        return True


class LeasesSlowly(Good):
    """SE-11: looks, and takes later."""

    def lease(self, name: str, ttl: float) -> bool:
        if name in self.leases and self.leases[name][2] > self._now():
            return super().lease(name, ttl)
        time.sleep(0.002)
        self.leases[name] = (id(self), self._now(), self._now() + ttl)
        return True


class Eager(Good):
    """SE-11: removes what is over in a minute, too."""

    def sweep(self, now: float, limit: int) -> int:
        return super().sweep(now + 60, limit)


class Unbounded(Good):
    """SE-11: removes all there is."""

    def sweep(self, now: float, limit: int) -> int:
        return super().sweep(now, 1_000)


class Shortsighted(Good):
    """SE-11: sees what was there when it began."""

    def sweep(self, now: float, limit: int) -> int:
        self.begun: Any = getattr(self, "begun", None) or iter(list(self._sessions))
        removed = 0
        for selector in self.begun:
            raw = self._sessions.get(selector)
            if raw is not None and forgotten(raw, now):
                del self._sessions[selector]
                removed += 1
                if removed == limit:
                    break
        return removed


class Boasting(Good):
    """SE-11: counts what another sweep has removed."""

    def sweep(self, now: float, limit: int) -> int:
        over = [selector for selector, raw in list(self._sessions.items()) if forgotten(raw, now)][:limit]
        time.sleep(0.005)
        for selector in over:
            self._sessions.pop(selector, None)
        return len(over)


class JudgesEarly(Good):
    """SE-11: looks, and removes later what is in use by then."""

    def sweep(self, now: float, limit: int) -> int:
        over = [selector for selector, raw in list(self._sessions.items()) if forgotten(raw, now)][:limit]
        time.sleep(0.005)
        for selector in over:
            self._sessions.pop(selector, None)
        return 0


class Undoing(Good):
    """SE-08: to forget an end is to undo it."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.ended: dict[bytes, bytes] = {}

    def write(self, write: Any) -> Any:
        key = write.selector.encode()
        before = self._sessions.get(key)
        outcome = super().write(write)
        if before is not None and len(self._sessions[key]) < len(before):
            self.ended[key] = before
        return outcome

    def sweep(self, now: float, limit: int) -> int:
        removed = super().sweep(now, limit)
        self._sessions.update(self.ended)
        return removed

    def load(self, selector: str) -> Any:
        found = super().load(selector)
        return found if not isinstance(found, Record) or found.over(self._now()) is None else None


FAULTS = {
    Generous: "test_a_value_is_taken_once",
    TakesSlowly: "test_of_many_that_take_a_value_one_gets_it",
    Lasting: "test_a_value_lasts_as_long_as_it_should",
    FirstTime: "test_a_value_may_be_replaced_and_then_lasts_anew",
    AgainAndAgain: "test_what_is_put_once_replaces_nothing",
    PutsSlowly: "test_of_many_that_put_once_one_succeeds",
    Joining: "test_spaces_and_keys_are_kept_apart",
    Sliding: "test_a_counter_counts_from_its_first",
    CountsSlowly: "test_a_counter_counts_everybody",
    Literal: "test_a_clock_that_is_set_back_holds_no_counter_up test_a_clock_that_is_set_back_holds_no_lease_up",
    Yielding: "test_a_lease_has_one_holder",
    LeasesSlowly: "test_of_many_that_want_a_lease_one_gets_it",
    Eager: "test_a_sweep_removes_what_is_over_and_nothing_that_lives",
    Unbounded: "test_a_sweep_removes_no_more_than_it_was_asked_to",
    Shortsighted: "test_a_sweep_sees_what_came_while_it_was_under_way",
    Boasting: "test_two_sweeps_at_once_remove_everything_once",
    JudgesEarly: "test_a_session_that_is_used_is_never_swept",
    Undoing: "test_a_name_that_was_swept_opens_nothing",
}


def test_each_fault_is_found() -> None:
    """SE-08, SE-11, SE-17, SE-21, SE-23"""
    assert unnoticed(FAULTS) == []


def test_each_test_finds_a_fault() -> None:
    assert unproved(FAULTS, ValuePromises) == set()

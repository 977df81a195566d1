"""Every test of one session finds a store that breaks its promise."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import msgspec
import pytest

from secmw.sessions import codec
from secmw.sessions.record import Ended, Over, Record, opened, tombstone, unpacked
from secmw.sessions.writes import Create, End, Lost, Rotate, Touch, Update, Why, Write, Written
from secmw.testing.contract.sessions import SessionPromises
from tests.testing.contract.planted import Good, Racy, unnoticed, unproved

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz


class Upserting(Good):
    """SE-08: saves a session that is not there."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Update | Touch | Rotate | End) and write.selector.encode() not in self._sessions:
            at = write.at
            record = Record(write.selector, 0, at, at, at + 60, at + 60, 60, bytes(32), codec.EMPTY)
            self._sessions[write.selector.encode()] = record.pack()
        return super().write(write)


class Overwriting(Good):
    """SE-01: a record that comes later replaces the one that is there."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create):
            with self._lock:
                self._sessions.pop(write.selector.encode(), None)
        return super().write(write)


class CountsFirst(Good):
    """SE-16: makes room for a sign-in that then comes to nothing."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.cap and write.user_id:
            self.end_all(write.user_id)
        return super().write(write)


class Forgetting(Good):
    """SE-08: an end leaves nothing."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        if isinstance(write, End) and isinstance(outcome, Written):
            del self._sessions[write.selector.encode()]
        return outcome


class Reviving(Good):
    """SE-08: whatever comes after an end begins anew."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(self.load(write.selector), Ended) and isinstance(write, Update | Touch):
            del self._sessions[write.selector.encode()]
            super().write(
                Create(record=Record(write.selector, 0, 0, 0, 9e9, 9e9, 60, bytes(32), codec.EMPTY))
            )
        return super().write(write)


class Timeless(Good):
    """SE-05, SE-06: never looks at the clock."""

    def write(self, write: Write) -> Written | Lost:
        found = self.load(write.selector)
        if isinstance(found, Record) and isinstance(write, Update | Touch | Rotate):
            fields = {name: getattr(write, name) for name in write.__dataclass_fields__}
            write = type(write)(**{**fields, "at": found.seen})
        return super().write(write)


class Replacing(Good):
    """SE-09: writes what a request had, and nothing else."""

    def write(self, write: Write) -> Written | Lost:
        found = self.load(write.selector)
        if isinstance(write, Update) and isinstance(found, Record):
            gone = dict.fromkeys(codec.split(found.data))
            write = Update(selector=write.selector, at=write.at, changes={**gone, **write.changes})
        return super().write(write)


class Boundless(Good):
    """SE-13: takes any amount."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Update):
            write = Update(
                selector=write.selector, at=write.at, changes=write.changes, expected=write.expected
            )
        return super().write(write)


class Counting(Good):
    """SE-13: counts what is not to count."""

    def write(self, write: Write) -> Written | Lost:
        return super().write(dataclasses.replace(write, overhead=0) if isinstance(write, Update) else write)


class Untouched(Good):
    """SE-06: notes no use."""

    def write(self, write: Write) -> Written | Lost:
        found = self.load(write.selector)
        if isinstance(write, Touch) and isinstance(found, Record):
            return Written(found)
        return super().write(write)


class Backwards(Good):
    """SE-21: last seen is whatever the clock says."""

    def write(self, write: Write) -> Written | Lost:
        found = self.load(write.selector)
        if isinstance(write, Touch) and isinstance(found, Record):
            found = msgspec.structs.replace(found, seen=write.at, idle_until=write.at + found.inactivity)
            self._sessions[write.selector.encode()] = found.pack()
            return Written(found)
        return super().write(write)


class Obedient(Good):
    """Ends a session as idle that is in use."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, End) and write.reason is Over.IDLE:
            write = End(selector=write.selector, at=write.at, reason=Over.REVOKED)
        return super().write(write)


class LastReason(Good):
    """SE-24: signing out twice is something else."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        if isinstance(write, End) and outcome == Lost(Why.ENDED):
            self._sessions[write.selector.encode()] = tombstone(write.reason, write.at + 60)
        return outcome


class Cached(Good):
    """SE-08: remembers what it has read."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.seen: dict[str, Record | Ended | None] = {}

    def another(self) -> Good:
        other = super().another()
        assert isinstance(other, Cached)
        other.seen = {}
        return other

    def load(self, selector: str) -> Record | Ended | None:
        return self.seen.setdefault(selector, super().load(selector))


class Relying(Good):
    """SE-21: does not end what is over by the clock: reading will find it over, as long as the clock goes on."""

    def write(self, write: Write) -> Written | Lost:
        found = self.load(write.selector)
        if isinstance(write, End) and write.reason is Over.IDLE and isinstance(found, Record):
            return Written(found)
        return super().write(write)


class Trusting(Good):
    """SE-14: takes its bytes for what it has written."""

    def load(self, selector: str) -> Record | Ended | None:
        raw = self._sessions.get(selector.encode())
        if raw is not None and len(raw) > 90:
            return unpacked(selector, raw)
        return super().load(selector)


class Stuck(Good):
    """SE-14: what can't be read can't be removed."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, End) and write.reason is Over.UNREADABLE:
            return Lost(Why.ENDED)
        return super().write(write)


class Fragile(Good):
    """SE-14: one broken session hides all others."""

    def of_user(self, user_id: str) -> list[Record]:
        selectors = self._users.get(user_id, b"").decode().split()
        if any(self.load(selector) == Ended(Over.UNREADABLE) for selector in selectors):
            return []
        return super().of_user(user_id)


class Volatile(Good):
    """Keeps nothing when it is closed."""

    def close(self) -> None:
        self._sessions.clear()


class Nameless(Good):
    """Forgets whose session it is."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        if isinstance(write, Create) and isinstance(outcome, Written):
            self._sessions[write.selector.encode()] = msgspec.structs.replace(write.record, owner=b"").pack()
        return outcome


class Finite(Good):
    """SE-06: has no way to write infinity."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        if isinstance(write, Create) and isinstance(outcome, Written):
            record = msgspec.structs.replace(write.record, idle_until=min(write.record.idle_until, 9e9))
            self._sessions[write.selector.encode()] = record.pack()
        return outcome


class Adopting(Good):
    """SE-02: whatever is asked for is there from then on."""

    def load(self, selector: str) -> Record | Ended | None:
        found = super().load(selector)
        if found is None and not self._sessions.get(selector.encode()):
            self._sessions[selector.encode()] = Record(
                selector, 0, 0, 0, 9e9, 9e9, 0, bytes(32), codec.EMPTY, b""
            ).pack()
            return opened(selector, self._sessions[selector.encode()], 0.0)
        return found


class Renaming(Good):
    """SE-04: a rotation begins a new session."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        if isinstance(write, Rotate) and isinstance(outcome, Written):
            record = msgspec.structs.replace(outcome.record, data=codec.EMPTY)
            self._sessions[write.selector.encode()] = record.pack()
        return outcome


class Slow(Good):
    """SE-01: looks, and writes later."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.selector.encode() not in self._sessions:
            time.sleep(0.01)
            with self._lock:
                self._sessions.pop(write.selector.encode(), None)
        return super().write(write)


FAULTS = {
    Upserting: "test_nothing_but_create_makes_a_session",
    Overwriting: "test_a_name_that_is_taken_is_never_given_again"
    " test_the_name_of_a_session_that_has_ended_is_not_given_again",
    CountsFirst: "test_a_name_that_is_taken_costs_nobody_a_session",
    Slow: "test_of_many_that_take_one_name_one_gets_it",
    Forgetting: "test_an_end_is_remembered_for_a_minute_with_its_reason",
    Reviving: "test_nothing_changes_a_session_that_has_ended",
    Timeless: "test_nothing_changes_a_session_past_its_limits",
    Racy: "test_an_end_is_final_whoever_writes_at_the_same_time"
    " test_two_hundred_writers_of_different_names_are_all_there"
    " test_of_strict_writers_of_one_name_one_succeeds test_of_many_that_replace_the_secret_one_succeeds",
    Replacing: "test_what_two_requests_changed_is_merged_by_name",
    Renaming: "test_a_change_in_flight_is_merged_after_the_secret_was_replaced",
    Counting: "test_what_is_not_to_count_does_not",
    Boundless: "test_a_change_that_makes_the_data_too_large_changes_nothing",
    Untouched: "test_a_use_is_noted_and_changes_no_data",
    Backwards: "test_a_clock_that_is_set_back_moves_no_limit",
    Obedient: "test_a_session_is_not_ended_for_a_limit_that_it_has_not_reached",
    LastReason: "test_an_end_keeps_its_first_reason",
    Cached: "test_what_one_object_writes_another_sees_at_once",
    Relying: "test_a_clock_that_is_set_back_revives_nothing",
    Trusting: "test_what_cannot_be_read_is_no_session",
    Stuck: "test_what_cannot_be_read_can_be_ended",
    Fragile: "test_what_cannot_be_read_is_in_nobodys_way",
    Volatile: "test_a_store_that_was_closed_opens_again",
    Nameless: "test_what_was_created_is_loaded",
    Finite: "test_a_session_without_idle_limit_comes_back_without_one",
    Adopting: "test_a_name_nobody_has_given_opens_nothing",
}


def test_each_fault_is_found() -> None:
    """SE-01, SE-02, SE-04, SE-08, SE-09, SE-10, SE-13, SE-14, SE-21, SE-23"""
    assert unnoticed(FAULTS) == []


def test_each_test_finds_a_fault() -> None:
    assert unproved(FAULTS, SessionPromises) == set()

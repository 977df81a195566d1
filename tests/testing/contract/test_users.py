"""Every test of users finds a store that breaks its promise."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from secmw.sessions.record import Over, Record, tombstone
from secmw.sessions.writes import REMEMBERED, Create, Lost, Revoked, Why, Write, Written
from secmw.stores.rules import NEVER, Ends
from secmw.testing.contract.users import UserPromises
from tests.testing.contract.planted import Good, unnoticed, unproved

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz


class Unordered(Good):
    """SE-15: lists sessions as they came."""

    def of_user(self, user_id: str) -> list[Record]:
        return sorted(super().of_user(user_id), key=lambda record: record.selector)


class Hoarding(Good):
    """SE-15: lists what is past its limits."""

    def of_user(self, user_id: str) -> list[Record]:
        return self._records(user_id)[::-1]


class Tidy(Good):
    """SE-17: takes two ids for one that differ in what does not show."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.user_id is not None:
            write = replace(write, user_id=write.user_id.strip().lower())
        return super().write(write)

    def of_user(self, user_id: str) -> list[Record]:
        return super().of_user(user_id.strip().lower())


class Ungrateful(Good):
    """SE-16: at the cap the newest goes."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.cap and write.user_id:
            found = self.of_user(write.user_id)
            if len(found) >= write.cap and write.at_cap == "oldest":
                self._end(found[:1], Over.REVOKED, self._now())
                outcome = super().write(replace(write, cap=0))
                return (
                    Written(write.record, (found[0].selector,)) if isinstance(outcome, Written) else outcome
                )
        return super().write(write)


class OneOut(Good):
    """SE-16: for one that comes, one goes."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.cap and write.user_id and write.at_cap == "oldest":
            write = replace(write, cap=max(write.cap, len(self.of_user(write.user_id))))
        return super().write(write)


class Impolite(Good):
    """SE-16: refuses nobody."""

    def write(self, write: Write) -> Written | Lost:
        return super().write(replace(write, at_cap="oldest") if isinstance(write, Create) else write)


class CountsAll(Good):
    """SE-16: counts what is past its limits."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.cap and len(self._records(write.user_id or "")) >= write.cap:
            return Lost(Why.CAP)
        return super().write(write)


class Stingy(Good):
    """SE-16: has a cap of its own."""

    def write(self, write: Write) -> Written | Lost:
        return super().write(replace(write, cap=write.cap or 50) if isinstance(write, Create) else write)


class Grudging(Good):
    """SE-16: counts the session that is about to end for the new one."""

    def write(self, write: Write) -> Written | Lost:
        return super().write(replace(write, replaces=None) if isinstance(write, Create) else write)


class CountsEarly(Good):
    """SE-16: counts, and writes later."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Create) and write.cap and write.user_id:
            count = len(self.of_user(write.user_id))
            time.sleep(0.005)
            if count < write.cap:
                write = replace(write, cap=0)
        return super().write(write)


class Lenient(Good):
    """SE-15: leaves alone what is past its limits, which a clock may revive."""

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        before = dict(self._sessions)
        over = [record for record in self._records(user_id) if record.over(self._now())]
        revoked = super().end_all(user_id, except_, reason=reason)
        self._sessions.update((key, before[key]) for key in (record.selector.encode() for record in over))
        return revoked


class Thorough(Good):
    """SE-15: spares nobody."""

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        return super().end_all(user_id, None, reason=reason)


class Paged(Good):
    """SE-15: ends the first hundred."""

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        index, kept = self._users.get(user_id, b""), b""
        if index.count(b" ") >= 100:
            names = index.split(b" ")
            index, kept = b" ".join(names[:100]), b" ".join(names[100:])
            self._users[user_id] = index
        revoked = super().end_all(user_id, except_, reason=reason)
        if kept:
            self._users[user_id] = kept
        return revoked


class Amnesiac(Good):
    """Sweeps away how often all were ended."""

    def sweep(self, now: float, limit: int) -> int:
        self._ends.clear()
        return super().sweep(now, limit)


class Welcoming(Good):
    """SE-15: undoes no sign-in."""

    def write(self, write: Write) -> Written | Lost:
        return super().write(replace(write, checked_at=9e9) if isinstance(write, Create) else write)


class Strict(Good):
    """Undoes the sign-in of who ended all sessions."""

    def write(self, write: Write) -> Written | Lost:
        return super().write(replace(write, generation=0) if isinstance(write, Create) else write)


class Doubtful(Good):
    """SE-21: does not believe in an end that is still to come."""

    def write(self, write: Write) -> Written | Lost:
        ends = self._ends.get(getattr(write, "user_id", None) or "", NEVER)
        if isinstance(write, Create) and ends.last > self._now():
            write = replace(write, checked_at=9e9)
        return super().write(write)


class Loose(Good):
    """SE-15: ends one after the other, and counts it when done."""

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        found = [record for record in self.of_user(user_id) if record.selector != except_]
        for record in found:
            self._sessions[record.selector.encode()] = tombstone(reason, self._now() + REMEMBERED)
            time.sleep(0.002)
        with self._lock:
            self._leave(found)
        ends = self._ends[user_id] = Ends(self.generation(user_id) + 1, self._now(), 0.0)
        return Revoked(ends.number, tuple(record.selector for record in found))


FAULTS = {
    Unordered: "test_the_sessions_of_a_user_are_listed_the_last_sign_in_first"
    " test_of_two_sign_ins_at_the_same_time_the_later_one_is_listed_first",
    Hoarding: "test_only_what_lives_is_listed",
    Tidy: "test_every_user_has_a_list_of_their_own_however_they_are_called",
    Ungrateful: "test_past_the_cap_the_oldest_sign_in_ends",
    OneOut: "test_a_cap_that_was_lowered_ends_as_many_as_it_takes",
    Impolite: "test_at_the_cap_a_sign_in_may_be_refused_instead",
    CountsAll: "test_only_what_lives_counts",
    Grudging: "test_the_session_that_a_sign_in_is_to_end_does_not_count",
    Stingy: "test_without_a_cap_there_is_none",
    CountsEarly: "test_the_cap_is_exact_however_many_sign_in_at_once test_a_refusing_cap_is_exact_too",
    Lenient: "test_all_sessions_of_a_user_end",
    Thorough: "test_all_sessions_but_one_end",
    Paged: "test_many_sessions_end_as_well_as_a_few",
    Amnesiac: "test_how_often_all_were_ended_is_counted_and_kept",
    Welcoming: "test_a_sign_in_under_way_is_undone",
    Strict: "test_a_request_that_ends_all_may_sign_in_itself",
    Doubtful: "test_a_clock_that_is_set_back_lets_no_sign_in_through",
    Loose: "test_no_sign_in_slips_between_ending_all_and_counting_it test_what_ends_while_all_are_ended_ends_once",
}


def test_each_fault_is_found() -> None:
    """SE-15, SE-16, SE-17, SE-21, SE-23"""
    assert unnoticed(FAULTS) == []


def test_each_test_finds_a_fault() -> None:
    assert unproved(FAULTS, UserPromises) == set()

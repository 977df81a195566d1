"""Every test of swaps finds a store that breaks its promise."""

from __future__ import annotations

import dataclasses

import pytest

from secmw.sessions.record import Record, opened
from secmw.sessions.writes import Lost, Swap, Write, Written
from secmw.testing.contract.swaps import SwapPromises
from tests.testing.contract.planted import Good, Racy, unnoticed, unproved

# A long search: left out of `make check`.
pytestmark = pytest.mark.fuzz


class Blind(Good):
    """SE-09: replaces whatever lives there."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Swap):
            found = opened(write.selector, self._sessions.get(write.selector.encode()), write.at)
            if isinstance(found, Record):
                write = dataclasses.replace(write, before=found)
        return super().write(write)


class Upserting(Good):
    """SE-08: puts a record where none lives."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, Swap):
            self._sessions[write.selector.encode()] = write.before.pack()
        return super().write(write)


class Deaf(Good):
    """Says that it has replaced a record, and has not."""

    def write(self, write: Write) -> Written | Lost:
        return Written(write.after) if isinstance(write, Swap) else super().write(write)


FAULTS = {
    Blind: "test_a_swap_that_comes_too_late_changes_nothing",
    Upserting: "test_a_swap_puts_nothing_where_no_session_is",
    Deaf: "test_a_record_is_replaced_where_nothing_came_between",
    Racy: "test_of_many_swaps_one_succeeds test_a_swap_loses_no_change_of_others",
}


def test_each_fault_is_found() -> None:
    """SE-23"""
    assert unnoticed(FAULTS) == []
    assert unproved(FAULTS, SwapPromises) == set()

"""What outlives its request: when it ends, and when it is looked after next."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.sessions.identifier import new_id
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.watching import (
    STORE_AWAY,
    TRIES,
    began,
    close_code,
    over,
    superseded,
    touch,
    unheard,
    wait,
)
from secmw.sessions.writes import Lost, Rotate, Touch, Update, Write, Written, apply
from tests.sessions.making import DAY, IDLE, NOW, record

_, ANN = record("ann", seen=NOW - 1)


def after(found: Record, write: Write) -> Record:
    _, outcome = apply(found.pack(), write)
    assert isinstance(outcome, Written)
    return outcome.record


def rotated(found: Record, at: float, *, close: bool) -> Record:
    return after(
        found,
        Rotate(
            selector=found.selector,
            at=at,
            presented=found.verifier,
            verifier=new_id().digest,
            sudo=at + 300,
            close=close,
        ),
    )


# --- what ends it


def test_it_goes_on_while_its_session_lives() -> None:
    since = began(ANN)
    later = after(ANN, Update(selector=ANN.selector, at=NOW, changes={"a": b"\x01"}))
    for found in (ANN, later):
        assert over(since, found, NOW) is None
        assert not superseded(since, found)


@pytest.mark.parametrize("reason", [reason for reason in Over if reason not in (Over.EXPIRED, Over.IDLE)])
def test_the_end_of_a_session_is_its_own_whatever_the_reason(reason: Over) -> None:
    """RP-03"""
    assert over(began(ANN), Ended(reason), NOW) == reason


def test_a_session_that_nobody_knows_any_more_is_over() -> None:
    """RP-03"""
    assert over(began(ANN), None, NOW) == Over.UNKNOWN


def test_the_limits_hold_to_the_second() -> None:
    """RP-03"""
    since = began(ANN)
    assert over(since, ANN, ANN.idle_until - 0.1) is None
    assert over(since, ANN, ANN.idle_until) == Over.IDLE
    assert over(since, ANN, ANN.expires) == Over.EXPIRED


def test_a_replaced_secret_ends_nothing_but_is_noticed() -> None:
    """SE-04"""
    since = began(ANN)
    found = rotated(ANN, NOW, close=False)
    assert over(since, found, NOW) is None
    assert superseded(since, found)


def test_what_began_before_is_closed_where_the_rotation_says_so_and_nothing_else() -> None:
    """RP-03"""
    before, closing = began(ANN), rotated(ANN, NOW, close=True)
    between = began(closing)
    later = rotated(closing, NOW + 5, close=False)
    for found in (closing, later):
        assert over(before, found, NOW + 5) == Over.ROTATED
        assert over(between, found, NOW + 5) is None


def test_whoever_replaced_the_secret_is_not_superseded_by_itself() -> None:
    found = rotated(ANN, NOW, close=True)
    mine = began(found, found.verifier)
    assert over(mine, found, NOW) is None
    assert not superseded(mine, found)
    assert superseded(began(found, ANN.verifier), found)


def test_no_answer_is_borne_three_times_and_not_past_the_end() -> None:
    """RB-01"""
    since = began(ANN)
    assert [unheard(since, failures, NOW) for failures in range(TRIES + 1)] == [None] * TRIES + [STORE_AWAY]
    assert unheard(since, 1, ANN.expires) == Over.EXPIRED


def test_somebody_whose_store_is_away_is_told_to_come_again() -> None:
    assert close_code(STORE_AWAY, 4500) == 1013
    assert close_code(Over.EXPIRED, 4500) == 4500


# --- when


times = st.floats(0, 2 * DAY)


@given(ago=times, ahead=times, recheck=st.floats(0.1, 3600), inactivity=st.sampled_from([0, 10, IDLE]))
def test_nothing_is_left_alone_past_its_end_or_past_the_time_between_two_looks(
    ago: float, ahead: float, recheck: float, inactivity: int
) -> None:
    """RP-03"""
    _, found = record("ann", created=NOW - ago, inactivity=inactivity)
    now = NOW + ahead
    pause = wait(found, now, recheck)
    assert 0 < pause <= max(recheck, 0.02)
    if found.over(now) is None:
        # Just before that time it lives, and just after it the look will find what there is to find.
        assert found.over(now + pause - 0.03) is None
        assert pause <= max(0.02, found.expires - now)
        assert pause <= max(0.02, found.idle_until - now)


@given(steps=st.lists(st.tuples(st.sampled_from(["touch", "update", "rotate", "close"]), st.integers(0, 4000)), max_size=8), begin=st.integers(0, 8))  # fmt: skip
def test_whatever_happens_to_a_session_only_its_end_or_a_closing_rotation_ends_it(
    steps: Any, begin: int
) -> None:
    """RP-03"""
    found, now, closed, replaced, since = ANN, NOW, False, False, began(ANN)
    for number, (what, pause) in enumerate(steps):
        if number == begin:
            since, closed, replaced = began(found), False, False
        now += pause
        write: Write
        if what in ("touch", "update"):
            write = Touch(selector=found.selector, at=now)
            if what == "update":
                write = Update(selector=found.selector, at=now, changes={"a": b"\x01"})
            _, outcome = apply(found.pack(), write)
            if isinstance(outcome, Lost):
                assert over(since, found, now) == found.over(now)
                return
            found = outcome.record
        else:
            if found.over(now) is not None:
                assert over(since, found, now) is not None
                return
            found = rotated(found, now, close=what == "close")
            closed, replaced = closed or what == "close", True
        assert over(since, found, now) == (Over.ROTATED if closed else None)
        assert superseded(since, found) == replaced


def test_activity_is_written_down_now_and_then_and_before_the_session_would_end() -> None:
    """SE-06, SE-10"""
    found = msgspec.structs.replace(ANN, seen=NOW, idle_until=NOW + 600)
    assert not touch(found, NOW, NOW + 600, 60)
    assert not touch(found, NOW + 59, NOW + 70, 60)
    assert touch(found, NOW + 60, NOW + 70, 60)
    assert touch(found, NOW + 1, NOW + 600, 60)

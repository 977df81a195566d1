"""What every store decides: which sign-in is undone, who goes at the cap, how long something lasts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create
from secmw.stores.rules import NEVER, Ends, excess, living, running, undone

TIMES = st.integers(0, 20).map(float)


def record(number: int = 0, *, authenticated: float = 0.0, expires: float = 100.0) -> Record:
    owner = written(Identity("jane", "", authenticated))
    return Record(f"{number:022}", 0, 0.0, 0.0, expires, 100.0, 100, b"", b"", owner)


def create(checked_at: float, generation: int = 0) -> Create:
    return Create(record=record(), user_id="jane", checked_at=checked_at, generation=generation)


def ends(*times: float) -> Ends:
    told = NEVER
    for time in times:
        told = told.again(time)
    return told


def test_a_user_whose_sessions_were_never_ended_signs_in() -> None:
    assert not undone(create(0.0), NEVER)


@given(st.lists(TIMES, max_size=5).map(sorted), TIMES, st.integers(0, 6))
def test_a_sign_in_is_undone_by_any_later_end_but_its_own(
    times: list[float], checked_at: float, own: int
) -> None:
    """SE-15"""
    # Whoever made an end made it after it had checked the credentials, and only what is there can be one's own.
    if own > len(times) or (own and times[own - 1] < checked_at):
        own = 0
    expected = any(time > checked_at for number, time in enumerate(times, 1) if number != own)
    assert undone(create(checked_at, own), ends(*times)) is expected


def test_the_one_that_signed_in_last_is_first() -> None:
    first, second = record(1, authenticated=5.0), record(2, authenticated=9.0)
    third, over = record(3, authenticated=5.0), record(4, authenticated=9.0, expires=50.0)
    assert living([first, second, third, over], 50.0) == [second, third, first]


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_cap_leaves_a_place_for_one_more(count: int, cap: int) -> None:
    """SE-16"""
    records = [record(number) for number in range(count)]
    write = Create(record=record(99), user_id="ann", cap=cap)
    oldest = excess(records, write)
    assert count - len(oldest) == (min(count, cap - 1) if cap else count)
    assert list(oldest) == records[count - len(oldest) :]


def test_a_session_that_ends_for_the_new_one_takes_no_place() -> None:
    """SE-16: whoever signs in again has as many others as before"""
    records = [record(number) for number in range(2)]
    for own in records:
        assert not excess(records, Create(record=record(9), user_id="ann", cap=2, replaces=own.selector))


@given(TIMES, TIMES, TIMES)
def test_nothing_lasts_longer_than_it_was_to_last(first: float, ttl: float, now: float) -> None:
    """SE-21"""
    begins, ends_at = running(first, first + ttl, now)
    assert ends_at - begins == ttl
    assert ends_at <= now + ttl or now >= first
    assert begins <= now

"""What a write does: every write, on everything a store can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.sessions import codec
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Ended, Over, Record, opened, tombstone
from secmw.sessions.writes import (
    GRACE,
    REMEMBERED,
    Create,
    End,
    Lost,
    Rotate,
    Swap,
    Touch,
    Update,
    Why,
    Write,
    Written,
    apply,
)
from tests.sessions.making import DAY, IDLE, NOW, record

ID, LIVING = record("ann", {"a": 1, "b": [1]}, seen=NOW - 50)
S = ID.selector
OLD = LIVING.verifier
NEW = new_id().digest

#: Everything a store can hold under a selector.
STATES: dict[str, bytes | None] = {
    "absent": None,
    "living": LIVING.pack(),
    "idle": record("ann", id_=ID, created=NOW - IDLE - 1)[1].pack(),
    "expired": record("ann", id_=ID, created=NOW - DAY - 1, seen=NOW - 10)[1].pack(),
    "ended": tombstone(Over.LOGGED_OUT, NOW + 30),
    "forgotten": tombstone(Over.LOGGED_OUT, NOW - 30),
    "unreadable": b"\x01\x01?",
    "another version": b"\x07" + LIVING.pack()[1:],
}

WRITES: dict[str, Write] = {
    "create": Create(record=record(id_=ID)[1]),
    "update": Update(selector=S, at=NOW, changes={"c": codec.encode("c", 3)}),
    "touch": Touch(selector=S, at=NOW),
    "rotate": Rotate(selector=S, at=NOW, presented=OLD, verifier=NEW),
    "swap": Swap(at=NOW, before=LIVING, after=msgspec.structs.replace(LIVING, revision=7)),
    "sign out": End(selector=S, at=NOW, reason=Over.LOGGED_OUT),
    "expire": End(selector=S, at=NOW, reason=Over.EXPIRED),
    "idle out": End(selector=S, at=NOW, reason=Over.IDLE),
    "bury": End(selector=S, at=NOW, reason=Over.UNREADABLE),
}

#: What comes of a write on what is there: why it is lost, None where it is carried out.
COMES_OF: dict[str, dict[str, Why | None]] = {
    "absent": {
        "create": None,
        **dict.fromkeys(
            ["update", "touch", "rotate", "swap", "sign out", "expire", "idle out", "bury"], Why.UNKNOWN
        ),
    },
    "living": {
        "create": Why.EXISTS,
        **dict.fromkeys(["update", "touch", "rotate", "swap", "sign out", "bury"], None),
        **dict.fromkeys(["expire", "idle out"], Why.CONFLICT),
    },
    **{
        state: {
            "create": Why.EXISTS,
            **dict.fromkeys(["update", "touch", "rotate", "swap"], Why.ENDED),
            **dict.fromkeys(["sign out", "expire", "idle out", "bury"], None),
        }
        for state in ("idle", "expired")
    },
    **{
        state: {
            "create": Why.EXISTS,
            **dict.fromkeys(
                ["update", "touch", "rotate", "swap", "sign out", "expire", "idle out", "bury"], Why.ENDED
            ),
        }
        for state in ("ended", "unreadable", "another version")
    },
    "forgotten": {
        "create": Why.EXISTS,
        **dict.fromkeys(
            ["update", "touch", "rotate", "swap", "sign out", "expire", "idle out", "bury"], Why.UNKNOWN
        ),
    },
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("state", STATES)
def test_every_write_on_everything_a_store_can_hold(state: str, write: str) -> None:
    """SE-08, SE-14: what has ended or can't be read is never brought back, and never replaced"""
    raw, outcome = apply(STATES[state], WRITES[write])
    why = COMES_OF[state][write]
    assert (outcome.reason if isinstance(outcome, Lost) else None) == why
    if why is None:
        assert raw is not None
    elif write == "bury" and why is Why.ENDED:
        assert opened(S, raw, NOW) == Ended(Over.UNREADABLE)
    else:
        assert raw is None


# --- properties of any sequence

TIMES = st.floats(NOW - 200, NOW + 2 * DAY)
NAMES = st.sampled_from(["a", "b", "c", "d"])
CHANGES = st.dictionaries(
    NAMES, st.none() | st.integers(0, 9).map(lambda n: codec.encode("x", n)), max_size=3
)
DIGESTS = st.sampled_from([OLD, NEW, b"\x05" * 32])
ANY: st.SearchStrategy[Write] = st.one_of(
    st.builds(Create, record=st.just(record(id_=ID)[1])),
    st.builds(Update, selector=st.just(S), at=TIMES, changes=CHANGES, drop_sudo=st.booleans()),
    st.builds(Touch, selector=st.just(S), at=TIMES),
    st.builds(
        Rotate,
        selector=st.just(S),
        at=TIMES,
        presented=DIGESTS,
        verifier=DIGESTS,
        grace=st.sampled_from([0.0, GRACE]),
        sudo=st.none() | TIMES,
        close=st.booleans(),
    ),
    st.builds(
        End,
        selector=st.just(S),
        at=TIMES,
        reason=st.sampled_from([Over.LOGGED_OUT, Over.REVOKED, Over.EXPIRED, Over.IDLE, Over.REPLACED]),
    ),
)


@given(st.sampled_from(sorted(STATES)), st.lists(ANY, max_size=12))
def test_whatever_happens_in_whatever_order(state: str, writes: list[Write]) -> None:
    """SE-05, SE-06, SE-08, SE-21"""
    raw = STATES[state]
    for write in writes:
        before = opened(S, raw, NOW) if raw is not None else None
        put, outcome = apply(raw, write)
        assert put is None or isinstance(put, bytes)
        if isinstance(outcome, Lost):
            assert put is None or not isinstance(
                before, Record
            )  # nothing is changed, or what was unreadable ends
        after = opened(S, put, NOW) if put is not None else before
        if isinstance(after, Record) and not isinstance(before, Record):
            assert isinstance(write, Create)
            assert raw is None
        if isinstance(before, Record) and isinstance(after, Record):
            assert (after.created, after.expires, after.inactivity) == (
                before.created,
                before.expires,
                before.inactivity,
            )
            assert after.seen >= before.seen
            assert after.idle_until >= before.idle_until
            assert after.revision in (before.revision, before.revision + 1)
            assert after.user_id == before.user_id
        if put is not None:
            raw = put


@given(CHANGES, CHANGES)
def test_two_updates_keep_each_others_names(one: Any, other: Any) -> None:
    """SE-09"""
    raw, _ = apply(LIVING.pack(), Update(selector=S, at=NOW, changes=one))
    assert raw is not None
    _, outcome = apply(raw, Update(selector=S, at=NOW, changes=other))
    assert isinstance(outcome, Written)
    wanted: dict[str, Any] = {"a": 1, "b": [1]}
    for changes in (one, other):
        for name, value in changes.items():
            if value is None:
                wanted.pop(name, None)
            else:
                wanted[name] = codec.decode_value(value)
    assert codec.decode(outcome.record.data) == wanted
    assert outcome.record.revision == LIVING.revision + 2


# --- Update


def updated(changes: Mapping[str, Any], **more: Any) -> Written | Lost:
    written = {name: None if value is None else codec.encode(name, value) for name, value in changes.items()}
    return apply(LIVING.pack(), Update(selector=S, at=NOW, changes=written, **more))[1]


def test_an_update_counts_as_use() -> None:
    outcome = updated({"a": 2})
    assert isinstance(outcome, Written)
    assert (outcome.record.seen, outcome.record.idle_until) == (NOW, NOW + IDLE)


@pytest.mark.parametrize(
    ("expected", "lost"),
    [
        ({"a": 1}, False),
        ({"a": 2}, True),
        ({"a": None}, True),
        ({"z": None}, False),
        ({"z": 1}, True),
        ({"a": 1, "b": [2]}, True),
    ],
)
def test_who_asks_to_be_strict_is_told_of_another_change(expected: Any, lost: bool) -> None:
    """SE-09"""
    written = {name: None if value is None else codec.encode(name, value) for name, value in expected.items()}
    outcome = updated({"a": 5}, expected=written)
    assert (outcome == Lost(Why.CONFLICT)) is lost


def test_too_much_is_refused_whoever_put_the_rest_there() -> None:
    """SE-13"""
    assert updated({"c": "x" * 100}, limit=100) == Lost(Why.TOO_LARGE)
    assert isinstance(updated({"c": "x" * 10}, limit=100), Written)


def test_what_is_not_to_count_towards_the_limit_does_not() -> None:
    """SE-13: so many bytes of each name, of what was there too"""
    # A header, a, b and their values; then c and its value.
    size = 1 + 3 + 4 + 2 + 11
    assert isinstance(updated({"c": "x" * 10}, limit=size - 6, overhead=2), Written)
    assert updated({"c": "x" * 10}, limit=size - 7, overhead=2) == Lost(Why.TOO_LARGE)
    assert isinstance(updated({"b": None}, limit=0, overhead=2), Written)
    # What was there grows by two bytes, of which none is forgiven.
    assert updated({"a": 1000}, limit=0, overhead=2) == Lost(Why.TOO_LARGE)


def test_what_is_too_large_already_may_still_shrink() -> None:
    """A limit that was lowered must not lock anybody out of what they have."""
    assert isinstance(updated({"b": None}, limit=3), Written)
    assert isinstance(updated({"a": 2}, limit=3), Written)
    assert updated({"a": 1000}, limit=3) == Lost(Why.TOO_LARGE)


def test_an_elevation_ends_with_the_update_that_drops_it() -> None:
    """SU-01"""
    raised = record("ann", id_=ID, sudo=(NOW - 1, NOW + 100))[1]
    _, outcome = apply(raised.pack(), Update(selector=S, at=NOW, changes={}, drop_sudo=True))
    assert isinstance(outcome, Written)
    assert outcome.record.identity == msgspec.structs.replace(raised.identity, sudo=None)
    _, outcome = apply(raised.pack(), Update(selector=S, at=NOW, changes={}))
    assert isinstance(outcome, Written)
    assert outcome.record.identity == raised.identity


# --- Touch


def test_use_is_noted_forward_and_never_back() -> None:
    """SE-06, SE-21"""
    _, outcome = apply(LIVING.pack(), Touch(selector=S, at=NOW))
    assert isinstance(outcome, Written)
    assert (outcome.record.seen, outcome.record.idle_until) == (NOW, NOW + IDLE)
    _, outcome = apply(outcome.record.pack(), Touch(selector=S, at=NOW - 40))
    assert isinstance(outcome, Written)
    assert (outcome.record.seen, outcome.record.idle_until) == (NOW, NOW + IDLE)
    assert outcome.record.revision == LIVING.revision


def test_use_changes_nothing_where_there_is_no_idle_limit() -> None:
    endless = record(id_=ID, inactivity=0)[1]
    _, outcome = apply(endless.pack(), Touch(selector=S, at=NOW))
    assert isinstance(outcome, Written)
    assert outcome.record.idle_until == endless.idle_until


# --- Swap


def test_a_record_is_replaced_only_if_it_is_still_the_one_that_was_read() -> None:
    """SE-09: to the last byte"""
    after = msgspec.structs.replace(LIVING, verifier=NEW, data=codec.EMPTY)
    assert apply(LIVING.pack(), Swap(at=NOW, before=LIVING, after=after)) == (after.pack(), Written(after))
    for name, value in {
        "revision": 9,
        "seen": NOW,
        "idle_until": NOW + 1,
        "verifier": NEW,
        "owner": b"",
    }.items():
        other = msgspec.structs.replace(LIVING, **{name: value})
        assert apply(other.pack(), Swap(at=NOW, before=LIVING, after=after)) == (None, Lost(Why.CONFLICT))


# --- Rotate


def rotated(raw: bytes | None, presented: bytes, verifier: bytes, at: float = NOW, **more: Any) -> Any:
    assert raw is not None
    return apply(raw, Rotate(selector=S, at=at, presented=presented, verifier=verifier, **more))


def test_of_two_rotations_side_by_side_the_second_loses() -> None:
    """SE-04"""
    raw, first = rotated(LIVING.pack(), OLD, NEW)
    assert first.record.verifier == NEW
    assert first.record.identity.replaced == ((OLD, NOW),)
    assert rotated(raw, OLD, b"\x05" * 32) == (None, Lost(Why.ROTATED))


def test_a_password_given_twice_is_taken_with_the_secret_just_replaced_for_a_moment() -> None:
    """SE-04: a double click"""
    raw, _ = rotated(LIVING.pack(), OLD, NEW)
    for at, taken in ((NOW, True), (NOW + GRACE, True), (NOW + GRACE + 0.1, False), (NOW - 5, True)):
        assert (rotated(raw, OLD, b"\x05" * 32, at=at, grace=GRACE)[0] is not None) is taken
    assert rotated(raw, b"\x06" * 32, b"\x05" * 32, grace=GRACE) == (None, Lost(Why.ROTATED))


def test_three_earlier_secrets_are_remembered_the_last_first() -> None:
    raw: bytes | None = LIVING.pack()
    outcome: Any = None
    secrets = [OLD, *[bytes([number]) * 32 for number in range(5)]]
    for number in range(5):
        raw, outcome = rotated(raw, secrets[number], secrets[number + 1], at=NOW + number)
    assert [digest for digest, _ in outcome.record.identity.replaced] == secrets[4:1:-1]
    assert outcome.record.user_id == "ann"


def test_an_elevation_never_outlives_its_session() -> None:
    """SU-01, SU-02"""
    _, outcome = rotated(LIVING.pack(), OLD, NEW, sudo=NOW + 300)
    assert outcome.record.identity.sudo == (NOW, NOW + 300)
    assert outcome.record.expires == LIVING.expires
    _, outcome = rotated(LIVING.pack(), OLD, NEW, sudo=NOW + 10 * DAY)
    assert outcome.record.identity.sudo == (NOW, LIVING.expires)


def test_a_rotation_without_an_elevation_leaves_what_there_is() -> None:
    raised = record("ann", id_=ID, sudo=(NOW - 1, NOW + 100))[1]
    _, outcome = rotated(raised.pack(), raised.verifier, NEW)
    assert outcome.record.identity.sudo == (NOW - 1, NOW + 100)


def test_sockets_are_closed_where_that_is_asked_for() -> None:
    _, outcome = rotated(LIVING.pack(), OLD, NEW)
    assert outcome.record.identity.closes == 0
    _, outcome = rotated(LIVING.pack(), OLD, NEW, close=True)
    assert outcome.record.identity.closes == NOW


# --- End


@pytest.mark.parametrize("reason", [Over.LOGGED_OUT, Over.REVOKED, Over.REPLACED, Over.CREDENTIALS_CHANGED])
def test_an_end_leaves_its_reason_for_a_minute_and_no_data(reason: Over) -> None:
    """SE-08"""
    raw, outcome = apply(LIVING.pack(), End(selector=S, at=NOW, reason=reason))
    assert outcome == Written(LIVING)
    assert raw is not None
    assert len(raw) < 16
    assert opened(S, raw, NOW + REMEMBERED - 1) == Ended(reason)
    assert opened(S, raw, NOW + REMEMBERED) is None


def test_a_session_that_came_to_life_again_is_not_buried_for_being_idle() -> None:
    """Another request noted its use after this one had found it idle."""
    assert apply(LIVING.pack(), End(selector=S, at=NOW, reason=Over.IDLE)) == (None, Lost(Why.CONFLICT))


def test_a_write_names_its_session() -> None:
    assert Create(record=LIVING).selector == S

"""Record: what a store keeps of a session, bit by bit."""

from __future__ import annotations

import struct
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.sessions import codec
from secmw.sessions.record import (
    FOREVER,
    NOBODY,
    Ended,
    Identity,
    Over,
    Record,
    forgotten,
    is_tombstone,
    opened,
    sound,
    tombstone,
    written,
)
from tests.sessions.making import DAY, IDLE, NOW, record

TIMES = st.floats(0, 4e9)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DIGESTS = st.binary(min_size=32, max_size=32)
IDENTITIES = st.builds(
    Identity,
    user_id=st.none() | TEXT,
    description=TEXT,
    authenticated=TIMES,
    address=TEXT,
    agent=TEXT,
    credentials=st.none() | TEXT,
    sudo=st.none() | st.tuples(TIMES, TIMES),
    replaced=st.lists(st.tuples(DIGESTS, TIMES), max_size=3).map(tuple),
    closes=TIMES,
)
RECORDS = st.builds(
    Record,
    st.just("s"),
    st.integers(0, 2**32 - 1),
    TIMES,
    TIMES,
    TIMES,
    TIMES | st.just(FOREVER),
    st.integers(0, 2**32 - 1),
    DIGESTS,
    st.binary(max_size=40) | st.just(codec.EMPTY),
    IDENTITIES.map(written) | st.just(b""),
)
#: Reasons that a tombstone can hold.
LASTING = [
    Over.LOGGED_OUT,
    Over.REVOKED,
    Over.EXPIRED,
    Over.IDLE,
    Over.REPLACED,
    Over.CREDENTIALS_CHANGED,
    Over.UNREADABLE,
]


# --- records


@given(RECORDS)
def test_a_record_comes_back_as_it_was_written(made: Record) -> None:
    assert opened("s", made.pack(), NOW) == made == sound("s", made.pack())


@given(IDENTITIES)
def test_an_identity_comes_back_as_it_was_written(identity: Identity) -> None:
    _, made = record()
    kept = Record(
        **{**{name: getattr(made, name) for name in made.__struct_fields__}, "owner": written(identity)}
    )
    assert kept.identity == identity
    assert kept.user_id == identity.user_id


def test_nobody_takes_no_bytes() -> None:
    assert written(NOBODY) == written(Identity()) == b""
    assert record()[1].identity is NOBODY


@given(RECORDS, st.data())
def test_one_flipped_bit_makes_it_unreadable(made: Record, data: st.DataObject) -> None:
    """SE-14"""
    raw = bytearray(made.pack())
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    assert opened("s", bytes(raw), NOW) == Ended(Over.UNREADABLE)
    assert forgotten(bytes(raw), NOW)


@given(RECORDS, st.data())
def test_a_piece_of_a_record_is_unreadable(made: Record, data: st.DataObject) -> None:
    """SE-14: a disk that was full, a file that was cut off"""
    raw = made.pack()
    start = data.draw(st.integers(0, len(raw) - 1))
    assert opened("s", raw[:start] + raw[data.draw(st.integers(start + 1, len(raw))) :], NOW) == Ended(
        Over.UNREADABLE
    )


@given(st.binary(max_size=120))
@example(b"")
@example(b"\x01")
@example(b"\x01\x01")
@example(b"\x01\x02")
@example(b"\x01\x02" + bytes(9))
@example(b"\x01\x01" + b"\xff" * 200)
def test_any_bytes_are_unreadable_or_remembered_and_never_a_session(raw: bytes) -> None:
    """SE-14"""
    found = opened("s", raw, NOW)
    assert found is None or isinstance(found, Ended)
    assert isinstance(forgotten(raw, NOW), bool)


@pytest.mark.parametrize("version", [0, 2, 255])
@pytest.mark.parametrize("kind", ["record", "tombstone"])
def test_a_layout_of_another_version_is_no_session_and_no_crash(version: int, kind: str) -> None:
    """SE-14: after an upgrade, and after it was taken back"""
    raw = bytearray(record("ann")[1].pack() if kind == "record" else tombstone(Over.REVOKED, NOW + 60))
    raw[0] = version
    if kind == "record":  # sound in itself, as the other version wrote it
        raw[-4:] = struct.pack("<I", crc32(bytes(raw[:-4])))
    assert opened("s", bytes(raw), NOW) == Ended(Over.UNREADABLE)


def test_lengths_that_lie_read_nothing_outside() -> None:
    raw = bytearray(record("ann", {"a": 1})[1].pack())
    struct.pack_into("<I", raw, 2 + 4 + 32 + 4 + 32, 2**32 - 1)
    raw[-4:] = struct.pack("<I", crc32(bytes(raw[:-4])))
    found = opened("s", bytes(raw), NOW)
    assert isinstance(found, Record)
    assert found.owner == b""
    with pytest.raises(ValueError):
        codec.decode(found.data)


def test_no_log_shows_verifier_or_data() -> None:
    """SE-18"""
    id_, made = record("ann", {"card": "4111"})
    assert repr(made) == f"<Record {id_.selector} revision 1>"


# --- the end


def test_it_lives_until_its_limits_and_not_a_moment_longer() -> None:
    """SE-05, SE-06"""
    made = record(created=NOW)[1]
    assert made.over(NOW + IDLE - 0.001) is None
    assert made.over(NOW + IDLE) is Over.IDLE
    assert made.over(NOW + DAY) is Over.EXPIRED
    assert record(created=NOW, inactivity=0)[1].over(NOW + DAY - 0.001) is None


@given(RECORDS, TIMES, TIMES)
def test_a_clock_that_runs_back_revives_nothing(made: Record, one: float, other: float) -> None:
    """SE-21"""
    early, late = sorted((one, other))
    if made.over(early) is not None:
        assert made.over(late) is not None
    assert made.over(early) == made.over(max(early, made.seen))


@pytest.mark.parametrize("reason", LASTING)
def test_a_tombstone_says_why_for_as_long_as_it_stands(reason: Over) -> None:
    raw = tombstone(reason, NOW + 60)
    assert is_tombstone(raw)
    assert opened("s", raw, NOW + 59.9) == Ended(reason)
    assert opened("s", raw, NOW + 60) is None
    assert not forgotten(raw, NOW + 59.9)
    assert forgotten(raw, NOW + 60)
    assert sound("s", raw) is None


@pytest.mark.parametrize("reason", [Over.UNKNOWN, Over.ROTATED, Over.FORGED, Over.AMBIGUOUS])
def test_what_is_said_of_an_id_alone_is_never_written(reason: Over) -> None:
    with pytest.raises(KeyError):
        tombstone(reason, NOW)


@given(st.sampled_from(LASTING), st.data())
def test_one_flipped_bit_of_a_tombstone_brings_no_session_back(reason: Over, data: st.DataObject) -> None:
    """SE-08"""
    raw = bytearray(tombstone(reason, NOW + 60))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    found: Any = opened("s", bytes(raw), NOW)
    assert found is None or isinstance(found, Ended)


def test_nothing_is_nothing() -> None:
    assert opened("s", None, NOW) is None


def test_a_store_may_remove_what_is_over_and_nothing_that_lives() -> None:
    """SE-11"""
    made = record(created=NOW)[1]
    assert not is_tombstone(made.pack())
    assert not forgotten(made.pack(), NOW + IDLE - 1)
    assert forgotten(made.pack(), NOW + IDLE)

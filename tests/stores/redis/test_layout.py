"""How things lie in Redis: nothing is taken for what it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.sessions import codec
from secmw.sessions.record import FOREVER, Ended, Over, Record, forgotten, tombstone
from secmw.stores.redis.layout import Entry, Index, Keys, found, index, kept, lasting, over, sealed, taken
from secmw.stores.rules import NEVER

NOW = 1_750_000_000.0


def record(**more: float) -> Record:
    times = {"seen": NOW, "expires": NOW + 100, "idle_until": NOW + 50, **more}
    data = codec.join({"cart": codec.encode("cart", [1, 2])})
    return Record("s", 3, NOW, times["seen"], times["expires"], times["idle_until"], 50, bytes(32), data)


@given(st.integers(0), st.integers(1, 255))
def test_a_record_with_any_other_byte_is_none(place: int, flipped: int) -> None:
    """SE-14"""
    raw = bytearray(sealed(record()))
    raw[place % len(raw)] ^= flipped
    assert found("s", bytes(raw), NOW) == Ended(Over.UNREADABLE)


def test_a_record_of_any_other_length_is_none() -> None:
    """SE-14"""
    raw = sealed(record())
    assert found("s", raw, NOW) == record()
    for length in range(len(raw)):
        assert found("s", raw[:length], NOW) == Ended(Over.UNREADABLE)
    assert found("s", raw + b"\0", NOW) == Ended(Over.UNREADABLE)
    assert found("s", record().pack(), NOW) == Ended(Over.UNREADABLE)
    assert found("s", None, NOW) is None


def test_a_tombstone_is_what_it_is_everywhere() -> None:
    stone = tombstone(Over.REVOKED, NOW + 60)
    assert found("s", stone, NOW) == Ended(Over.REVOKED)
    assert found("s", stone, NOW + 60) is None
    assert found("s", stone[:-1], NOW) == found("s", stone + b"0", NOW) == Ended(Over.UNREADABLE)


@pytest.mark.parametrize("seconds", [-1_000, 0, 49, 50, 59, 60, 100, 1_000])
def test_what_may_go_is_told_from_the_head_alone(seconds: float) -> None:
    """SE-11, SE-21"""
    for one in (record(), record(seen=NOW + 70), record(idle_until=FOREVER), record(expires=FOREVER)):
        assert over(b"s", sealed(one)[:78], NOW + seconds) is forgotten(one.pack(), NOW + seconds)
    stone = tombstone(Over.REVOKED, NOW + 60)
    assert over(b"s", stone, NOW + seconds) is forgotten(stone, NOW + seconds)
    assert over(b"v", kept(b"value", NOW + 60), NOW + seconds) is (seconds >= 60)


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x01\x01", b"{}", b"\x02\x01" + bytes(90)])
def test_what_is_unreadable_is_left_to_its_time(raw: bytes) -> None:
    assert not any(over(kind, raw, NOW * 2) for kind in (b"s", b"x"))
    assert not any(over(kind, raw[:7], NOW * 2) for kind in (b"v", b"c", b"l"))


def test_a_value_is_taken_until_its_time() -> None:
    assert taken(kept(b"value", NOW), NOW - 0.001) == b"value"
    assert taken(kept(b"value", NOW), NOW) is None
    assert taken(b"short", NOW) is taken(None, NOW) is None


def test_no_two_things_have_one_key() -> None:
    """SE-17"""
    keys = Keys("p:")
    texts = ["", "a", ":", "1:", "a:b", "1:a", "é", "\ud800", "{x}", "*"]
    made = [keys.session(one) for one in texts] + [keys.user(one) for one in texts]
    made += [make(one, other) for make in (keys.value, keys.counter) for one in texts for other in texts]
    made += [keys.lease(one) for one in texts]
    assert len(set(made)) == len(made)
    assert [keys.kind(keys.session(one)) for one in texts] == [(b"s", one) for one in texts]
    assert [keys.kind(keys.user(one)) for one in texts] == [(b"u", one) for one in texts]


def test_a_prefix_is_no_pattern() -> None:
    assert Keys("a*[b]?").pattern == rb"a\*\[b\]\??:*"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, b"300000"), (-5.0, b"300000"), (0.0001, b"300001"), (FOREVER, b"4503599627370496")],
)
def test_redis_keeps_what_is_over_for_a_while(seconds: float, told: bytes) -> None:
    assert lasting(seconds) == told


def test_an_index_is_in_the_order_of_arrival() -> None:
    import struct

    def entry(order: float) -> bytes:
        return struct.pack("<dddd", NOW - order, NOW + 9, 5.0, order)

    ends = struct.pack("<ddd", 2, NOW, NOW - 1)
    flat = [b"sb", entry(3), b"g", ends, b"sa", entry(2), b"v", b"3", b"sc", b"?", b"x", b"y"]
    told = index([b"6.000001", flat])
    assert told == Index(
        (2, NOW, NOW - 1),  # type: ignore[arg-type] # it is one
        ends,
        b"3",
        6.000001,
        [Entry("a", NOW - 2, NOW + 9, 5.0, 2.0), Entry("b", NOW - 3, NOW + 9, 5.0, 3.0)],
    )
    assert told.pending(told.entries[0])
    assert not told._replace(now=11.0).pending(told.entries[0])
    assert index([b"6.0", []]) == Index(NEVER, b"", b"", 6.0, [])
    stub = told.entries[0].stub("jane")
    assert (stub.user_id, stub.identity.authenticated, stub.expires) == ("jane", NOW - 2, NOW + 9)

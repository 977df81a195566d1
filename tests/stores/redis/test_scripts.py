"""What Redis itself runs does to the byte what the rules say; searched with hypothesis."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secmw.sessions import codec
from secmw.sessions.identifier import digest
from secmw.sessions.record import FOREVER, Identity, Over, Record, is_tombstone, unpacked, written
from secmw.sessions.writes import End, Rotate, Swap, Touch, Update, Write, Written, apply
from secmw.stores.redis import pool, scripts
from secmw.stores.redis.layout import sealed
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock
from tests.services.redis import RedisServer

pytestmark = pytest.mark.server

NAME = "0" * 22
KEY = b"secmw:s:" + NAME.encode()
NOW = 1_750_000_000.0

_digests = st.sampled_from([digest(f"{number}") for number in range(3)])
_times = st.sampled_from([0.0, 0.1, 1.0, 4.0, 9.9, 10.0, 60.0, 3_600.0, -0.3, -5.0, -1_000.0])
_leaves: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.sampled_from(
        [
            *(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1), dt.time(1, 2), UUID(int=5)),
            *(Decimal("9.90"), "x" * 300, b"x" * 70_000, "é" * 40_000, Decimal("1" * 300)),
        ]
    )
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=5), inner, max_size=20),
    max_leaves=30,
)
_names = st.sampled_from("abcdefghijklmnopqrst") | st.text(max_size=3) | st.just("long" * 20)
_datas = st.dictionaries(_names, _values, max_size=20).map(
    lambda values: codec.join({name: codec.encode(name, value) for name, value in values.items()})
)
_written = _values.map(lambda value: codec.encode("x", value))
_owners = st.builds(
    Identity,
    user_id=st.none() | st.sampled_from(["jane", "joe"]),
    authenticated=_times.map(lambda time: NOW + time),
    sudo=st.none() | st.just((NOW, NOW + 5.0)),
    replaced=st.lists(st.tuples(_digests, _times.map(lambda time: NOW + time)), max_size=3).map(tuple),
    closes=st.sampled_from([0.0, NOW]),
).map(written)
_records = st.builds(
    Record,
    selector=st.just(NAME),
    revision=st.sampled_from([0, 1, 2**31, 2**32 - 1]),
    created=st.just(NOW),
    seen=_times.map(lambda time: NOW + time),
    expires=st.sampled_from([NOW, NOW + 5.0, NOW + 86_400.3, FOREVER]),
    idle_until=st.sampled_from([NOW + 4.0, NOW + 3_600.7, FOREVER]),
    inactivity=st.sampled_from([0, 1, 3_600, 2**32 - 1]),
    verifier=_digests,
    data=_datas,
    owner=_owners,
)


def _at(more: float) -> float:
    return NOW + more


_ats = _times.map(_at)
_writes: st.SearchStrategy[Write] = st.one_of(
    st.builds(Touch, selector=st.just(NAME), at=_ats),
    st.builds(
        Update,
        selector=st.just(NAME),
        at=_ats,
        changes=st.dictionaries(_names, st.none() | _written, max_size=5),
        expected=st.dictionaries(_names, st.none() | _written, max_size=1),
        limit=st.sampled_from([0, 50, 16_384]),
        overhead=st.sampled_from([0, 1, 40]),
        drop_sudo=st.booleans(),
    ),
    st.builds(
        Rotate,
        selector=st.just(NAME),
        at=_ats,
        presented=_digests,
        verifier=_digests,
        grace=st.sampled_from([0.0, 10.0]),
        sudo=st.none() | _ats,
        close=st.booleans(),
    ),
    # The search makes most of them of what is there by then.
    st.builds(Swap, at=_ats, before=_records, after=_records),
    st.builds(End, selector=st.just(NAME), at=_ats, reason=st.sampled_from(list(Over)[:7])),
)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is larger than any session, and the machine may be busy."""
    monkeypatch.setattr(pool, "ANSWER", 20.0)


def _ours(raw: bytes | None) -> bytes | None:
    """Return what is kept where the rules say this."""
    if raw is None or is_tombstone(raw):
        return raw
    return sealed(unpacked(NAME, raw))


def test_a_script_does_to_the_byte_what_the_rules_say(redis: RedisServer) -> None:
    """SE-23, SE-09: any writes to any record, in any order."""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))

    @settings(suppress_health_check=list(HealthCheck), deadline=None)
    @given(_records, st.lists(_writes, min_size=1, max_size=8))
    def search(record: Record, writes: list[Write]) -> None:
        raw = record.pack()
        redis.ask("SET", KEY, sealed(record))
        for write in writes:
            if isinstance(write, Swap) and not is_tombstone(raw) and write.before.seen != NOW:
                write = dataclasses.replace(write, before=unpacked(NAME, raw))  # noqa: PLW2901 - it is still that write
            new, expected = apply(raw, write)
            raw = raw if new is None else new
            outcome = store.write(write)
            if isinstance(expected, Written):
                assert isinstance(outcome, Written)
                # A revision has 32 bits.
                assert outcome.record.pack() == expected.record.pack()
            else:
                assert outcome == expected
            assert redis.ask("GET", KEY) == _ours(raw)

    search()
    store.close()


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(st.dictionaries(_names, _values, max_size=40))
def test_values_of_every_type_are_spliced_unread(redis: RedisServer, values: dict[str, Any]) -> None:
    """SE-09, SE-13"""
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    record = Record(NAME, 0, NOW, NOW, NOW + 9, FOREVER, 0, bytes(32), codec.EMPTY)
    redis.ask("SET", KEY, sealed(record))
    changes: dict[str, bytes | None] = {name: codec.encode(name, value) for name, value in values.items()}
    outcome = store.write(Update(selector=NAME, at=NOW, changes=changes, limit=10**9))
    assert isinstance(outcome, Written)
    assert codec.split(outcome.record.data).keys() == values.keys()
    gone = store.write(Update(selector=NAME, at=NOW, changes=dict.fromkeys(values)))
    assert isinstance(gone, Written)
    assert gone.record.data == codec.EMPTY
    store.close()


def test_a_session_may_have_more_names_than_fit_a_short_header(redis: RedisServer) -> None:
    store = RedisStore(redis.url, clock=FrozenClock(NOW))
    record = Record(NAME, 0, NOW, NOW, NOW + 9, FOREVER, 0, bytes(32), codec.EMPTY)
    redis.ask("SET", KEY, sealed(record))
    raw = record.pack()
    for first in (0, 10, 100, 70_000):
        changes: dict[str, bytes | None] = {f"n{number}": b"\x01" for number in range(first, first + 1_000)}
        write = Update(selector=NAME, at=NOW, changes=changes, limit=10**9)
        new, expected = apply(raw, write)
        assert new is not None
        raw = new
        assert store.write(write) == expected
    big: dict[str, bytes] = {f"{number}": b"\xc0" for number in range(66_000)}
    record = Record(NAME, 0, NOW, NOW, NOW + 9, FOREVER, 0, bytes(32), codec.join(big))
    redis.ask("SET", KEY, sealed(record))
    write = Update(selector=NAME, at=NOW, changes={"5": b"\x05", "new": b"\x01"}, limit=10**9)
    assert store.write(write) == apply(record.pack(), write)[1]
    store.close()


def test_what_has_been_removed_is_asked_in_full() -> None:
    command = scripts.TOUCH.call(b"key", b"1")
    assert command == (b"EVALSHA", scripts.TOUCH.digest, b"1", b"key", b"1")
    in_full = scripts.in_full(command)
    assert (in_full[0], in_full[2:]) == (b"EVAL", (b"1", b"key", b"1"))
    assert b"-- KEYS: session. ARGV: at, margin." in in_full[1]


def test_every_script_is_known_by_its_name() -> None:
    made = [value for value in vars(scripts).values() if isinstance(value, scripts.Script)]
    assert len({script.digest for script in made}) == len(made) == len(scripts.TEXTS)

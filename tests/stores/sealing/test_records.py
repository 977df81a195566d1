"""Sealed records: to the store they are records like any other, to us what was sealed, and to anybody else noise."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.sealer import Sealer, Unopened
from secmw.sessions import codec
from secmw.sessions.record import FOREVER, Identity, Record, opened, written
from secmw.sessions.writes import Update, Written, apply
from secmw.stores.sealing import records
from secmw.stores.sealing.records import EXTRA, Seals

KEY, OLD, NAMES = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
SEALS = Seals(Sealer([KEY, OLD]), NAMES)
OLDER = Seals(Sealer([OLD]), NAMES)
NOW = 1_750_000_000.0
NAME = "0" * 22

_times = st.sampled_from([-5.0, 0.0, 0.1, 60.0, 3_000.0]).map(lambda time: NOW + time)
_values = st.none() | st.integers(0, 300) | st.text(max_size=300) | st.binary(max_size=3)
_names = st.sampled_from("abc") | st.text(max_size=3) | st.just("activity")
_owners = st.builds(
    Identity,
    user_id=st.none() | st.text(max_size=5),
    description=st.text(max_size=5),
    authenticated=_times,
    address=st.just("192.0.2.1"),
    sudo=st.none() | st.just((NOW, NOW + 300)),
).map(written)
_records = st.builds(
    Record,
    selector=st.just(NAME) | st.text(max_size=5),
    revision=st.integers(0, 5),
    created=_times,
    seen=_times,
    expires=st.sampled_from([NOW + 4_000.0, NOW + 86_400.0, FOREVER]),
    idle_until=st.sampled_from([NOW + 3_600.0, FOREVER]),
    inactivity=st.sampled_from([0, 3_600]),
    verifier=st.binary(min_size=32, max_size=32),
    data=st.dictionaries(_names, _values, max_size=5).map(
        lambda values: codec.join({name: codec.encode(name, value) for name, value in values.items()})
    ),
    owner=_owners,
)


def made(**values: Any) -> Record:
    owner = written(Identity("jane.doe", "Jane Doe", NOW, "192.0.2.1", "Firefox", sudo=(NOW, NOW + 300)))
    data = codec.join({name: codec.encode(name, value) for name, value in values.items()})
    return Record(NAME, 3, NOW - 9, NOW, NOW + 86_400, NOW + 3_600, 3_600, b"v" * 32, data, owner)


@given(_records)
def test_what_is_sealed_opens_as_it_was(record: Record) -> None:
    sealed = SEALS.seal(record)
    kept = opened(record.selector, sealed.pack(), NOW)
    assert isinstance(kept, Record)
    assert SEALS.open(kept) == record


@given(_records.map(lambda record: msgspec.structs.replace(record, selector=NAME)), st.data())
def test_a_store_merges_what_it_does_not_understand(record: Record, data: st.DataObject) -> None:
    """SE-09, SE-13: as it does what it might read, with the same limit; searched with hypothesis"""
    plain, sealed = record.pack(), SEALS.seal(record).pack()
    at = record.seen
    for _ in range(data.draw(st.integers(1, 5))):
        # Of clocks that go back, the next test tells.
        at += data.draw(st.sampled_from([0.0, 1.0, 100.0]))
        changes = data.draw(st.dictionaries(_names, st.none() | _values, max_size=3))
        update = Update(
            selector=NAME,
            at=at,
            changes={
                name: None if value is None else codec.encode(name, value) for name, value in changes.items()
            },
            limit=data.draw(st.sampled_from([10, 50, 300, 16_384])),
        )
        new, expected = apply(plain, update)
        after, outcome = apply(sealed, SEALS.update(update))
        plain, sealed = new or plain, after or sealed
        if isinstance(expected, Written):
            assert isinstance(outcome, Written)
            assert SEALS.open(outcome.record) == expected.record
        else:
            assert outcome == expected


def test_a_clock_that_was_set_back_shortens_an_idle_limit_and_never_lengthens_it() -> None:
    """SE-21: and last seen does not go back"""
    sealed: bytes | None = SEALS.seal(made()).pack()
    for at in (NOW + 100, NOW + 50):
        sealed, _ = apply(sealed, SEALS.update(Update(selector=NAME, at=at, changes={})))
    found = opened(NAME, sealed, NOW)
    assert isinstance(found, Record)
    record = SEALS.open(found)
    assert (record.seen, record.idle_until) == (NOW + 100, NOW + 50 + 3_600)


def test_a_sealed_value_takes_so_many_bytes_more() -> None:
    """SE-13: which do not count towards the limit"""
    one = SEALS.seal(made(a=1))
    for value in (None, "x" * 10, "x" * 300, "x" * 70_000):
        both = SEALS.seal(made(a=1, b=value))
        plain = len(made(a=1, b=value).data) - len(made(a=1).data)
        assert len(both.data) - len(one.data) == plain + EXTRA
    grown = apply(one.pack(), SEALS.update(Update(selector=NAME, at=NOW, changes={})))[1]
    assert isinstance(grown, Written)
    assert len(grown.record.data) - len(one.data) == EXTRA


def test_a_session_may_have_any_number_of_values() -> None:
    for count in (0, 15, 16, 300):
        record = made(**{f"name{number}": number for number in range(count)})
        assert SEALS.open(SEALS.seal(record)) == record
    many = {f"{number}": b"\x01" for number in range(1 << 16)}
    parts = [msgspec.msgpack.encode(name) + value for name, value in many.items()]
    assert records._joined(parts) == codec.join(many)


# --- who reads


def test_nothing_of_it_can_be_read() -> None:
    """SE-17: not a value, not a name, not whose it is; and the same thing twice does not look the same"""
    record = made(cart="a secret", salary=90_000)
    raw = SEALS.seal(record).pack()
    for secret in (b"a secret", b"cart", b"salary", b"jane", b"Jane", b"192.0.2.1", b"Firefox", b"v" * 32):
        assert secret in record.pack()
        assert secret not in raw
    other = SEALS.seal(msgspec.structs.replace(record, selector="1" * 22))
    same = SEALS.seal(record)
    assert not set(codec.split(other.data)) & set(codec.split(same.data))
    assert SEALS.seal(record).owner != same.owner


# --- who writes


def with_activity() -> Record:
    _, outcome = apply(
        SEALS.seal(made(cart=[1], theme="dark")).pack(),
        SEALS.update(Update(selector=NAME, at=NOW + 1, changes={})),
    )
    assert isinstance(outcome, Written)
    return outcome.record


def test_whichever_bit_is_turned_it_opens_as_it_was_or_not_at_all() -> None:
    """SE-14: what was not sealed so is never taken for a session"""
    sealed = with_activity()
    plain = SEALS.open(sealed)
    refused = 0
    for field in ("data", "owner"):
        raw = getattr(sealed, field)
        for place in range(len(raw)):
            for bit in (1, 128):
                turned = raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :]
                try:
                    found = SEALS.open(msgspec.structs.replace(sealed, **{field: turned}))
                except Unopened:
                    refused += 1
                else:
                    assert found == plain
    assert refused > 2 * (len(sealed.data) + len(sealed.owner)) - 60


def test_no_box_opens_in_another_place() -> None:
    """Neither in another session nor under another name, nor as another part"""
    here = with_activity()
    there = SEALS.seal(msgspec.structs.replace(made(cart=[2]), selector="1" * 22))
    values = {name: bytes(value) for name, value in codec.split(here.data).items()}
    first, second, activity = values
    wrong = [
        msgspec.structs.replace(here, owner=there.owner),
        msgspec.structs.replace(here, data=there.data),
        msgspec.structs.replace(here, selector=there.selector),
        msgspec.structs.replace(here, data=codec.join({**values, first: values[second]})),
        msgspec.structs.replace(here, data=codec.join({**values, first: values[activity]})),
        msgspec.structs.replace(here, data=codec.join({**values, activity: values[first]})),
        msgspec.structs.replace(here, data=codec.join({**values, "new": values[first]})),
    ]
    for record in wrong:
        with pytest.raises(Unopened):
            SEALS.open(record)


def test_nothing_that_was_not_sealed_is_a_session() -> None:
    """A record as a store without seals keeps it, above all"""
    sealed = SEALS.seal(made(cart=1))
    for owner in (made().owner, b"", b"\x90", b"\xff", b"x" * 300):
        with pytest.raises(Unopened):
            SEALS.open(msgspec.structs.replace(sealed, owner=owner))
    for data in (made(cart=1).data, b"", b"\xff", codec.join({"a": b"\x81\xa1a\x01"})):
        with pytest.raises(Unopened):
            SEALS.open(msgspec.structs.replace(sealed, data=data))


@pytest.mark.parametrize("field", ["user_id", "authenticated"])
def test_a_session_can_not_be_given_to_another_user(field: str) -> None:
    """SE-15: what the store lists it by is sealed with it"""
    sealed = SEALS.seal(made())
    owner = msgspec.msgpack.decode(sealed.owner)
    place = Identity.__struct_fields__.index(field)
    owner[place] = SEALS.user("joe") if field == "user_id" else NOW - 1
    with pytest.raises(Unopened):
        SEALS.open(msgspec.structs.replace(sealed, owner=msgspec.msgpack.encode(owner)))


def test_no_time_in_clear_lengthens_a_life() -> None:
    """SE-05, SE-06"""
    sealed = with_activity()
    plain = SEALS.open(sealed)
    longer = msgspec.structs.replace(sealed, expires=math.inf, idle_until=math.inf, inactivity=0, seen=0.0)
    found = SEALS.open(longer)
    assert (found.expires, found.idle_until) == (plain.expires, plain.idle_until)
    assert (found.inactivity, found.seen, found.created) == (plain.inactivity, plain.seen, plain.created)
    shorter = SEALS.open(msgspec.structs.replace(sealed, expires=NOW + 2, idle_until=NOW + 3))
    assert (shorter.expires, shorter.idle_until) == (NOW + 2, NOW + 3)


def test_without_its_activity_a_session_is_over_sooner() -> None:
    """SE-06: taking a box away takes what it gave"""
    sealed = with_activity()
    values = {name: value for name, value in codec.split(sealed.data).items() if name != "activity"}
    found = SEALS.open(msgspec.structs.replace(sealed, data=codec.join(values)))
    assert found.idle_until == NOW + 3_600 < SEALS.open(sealed).idle_until


# --- keys


def test_a_record_is_stale_while_any_of_it_is_sealed_by_an_older_key() -> None:
    """SE-20"""
    old = OLDER.seal(made(cart=1))
    assert SEALS.open(old) == made(cart=1)
    assert SEALS.stale(old)
    _, outcome = apply(old.pack(), SEALS.update(Update(selector=NAME, at=NOW, changes={"cart": b"\x02"})))
    assert isinstance(outcome, Written)
    assert SEALS.stale(outcome.record)
    assert not SEALS.stale(SEALS.seal(SEALS.open(outcome.record)))
    assert not OLDER.stale(old)


def test_aliases_do_not_change_with_the_keys_that_seal() -> None:
    """SE-15, SE-20"""
    assert SEALS.user("jane") == OLDER.user("jane") != SEALS.user("joe")
    assert SEALS.user(None) is None
    assert SEALS.key(b"value", "a", "b") == OLDER.key(b"value", "a", "b")
    assert len({SEALS.key(*one) for one in ((b"v", "a", "bc"), (b"v", "ab", "c"), (b"c", "a", "bc"))}) == 3


def test_under_another_key_of_aliases_nothing_opens() -> None:
    """For nothing would be found in its place"""
    other = Seals(Sealer([KEY, OLD]), OLD)
    for record in (made(cart=1), msgspec.structs.replace(made(cart=1), owner=b"")):
        with pytest.raises(Unopened):
            other.open(SEALS.seal(record))


# --- values


def test_a_value_comes_back_with_its_time_and_in_its_place_alone() -> None:
    alias = SEALS.key(b"value", "space", "key")
    box = SEALS.put("space", alias, NOW, b"value")
    assert b"value" not in box
    assert SEALS.taken("space", alias, box) == (NOW, b"value")
    for space, name in (("other", alias), ("space", SEALS.key(b"value", "space", "other"))):
        with pytest.raises(Unopened):
            SEALS.taken(space, name, box)

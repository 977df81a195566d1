"""How values are kept: what goes in comes out, everything else is an error that names its place, and nothing runs."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import math
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.errors import SessionError
from secmw.sessions import codec

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Whole seconds: CPython's fromisoformat reads an offset of less than one as none, and no clock on earth has such.
ZONES = st.none() | st.integers(-23 * 3600, 23 * 3600).map(
    lambda seconds: dt.timezone(dt.timedelta(seconds=seconds))
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    TEXT,
    st.binary(max_size=20),
)
WRITTEN = st.one_of(
    st.datetimes(timezones=ZONES),
    st.dates(),
    st.times(),
    st.uuids(),
    st.decimals(allow_nan=False),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN | WRITTEN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXT, inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


def read_back(value: Any) -> Any:
    """Say how a value comes back: tuples as lists."""
    if isinstance(value, list | tuple):
        return [read_back(item) for item in value]
    if isinstance(value, dict):
        return {name: read_back(item) for name, item in value.items()}
    return value


def types_in(value: Any) -> set[type]:
    found: set[type] = {type(value)}
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found |= types_in(item)
    return found


# --- changed without being read


@given(
    st.dictionaries(TEXT, PLAIN, max_size=20),
    st.dictionaries(TEXT, st.none() | PLAIN.map(lambda value: codec.encode("x", value)), max_size=20),
)
def test_changes_come_to_what_they_say_and_to_no_more_than_was_foreseen(
    values: dict[str, Any], changes: dict[str, bytes | None]
) -> None:
    """SE-13"""
    data = codec.join({name: codec.encode(name, value) for name, value in values.items()})
    after = codec.rejoin(codec.changed(codec.split(data), changes))
    kept = {name: value for name, value in values.items() if name not in changes}
    new = {name: codec.decode_value(value) for name, value in changes.items() if value is not None}
    assert codec.decode(after) == kept | new
    assert len(after) <= codec.most(data, changes)


# --- has it changed?


@given(VALUES, VALUES)
def test_values_with_the_same_snapshot_are_written_alike(one: Any, other: Any) -> None:
    """SE-10"""
    assert codec.snapshot("x", copy.deepcopy(one)) == codec.snapshot("x", one)
    if codec.snapshot("x", one) == codec.snapshot("x", other):
        assert codec.encode("x", one) == codec.encode("x", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], [True]),
        ([1], [1.0]),
        ([0.0], [-0.0]),
        ([dt.date(2026, 11, 22)], ["2026-11-22"]),
        ([Decimal("1.0")], [Decimal("1.00")]),
        ([b"a"], ["a"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([[], 1], [[1]]),
        ([None], [False]),
    ],
)
def test_values_that_are_written_otherwise_have_other_snapshots(one: Any, other: Any) -> None:
    assert codec.encode("x", one) != codec.encode("x", other)
    assert codec.snapshot("x", one) != codec.snapshot("x", other)


def test_a_snapshot_does_not_tell_who_else_holds_on_to_a_value() -> None:
    text, inner = "".join(["a", "b"]), [1.5]
    alone = codec.snapshot("x", ["".join(["a", "b"]), [1.5], [1.5]])
    holders = [text] * 9
    assert codec.snapshot("x", [text, inner, inner]) == alone
    assert holders


# --- what goes in comes out


@given(VALUES)
def test_every_value_comes_back_as_it_went_in(value: Any) -> None:
    """SE-13"""
    back = codec.decode_value(codec.encode("x", value))
    assert back == read_back(value)
    assert types_in(back) == types_in(read_back(value))


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_a_whole_session_comes_back_name_by_name(values: dict[str, Any]) -> None:
    data = codec.join({name: codec.encode(name, value) for name, value in values.items()})
    assert codec.decode(data) == read_back(values)
    parts = codec.split(data)
    assert {name: codec.decode_value(bytes(raw)) for name, raw in parts.items()} == read_back(values)
    assert codec.join(parts) == data


@given(VALUES)
def test_the_same_value_is_always_the_same_bytes(value: Any) -> None:
    """Whether a value was changed in place is seen by writing it again."""
    assert codec.encode("x", value) == codec.encode("x", value)


def test_a_time_keeps_its_offset_and_what_is_no_number_stays_none() -> None:
    summer = dt.datetime(2026, 7, 1, 12, 0, 0, 123456, dt.timezone(dt.timedelta(hours=2)))
    back = codec.decode_value(codec.encode("x", summer))
    assert back.utcoffset() == dt.timedelta(hours=2)
    assert math.isnan(codec.decode_value(codec.encode("x", math.nan)))
    assert codec.decode_value(codec.encode("x", Decimal("NaN"))).is_nan()
    assert str(codec.decode_value(codec.encode("x", Decimal("9.90")))) == "9.90"


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Markup(str):
    """Stand for a template engine's text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "not what it says"


class Ratio(float):
    """Stand for another library's number."""


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Markup("<b>"), "<b>"),
        (Ratio(0.5), 0.5),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
        ({Colour.RED: Colour.RED}, {"red": "red"}),
        ((), []),
    ],
    ids=["text enum", "int enum", "markup", "ratio", "ordered", "proxy", "key", "tuple"],
)
def test_what_is_nearly_a_type_of_ours_is_kept_as_what_it_says(value: Any, kept: Any) -> None:
    back = codec.decode_value(codec.encode("x", value))
    assert back == kept
    assert type(back) is type(kept)


# --- everything else is an error that names its place


class Thing:
    """What an application might put there by mistake."""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Thing(), r"session\[x\] can't be kept: Thing is none of"),
        ({1, 2}, r"session\[x\] can't be kept: set is none of"),
        (bytearray(b"x"), "bytearray is none of"),
        (1 + 2j, "complex is none of"),
        (len, "builtin_function_or_method is none of"),
        (Thing, "type is none of"),
        ([1, {"a": (None, Thing())}], r"session\[x\[1\]\['a'\]\[1\]\] can't be kept"),
        ({"a": {2: 1}}, r"session\[x\['a'\]\] can't be kept: the key 2 is not text"),
        ({None: 1}, "the key None is not text"),
        (2**64, r"between -2\*\*63 and 2\*\*64 - 1"),
        (-(2**63) - 1, "keep it as text"),
        ("\ud800", "lone surrogates"),
        ({"\ud800": 1}, "lone surrogates"),
        (dt.timedelta(1), "timedelta is none of"),
    ],
)
def test_what_can_not_be_kept_is_an_error_that_names_its_place(value: Any, said: str) -> None:
    """SE-13"""
    with pytest.raises(SessionError, match=said):
        codec.encode("x", value)


@given(st.recursive(st.builds(Thing), lambda inner: st.lists(inner | PLAIN, min_size=1, max_size=3)))
def test_no_wrong_type_is_kept_however_deep_it_lies(value: Any) -> None:
    def wrong(found: Any) -> bool:
        return any(map(wrong, found)) if isinstance(found, list) else isinstance(found, Thing)

    if wrong(value):
        with pytest.raises(SessionError):
            codec.encode("x", value)
    else:
        assert codec.decode_value(codec.encode("x", value)) == value


def test_what_is_nested_in_itself_is_an_error_and_no_crash() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(SessionError, match="nested more than 64 deep, or in itself"):
        codec.encode("x", endless)
    deep: Any = 1
    for _ in range(64):
        deep = [deep]
    assert codec.decode_value(codec.encode("x", deep)) == deep
    with pytest.raises(SessionError, match="nested more than 64 deep"):
        codec.encode("x", [[deep]])


# --- what is stored never runs


@given(st.binary(max_size=200))
def test_any_bytes_are_values_of_our_types_or_an_error(data: bytes) -> None:
    """SE-13"""
    for read in (codec.decode, codec.decode_value, codec.split):
        try:
            found = read(data)
        except ValueError:
            continue
        assert read is codec.decode_value or isinstance(found, Mapping)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        pickle.dumps({"a": 1}),
        b'{"a": 1}',
        b"\x91" * 100_000,
        b"\x81\xa1a" + b"\x91" * 100_000,
        b"\x81\xa1a\xdd\xff\xff\xff\xff",
        b"\x81\xa1a\xc6\xff\xff\xff\xff",
        b"\x81\x01\x01",
        b"\x81\xa1a\xc7\x01\x06x",
        b"\x81\xa1a\xc7\x01\x01x",
        b"\x81\xa1a\xc7\x01\x05x",
        b"\x81\xa1a\xc7\x01\x05\xff",
        b"\x81\xa1a\xd7\xff" + b"\xff" * 8,
        b"\x80\x80",
    ],
)
def test_what_we_have_not_written_is_a_value_error(data: bytes) -> None:
    """SE-13, SE-14"""
    with pytest.raises(ValueError):
        codec.decode(data)


@pytest.mark.parametrize("data", [b"", b"\x91" * 100_000, b"\xc7\x01\x06x", b"\xc7\x01\x04x"])
def test_a_value_we_have_not_written_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        codec.decode_value(data)


def test_a_pickle_in_the_place_of_text_stays_text() -> None:
    """CVE-style payloads: a reducer is data here."""

    class Bomb:
        def __reduce__(self) -> Any:
            return (exec, ("raise SystemExit",))

    payload = pickle.dumps(Bomb())
    assert codec.decode(codec.join({"a": codec.encode("a", payload)})) == {"a": payload}
    with pytest.raises(SessionError):
        codec.encode("a", Bomb())


def test_each_type_has_its_code_forever() -> None:
    """A code in a record that was written years ago means what it meant then."""
    values = {
        1: dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC),
        2: dt.date(2026, 1, 2),
        3: dt.time(3, 4),
        4: UUID(int=7),
        5: Decimal("1.0"),
    }
    for code, value in values.items():
        raw = msgspec.msgpack.decode(codec.encode("x", value))
        assert raw.code == code
        assert codec.decode_value(codec.encode("x", value)) == value

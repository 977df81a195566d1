"""The values of a session: a mapping that knows what this request changed."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from secmw.errors import SessionError
from secmw.sessions import codec
from secmw.sessions.rules import Rules
from secmw.sessions.session import Session, remembered
from tests.sessions.making import NOW, nobody, record, rules, session

NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text("xy", max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("kl", max_size=1), inner, max_size=2),
    max_leaves=5,
)
DATA = st.dictionaries(NAMES, VALUES, max_size=4)
#: What equals a value and is another one.
EQUAL: Final = {"1": True, "True": 1.0, "1.0": 1, "0": False, "False": 0.0, "0.0": -0.0, "-0.0": 0}


def merged(before: dict[str, Any], changes: dict[str, bytes | None]) -> dict[str, Any]:
    """Say what a store makes of the changes."""
    values = dict(before)
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = codec.decode_value(value)
    return values


def as_written(values: dict[str, Any]) -> dict[str, bytes]:
    return {name: codec.encode(name, value) for name, value in values.items()}


class Mapping(RuleBasedStateMachine):
    """Do to a session and to a dict the same, and compare what is left in the store."""

    lent: Any = Bundle("lent")

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, Any] = {}
        self.model: dict[str, Any] = {}
        self.session: Session = nobody()

    @initialize(data=DATA)
    def begin(self, data: dict[str, Any]) -> None:
        self.before, self.model = copy.deepcopy(data), copy.deepcopy(data)
        self.session = session("ann", data)

    @rule(name=NAMES, value=VALUES)
    def put(self, name: str, value: Any) -> None:
        self.session[name] = copy.deepcopy(value)
        self.model[name] = copy.deepcopy(value)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        assert (name in self.session) is (name in self.model)
        if name in self.model:
            del self.session[name]
            del self.model[name]
        else:
            with pytest.raises(KeyError):
                del self.session[name]

    @rule(name=NAMES, value=VALUES)
    def update(self, name: str, value: Any) -> None:
        self.session.update({name: copy.deepcopy(value)})
        self.model.update({name: copy.deepcopy(value)})

    @rule(name=NAMES, value=VALUES)
    def setdefault(self, name: str, value: Any) -> None:
        got = self.session.setdefault(name, copy.deepcopy(value))
        wanted = self.model.setdefault(name, copy.deepcopy(value))
        assert got == wanted
        if isinstance(got, list):
            got.append("more")
            wanted.append("more")

    @rule(name=NAMES)
    def pop(self, name: str) -> None:
        assert self.session.pop(name, "none") == self.model.pop(name, "none")

    @rule()
    def clear(self) -> None:
        self.session.clear()
        self.model.clear()

    @rule(target=lent, name=NAMES)
    def read(self, name: str) -> tuple[Any, Any]:
        got, wanted = self.session.get(name), self.model.get(name)
        assert got == wanted
        return got, wanted

    @rule(pair=consumes(lent), value=SCALARS)
    def change_in_place(self, pair: tuple[Any, Any], value: Any) -> None:
        for found in pair:
            if isinstance(found, list):
                found.append(value)
            elif isinstance(found, dict):
                found["new"] = value

    @rule(pair=consumes(lent))
    def change_deep_inside_to_what_is_equal(self, pair: tuple[Any, Any]) -> None:
        for found in pair:
            inner = found
            while isinstance(inner, list | dict) and inner:
                place = len(inner) - 1 if isinstance(inner, list) else next(iter(inner))
                if not isinstance(inner[place], list | dict):
                    inner[place] = EQUAL.get(repr(inner[place]), inner[place])
                inner = inner[place]

    @rule()
    def ask_for_changes_early(self) -> None:
        self.session.changes()

    @rule()
    def ask_early_whether_anything_is_due(self) -> None:
        assert self.session.due or not self.session.changes()

    @invariant()
    def it_reads_like_a_dict(self) -> None:
        data = self.session.data
        assert data == self.model
        assert (len(self.session), sorted(self.session)) == (len(self.model), sorted(self.model))

    def teardown(self) -> None:
        due = self.session.due
        changes = dict(self.session.changes())
        # Not the values: 1 equals True.
        assert as_written(merged(self.before, changes)) == as_written(self.model)
        assert as_written(codec.decode(self.session.whole())) == as_written(self.model)
        assert due or not changes
        assert self.session.due is due
        assert not any(value is None and name not in self.before for name, value in changes.items())


class Remembered(Mapping):
    """Do the same to the session of a record that this process has read before, and see that it stays what it was."""

    @initialize(data=DATA)
    def begin(self, data: dict[str, Any]) -> None:
        self.before, self.model = copy.deepcopy(data), copy.deepcopy(data)
        self.under, self.raw = rules(), record("ann", data)[1].pack()
        assert dict(self.again()) == data
        self.session = self.again()

    def again(self) -> Session:
        return packed(self.raw, self.under)

    @invariant()
    def it_reads_like_a_dict(self) -> None:
        assert (len(self.session), sorted(self.session)) == (len(self.model), sorted(self.model))
        for name, value in self.model.items():
            assert name in self.session
            # A list that is asked for is lent, and the values are this request's own from then on.
            if not isinstance(value, list | dict):
                assert self.session[name] == self.session.get(name) == value

    @invariant()
    def nobody_else_sees_what_it_does(self) -> None:
        assert dict(self.again()) == self.before


TestMapping = Mapping.TestCase
TestRemembered = Remembered.TestCase


def packed(raw: bytes, under: Rules) -> Session:
    """Make the session of a request whose record the memory of this process holds."""
    return remembered(under, NOW, raw, b"x" * 66)


def test_a_request_goes_on_with_the_values_it_looked_at_whatever_is_written_meanwhile() -> None:
    """SE-10"""
    under = rules()
    raw, later = (record("ann", data)[1] for data in ({"a": 1, "b": [1]}, {"a": 2, "b": [2], "c": 3}))
    for looked in (True, False):
        found = packed(raw.pack(), under)
        if looked:
            assert found["a"] == 1
        other = found.apart()
        other.settled(later)
        found.caught_up(other, found.record)
        assert (found["a"], found["b"], "c" in found) == ((1, [1], False) if looked else (2, [2], True))
        found["a"] = 5
        del found["b"]
        assert found.changes() == {"a": codec.encode("a", 5), "b": None}


@pytest.mark.parametrize("how", ["settled", "caught up"])
def test_who_has_only_asked_whose_session_it_is_reads_what_is_written_meanwhile(how: str) -> None:
    """SE-10"""
    under = rules()
    raw, later = (record("ann", data)[1] for data in ({"a": 1}, {"a": 2, "c": 3}))
    # Another request has read the same record, so that its values are known here before anybody looks.
    assert packed(raw.pack(), under)["a"] == 1
    found = packed(raw.pack(), under)
    assert found.user_id == "ann"
    if how == "settled":
        found.settled(later)
    else:
        other = found.apart()
        other.settled(later)
        found.caught_up(other, found.record)
    assert "c" in found
    assert dict(found) == {"a": 2, "c": 3}


def test_after_a_failure_it_reads_what_the_store_holds_now() -> None:
    under = rules()
    found = packed(record("ann", {"a": 1})[1].pack(), under)
    assert found["a"] == 1
    found.failed = True
    found.settled(record("ann", {"a": 2})[1])
    assert found["a"] == 2


def test_large_records_and_more_than_a_thousand_are_not_remembered() -> None:
    under = rules()
    large = packed(record("ann", {"a": "x" * 3_000})[1].pack(), under)
    assert len(large["a"]) == 3_000
    assert not under.familiar.values
    for number in range(1_100):
        assert packed(record("ann", {"a": number})[1].pack(), under)["a"] == number
    assert len(under.familiar.values) <= 1_024


@given(DATA)
def test_reading_changes_nothing(data: dict[str, Any]) -> None:
    """SE-10"""
    found = session("ann", data)
    assert dict(found) == data
    for name, value in data.items():
        assert found[name] == found.get(name) == value
    assert (list(found), len(found), found == data) == (list(data), len(data), True)
    assert found.changes() == {}
    assert found.get("nothing") is None
    assert found.get("nothing", 7) == 7
    with pytest.raises(KeyError):
        _ = found["nothing"]


def test_what_is_not_touched_is_not_even_decoded() -> None:
    """SE-10: untouched is free"""
    found = session("ann", {"a": [1]})
    assert not found.pending
    assert not found.read
    assert found.changes() == {}


# --- changed in place


def test_what_was_read_and_then_changed_in_place_is_noticed() -> None:
    found = session("ann", {"cart": {"items": [1]}, "other": [1]})
    found["cart"]["items"].append(2)
    _ = found["other"]
    assert {name: codec.decode_value(value or b"") for name, value in found.changes().items()} == {
        "cart": {"items": [1, 2]}
    }


CHANGES: Final[dict[str, Callable[[Any], object]]] = {
    "another value": lambda found: found["items"].append(3),
    "another type that is equal": lambda found: found["items"].__setitem__(0, True),
    "another zero": lambda found: found.update(price=-0.0),
    "another order": lambda found: found.update(price=found.pop("price"), items=found.pop("items")),
    "a date for its text": lambda found: found.update(on=dt.date(2026, 11, 22)),
    "a text for a date": lambda found: found["until"].__setitem__(0, "2026-11-23"),
    "gone": lambda found: found.clear(),
}
WRONG: Final[dict[str, Callable[[Any], object]]] = {
    "a set": lambda found: found["items"].append({1}),
    "in itself": lambda found: found["items"].append(found),
    "too large": lambda found: found.update(price=2**70),
    "no text": lambda found: found.update(price="\ud800"),
    "no text for a key": lambda found: found.update({1: 1}),
}
CART: Final = {"price": 0.0, "items": [1, 2], "on": "2026-11-22", "until": [dt.date(2026, 11, 23)]}


def is_due(found: Session) -> bool:
    return found.due


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_changed_in_place_is_noticed_whoever_read_the_record_before(
    change: Callable[[Any], object],
) -> None:
    """SE-10: also through a reference that is kept after the first answer has been written"""
    under, raw = rules(), record("ann", {"cart": CART})[1].pack()
    for _ in range(3):
        found = packed(raw, under)
        kept = found["cart"]
        assert kept == CART
        assert found["cart"] is kept
        assert (is_due(found), found.changes()) == (False, {})
        change(kept)
        assert is_due(found)
        assert found.changes() == {"cart": codec.encode("cart", kept)}
        assert found.record is not None
        found.settled(msgspec.structs.replace(found.record, data=found.whole()))
        assert not is_due(found)
        kept["more"] = 1
        assert is_due(found)
        assert found.changes() == {"cart": codec.encode("cart", kept)}
        assert found["cart"] is kept


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
def test_what_is_changed_in_place_into_what_can_not_be_kept_is_an_error_each_time(
    change: Callable[[Any], object],
) -> None:
    """SE-13"""
    under, raw = rules(), record("ann", {"cart": CART})[1].pack()
    for _ in range(2):
        found = packed(raw, under)
        change(found["cart"])
        assert is_due(found)
        for _ in range(2):
            with pytest.raises(SessionError, match="can't be kept"):
                found.changes()


def test_who_looks_at_a_record_together_shares_nothing_that_can_be_changed() -> None:
    under, raw = rules(), record("ann", {"a": [[1]], "b": {"c": [1]}})[1].pack()
    sessions = [packed(raw, under) for _ in range(3)]
    for found in sessions:
        found["a"][0].append(2)
        found["b"]["c"].clear()
        assert found.data == {"a": [[1, 2]], "b": {"c": []}}
    assert dict(packed(raw, under)) == {"a": [[1]], "b": {"c": [1]}}


def test_what_was_put_there_may_be_filled_afterwards() -> None:
    found = session("ann")
    items: list[int] = []
    found["items"] = items
    items.append(1)
    assert codec.decode_value(found.changes()["items"] or b"") == [1]
    items.append(2)
    assert codec.decode_value(found.changes()["items"] or b"") == [1, 2]


def test_a_default_may_be_filled_as_in_a_dict() -> None:
    found = session("ann")
    found.setdefault("items", []).append(1)
    assert found.setdefault("items", [7]) == [1]
    assert codec.decode_value(found.changes()["items"] or b"") == [1]


@pytest.mark.parametrize("values", [lambda found: found.values(), lambda found: dict(found.items()).values()])
def test_what_is_lent_by_iterating_is_looked_after_too(values: Any) -> None:
    found = session("ann", {"a": [1]})
    for value in values(found):
        value.append(2)
    assert codec.decode_value(found.changes()["a"] or b"") == [1, 2]


def test_what_was_removed_is_not_written_for_having_been_lent() -> None:
    found = session("ann", {"a": [1]})
    lent = found["a"]
    del found["a"]
    lent.append(2)
    assert found.changes() == {"a": None}


def test_what_was_replaced_is_not_written_for_having_been_lent() -> None:
    found = session("ann", {"a": [1]})
    lent = found["a"]
    found["a"] = "text"
    lent.append(2)
    assert found.changes() == {"a": codec.encode("a", "text")}


def test_what_was_changed_in_place_into_what_can_not_be_kept_is_an_error_that_names_it() -> None:
    """SE-13"""
    found = session("ann", {"a": [1]})
    found["a"].append({1})
    with pytest.raises(SessionError, match=r"session\[a\[1\]\] can't be kept: set"):
        found.changes()


# --- removing


def test_a_name_that_this_request_put_and_removed_is_no_change() -> None:
    """SE-09: another request may have put one there meanwhile"""
    found = session("ann", {"a": 1})
    found["new"] = 1
    del found["new"]
    assert found.changes() == {}


def test_clearing_removes_what_was_there_when_it_was_read_and_nothing_else() -> None:
    """SE-09"""
    found = session("ann", {"a": 1, "b": 2})
    found["new"] = 1
    found.clear()
    assert found.changes() == {"a": None, "b": None}
    assert len(found) == 0


# --- strict


def test_who_asks_to_be_strict_expects_what_was_read() -> None:
    found = session("ann", {"a": 1, "b": 2})
    found["a"] = 5
    found["new"] = 1
    assert found.expected(found.changes()) == {}
    found.strict()
    assert found.expected(found.changes()) == {"a": codec.encode("a", 1), "new": None}


# --- what can't be kept


@pytest.mark.parametrize("name", [1, None, b"a", ("a",)])
def test_a_name_is_text(name: Any) -> None:
    with pytest.raises(SessionError, match="a name in a session is text"):
        session("ann")[name] = 1


def test_a_name_that_can_not_be_written_is_an_error_at_once() -> None:
    found = session("ann")
    with pytest.raises(SessionError, match="lone surrogates"):
        found["\ud800"] = 1
    assert not found.pending


def test_a_value_that_can_not_be_kept_is_an_error_at_once_and_changes_nothing() -> None:
    """SE-13"""
    found = session("ann", {"a": 1})
    for wrong in ({1}, object(), "\ud800", 2**70):
        with pytest.raises(SessionError):
            found["a"] = wrong
    assert found["a"] == 1
    assert found.changes() == {}


def test_one_value_that_is_too_large_is_an_error_at_once() -> None:
    """SE-13"""
    found = session("ann", {"a": 1}, under=rules(max_size=2048))
    with pytest.raises(
        SessionError, match=r"session\['a'\] would take 3003 bytes; sessions.max_size allows 2048"
    ):
        found["a"] = "x" * 3000
    assert found["a"] == 1


# --- when


def test_while_the_store_is_away_the_session_is_empty_and_read_only() -> None:
    """RB-01"""
    found = nobody()
    found.readonly = True
    assert dict(found) == {}
    with pytest.raises(SessionError, match="empty and read-only"):
        found["a"] = 1
    with pytest.raises(SessionError, match="empty and read-only"):
        del found["a"]
    found.clear()


def test_after_the_head_has_left_only_a_session_that_is_there_can_be_written_to() -> None:
    late = nobody()
    late.sealed = True
    with pytest.raises(SessionError, match="no session to write to"):
        late["a"] = 1
    there = session("ann")
    there.sealed = True
    there["a"] = 1
    assert list(there.changes()) == ["a"]


def test_data_that_is_not_ours_is_an_error_and_no_empty_session() -> None:
    """SE-14"""
    found = session("ann")
    found._base = b"\xc1"
    with pytest.raises(ValueError, match="no session data"):
        dict(found)


def test_what_another_request_wrote_meanwhile_is_not_removed_by_one_that_never_saw_it() -> None:
    """SE-09: after the head has left, too"""
    found = session("ann", {"a": 1})
    found["b"] = 1
    found.changes()
    record = found.record
    assert record is not None
    data = codec.join({name: codec.encode(name, value) for name, value in {"a": 1, "b": 1, "c": 9}.items()})
    found.settled(msgspec.structs.replace(record, data=data))
    found["c"] = 2
    del found["c"]
    assert found.changes() == {}
    del found["b"]
    assert found.changes() == {"b": None}

"""An event says when, who, what and with what outcome, in values that can always be written out."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.audit import Action, Event


def test_it_says_when_who_what_and_with_what_outcome() -> None:
    """AU-01, AU-03: and there is no field for a credential, a token, a cookie or a body."""
    assert Event.__struct_fields__ == (
        *("id", "time", "user_id", "user_description", "action", "event_description"),
        *("client", "selector", "outcome", "reason", "extra"),
    )


@given(st.integers(0, 4_102_444_800_000))
def test_the_time_is_utc_to_the_millisecond(milliseconds: int) -> None:
    """AU-01: RFC 3339"""
    when = Event(time=milliseconds / 1000, action="x").when
    assert when.endswith("Z")
    assert len(when) == len("1970-01-01T00:00:00.000Z")
    read = dt.datetime.fromisoformat(when)
    assert abs(read.timestamp() * 1000 - milliseconds) <= 1


def test_an_action_becomes_plain_text() -> None:
    event = Event(time=0.0, action=Action.WEB_SUDO)
    assert event.action == "web_sudo"
    assert type(event.action) is str


def test_half_a_character_is_written_as_its_escape() -> None:
    event = Event(time=0.0, action="x", user_description="a\ud800b", extra={"\udcff": ["\udc80"]})
    assert event.user_description == r"a\ud800b"
    assert event.extra == {r"\udcff": [r"\udc80"]}


def test_what_the_application_adds_is_what_json_can_hold() -> None:
    number = uuid.UUID(int=7)
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    event = Event(
        time=0.0,
        action="x",
        extra={
            "number": number,
            "moment": moment,
            "pair": (1, 2),
            "huge": 2**64,
            "none": float("nan"),
            "inside": {4: 5},
        },
    )
    assert event.extra == {
        "number": str(number),
        "moment": "2026-01-02T00:00:00Z",
        "pair": [1, 2],
        "huge": "18446744073709551616",
        "none": "nan",
        "inside": {"4": 5},
    }


def test_it_is_a_copy() -> None:
    cart = [1]
    event = Event(time=0.0, action="x", extra={"cart": cart})
    cart.append(2)
    assert event.extra == {"cart": [1]}


@pytest.mark.parametrize("value", [object(), print, {object()}])
def test_what_json_cannot_hold_is_refused_where_it_is_given(value: Any) -> None:
    with pytest.raises(TypeError):
        Event(time=0.0, action="x", extra={"value": value})


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.floats() | st.binary() | st.none()))
def test_what_is_kept_comes_back_from_json_as_it_is(extra: dict[str, Any]) -> None:
    event = Event(time=0.0, action="x", extra=extra)
    assert json.loads(json.dumps(event.extra, allow_nan=False)) == event.extra

"""One event is one line, whatever is in it, and the line says what the event says."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from secmw.audit import Event
from secmw.audit.lines import json_line

TEXT = st.text() | st.sampled_from(
    ["\r\n", "\0", "\x1b[31m", "\x85", "\u2028", "\u2029", "\x7f", "\x9b2J", '"\\']
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
EVENTS = st.builds(
    Event,
    id=st.integers(0, 2**63 - 1),
    time=st.floats(0, 4_000_000_000),
    user_id=TEXT,
    user_description=TEXT,
    action=TEXT,
    event_description=TEXT,
    client=TEXT,
    selector=TEXT,
    outcome=st.sampled_from(["success", "failure", "refused"]),
    reason=TEXT,
    extra=st.dictionaries(TEXT, JSON, max_size=3),
)
SIX = ["id", "time", "user_id", "user_description", "action", "event_description"]


@given(st.lists(EVENTS, max_size=5))
def test_n_events_are_n_lines_that_say_the_same(events: list[Event]) -> None:
    """AU-04, AU-01"""
    raw = b"".join(json_line(event, extended=True) for event in events)
    # Whatever a reader takes for a line end: the bytes' own, and all of Unicode's.
    assert len(raw.splitlines()) == len(raw.decode().splitlines()) == len(events)
    for line, event in zip(raw.splitlines(), events, strict=True):
        found = json.loads(line)
        assert found.pop("id") == str(event.id)
        assert found.pop("time") == event.when
        assert found == {name: getattr(event, name) for name in found}


@given(EVENTS)
def test_a_terminal_is_told_nothing(event: Event) -> None:
    """AU-04: no control character, and none that shows the text in another order."""
    line = json_line(event, extended=True).decode().removesuffix("\n")
    kinds = {unicodedata.category(letter) for letter in line}
    assert "Cc" not in kinds
    assert not kinds & {"Zl", "Zp"}
    assert not set(line) & set(
        "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    )


@given(EVENTS)
def test_the_six_fields_come_in_their_order_and_are_text(event: Event) -> None:
    found = json.loads(json_line(event))
    assert list(found) == SIX
    assert all(type(value) is str for value in found.values())


def test_the_other_fields_come_after_them_where_asked() -> None:
    found = json.loads(json_line(Event(time=0.0, action="x"), extended=True))
    assert list(found) == [*SIX, "client", "selector", "outcome", "reason", "extra"]


def test_letters_of_every_script_stay_readable() -> None:
    line = json_line(Event(time=0.0, action="x", user_description="Zoë 会議 😀"))
    assert "Zoë 会議 😀" in line.decode()

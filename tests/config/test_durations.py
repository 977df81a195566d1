"""Durations as people write them."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.config.durations import LONGEST, seconds

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *[("12h", 43_200), ("30m", 1800), ("7d", 604_800), ("1d12h", 129_600), ("2w", 1_209_600)],
        *[("1y", 31_536_000), ("1.5h", 5400), ("1000ms", 1), (" 5s ", 5), ("0s", 0), ("1h30m15s", 5415)],
    ],
)
def test_a_duration_is_written_as_people_write_it(written: str, meant: int) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize("given_", [300, "300", " 300 ", 300.0, timedelta(minutes=5)])
def test_a_bare_number_is_seconds(given_: Any) -> None:
    assert seconds(given_) == 300


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(list("smhdw"))), min_size=1, max_size=5))
def test_a_list_of_units_is_their_sum(parts: list[tuple[int, str]]) -> None:
    assert seconds("".join(f"{count}{unit}" for count, unit in parts)) == sum(
        count * UNITS[unit] for count, unit in parts
    )


@pytest.mark.parametrize(
    "unit", ["", "h", " h", "12 h", "h12", "12x", "1mo", "-1h", "+1h", "1h-30m", "1e3", "٣h", "12H"]
)
def test_what_is_no_duration_says_how_to_write_one(unit: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write seconds"):
        seconds(unit)


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_is_no_duration(flag: bool) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(flag)


@pytest.mark.parametrize(
    "far", [-1, LONGEST + 1, "11y", math.inf, -math.inf, math.nan, 10**400, "9" * 15, timedelta(-1)]
)
def test_a_duration_lies_between_nothing_and_ten_years(far: Any) -> None:
    with pytest.raises(ValueError, match="out of range"):
        seconds(far)


@pytest.mark.parametrize("fine", [0.5, "1500ms", "0.1s", timedelta(milliseconds=1)])
def test_a_duration_is_whole_seconds(fine: Any) -> None:
    with pytest.raises(ValueError, match="finer than a second"):
        seconds(fine)


@given(
    st.one_of(st.text(), st.integers(), st.floats(), st.from_regex(r"[0-9.]{0,5}[a-z]{0,2}[0-9]{0,80}[hms]"))
)
@example("1." * 30 + "h")
@example("9" * 64)
@example("0" * 1_000_000 + "h")
def test_anything_is_a_duration_or_a_value_error(anything: Any) -> None:
    try:
        found = seconds(anything)
    except ValueError:
        return
    assert type(found) is int
    assert 0 <= found <= LONGEST


@given(st.integers(0, LONGEST))
def test_whole_seconds_are_exact(count: int) -> None:
    assert seconds(count) == seconds(str(count)) == seconds(f"{count}s") == count

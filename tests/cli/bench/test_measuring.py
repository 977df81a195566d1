from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from secmw.cli.bench.measuring import LEAST, Difference, Times, Variant, WrongAnswerError, measure


class Pretending:
    """Be a driver that tells times it was told: no figure of a test depends on a clock."""

    asgi = False

    def __init__(self, times: dict[str, float], statuses: Sequence[int] = (200,)) -> None:
        self.times = times
        self.statuses = list(statuses)
        self.asked: list[str] = []

    def sample(self, app: Any, given: Sequence[Any], body: bytes) -> tuple[list[float], list[int]]:
        self.asked.append(app)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return [self.times[app]] * len(given), [status] * len(given)


def variants(*names: str) -> dict[str, Variant]:
    return {name: Variant(app=name, make=dict, status=200) for name in names}


def test_what_a_variant_adds_is_the_difference_within_each_round() -> None:
    driver: Any = Pretending({"bare": 10.0, "whole": 12.5})
    found = measure(driver, variants("bare", "whole"), seconds=10, most_rounds=20)
    assert Difference.between(found["whole"], found["bare"]) == Difference(2.5, 0.01)
    assert (found["bare"].p50, found["bare"].p99) == (10.0, 10.0)


def test_every_variant_takes_part_in_every_round() -> None:
    driver: Any = Pretending({"a": 1.0, "b": 1.0, "c": 1.0})
    measure(driver, variants("a", "b", "c"), seconds=0, most_rounds=LEAST)
    # Two samples of each to warm up.
    rounds = driver.asked[6:]
    assert len(rounds) == 3 * LEAST
    assert all(sorted(rounds[at : at + 3]) == ["a", "b", "c"] for at in range(0, len(rounds), 3))


def test_something_slow_is_measured_a_few_times_all_the_same() -> None:
    driver: Any = Pretending({"slow": 5e6})
    found = measure(driver, variants("slow"), seconds=0)
    assert len(found["slow"].rounds) == LEAST
    assert found["slow"].p99 is None


def test_a_variant_that_answers_otherwise_stops_it() -> None:
    driver: Any = Pretending({"a": 1.0}, [200, 200, 429])
    with pytest.raises(WrongAnswerError, match="a: answered 200 at first, and 429 later"):
        measure(driver, variants("a"), seconds=0.001)


def test_things_are_put_in_their_places_before_each_sample() -> None:
    placed: list[str] = []
    driver: Any = Pretending({"a": 1.0, "b": 1.0})
    both = {
        name: Variant(app=name, make=dict, status=200, enter=partial(placed.append, name)) for name in "ab"
    }
    measure(driver, both, seconds=0, most_rounds=LEAST)
    assert placed == driver.asked


def test_what_chance_would_make_is_told_apart_from_what_it_would_not() -> None:
    steady = Times([], [10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.0])
    more = Times([], [one + 1 for one in steady.rounds])
    assert Difference.between(more, steady).told_apart
    jumping = Times([], [10.0, 12.0, 8.0, 11.0, 9.0, 13.0, 7.0])
    assert not Difference.between(jumping, steady).told_apart


def test_a_machine_that_was_busy_for_a_while_makes_a_difference_less_certain() -> None:
    still = Times([], [10.0] * 80)
    # The same rounds, by turns and one half after the other.
    turns, halves = Times([], [10.0, 14.0] * 40), Times([], [10.0] * 40 + [14.0] * 40)
    busy = Difference.between(halves, still).give_or_take
    assert busy > 2 * Difference.between(turns, still).give_or_take


def test_nothing_is_said_to_be_exact() -> None:
    still = Times([], [10.0] * 80)
    assert Difference.between(still, still) == Difference(0.0, 0.01)


def test_the_99th_percentile_is_not_the_slowest_of_a_few() -> None:
    assert Times([1.0] * 99, []).p99 is None
    assert Times([1.0] * 990 + [100.0] * 10, []).p99 == pytest.approx(99.01, abs=1)

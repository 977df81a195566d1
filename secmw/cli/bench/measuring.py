"""Time variants of one thing against each other: in rounds, in a new order each time, on requests made for each.

What a variant adds is the median, over the rounds, of the difference to another one within the same round: whatever the
machine does meanwhile, it does to both. The garbage collector does not run inside a sample.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from secmw.cli.bench.driving import Driver

#: Requests of one variant in one round, at most: rounds are short, so that what a machine does meets all variants.
_MOST: Final = 40
_ROUNDS: Final = 60
#: Fewer rounds say nothing; these are run whatever they take.
LEAST: Final = 5
#: Into how many stretches the rounds are divided, and Student's t for as many, less one, at 95 %.
_STRETCHES: Final = 8
_STUDENT: Final = 2.365
#: No clock tells less apart, in microseconds of a median.
_FINEST: Final = 0.01
#: A 99th percentile of fewer requests is only the slowest of them.
_ENOUGH: Final = 100


class WrongAnswerError(Exception):
    """Say that a variant ceased to do what it is timed for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Be something to time: ``app`` is asked with what ``make`` makes, after ``enter`` has put things in their places.

    ``status``: what it has to answer, each time.
    """

    app: Any
    make: Callable[[], dict[str, Any]]
    status: int
    body: bytes = b""
    enter: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Times:
    """Hold what requests to one variant took, in microseconds: one by one, and the median of each round."""

    single: Sequence[float]
    rounds: Sequence[float]

    @property
    def p50(self) -> float:
        """The median of single requests."""
        return statistics.median(self.single)

    @property
    def p99(self) -> float | None:
        """The 99th percentile of single requests; None of fewer than a hundred."""
        if len(self.single) < _ENOUGH:
            return None
        return statistics.quantiles(self.single, n=100)[98]


@dataclass(frozen=True, slots=True)
class Difference:
    """Hold what one variant takes more than another, in microseconds, and how far that may be off."""

    median: float
    give_or_take: float

    @classmethod
    def between(cls, one: Times, other: Times) -> Difference:
        """Compare round by round; ``give_or_take`` is the largest of what chance, the course of the run and the clock may make.

        Chance: 1.57 interquartile ranges over the root of the rounds, as in notched box plots. The course: how far the medians of
        stretches of the run lie apart, since a machine that is busy for a second is so for many rounds.
        """
        found = [a - b for a, b in zip(one.rounds, other.rounds, strict=True)]
        low, _, high = statistics.quantiles(found, n=4)
        chance = 1.57 * (high - low) / len(found) ** 0.5
        return cls(statistics.median(found), max(chance, _course(found), _FINEST))

    @property
    def told_apart(self) -> bool:
        """Whether there is a difference that chance alone would hardly make."""
        return abs(self.median) > self.give_or_take


def _course(found: Sequence[float]) -> float:
    """Return how far off the median may be for what changed in the course of a run; 0 of a run too short to tell."""
    length = len(found) // _STRETCHES
    if length < LEAST:
        return 0.0
    medians = [statistics.median(found[at * length : (at + 1) * length]) for at in range(_STRETCHES)]
    return _STUDENT * statistics.stdev(medians) / _STRETCHES**0.5


def measure(
    driver: Driver, variants: Mapping[str, Variant], *, seconds: float, most_rounds: int = 2_000
) -> dict[str, Times]:
    """Time variants for about so many seconds, or for ``LEAST`` rounds; raise WrongAnswerError for one that answers otherwise."""

    def sample(name: str, count: int) -> list[float]:
        variant = variants[name]
        variant.enter()
        batch = [variant.make() for _ in range(count)]
        took, statuses = driver.sample(variant.app, batch, variant.body)
        wrong = [status for status in statuses if status != variant.status]
        if wrong:
            raise WrongAnswerError(f"{name}: answered {variant.status} at first, and {wrong[0]} later")
        return took

    until = perf_counter() + seconds
    warm: dict[str, float] = {}
    for name in variants:
        sample(name, 2)
        warm[name] = statistics.median(sample(name, 3))
    # What is made for a request takes time as well, about as much as a small application.
    round_of_one = sum(warm.values()) / 1e6 * 1.5
    count = max(1, min(_MOST, int(seconds / _ROUNDS / round_of_one)))
    found: dict[str, list[list[float]]] = {name: [] for name in variants}
    order = list(variants)
    for number in range(most_rounds):
        if number >= LEAST and perf_counter() > until:
            break
        random.shuffle(order)
        for name in order:
            found[name].append(sample(name, count))
    return {
        name: Times([one for batch in batches for one in batch], [statistics.median(one) for one in batches])
        for name, batches in found.items()
    }

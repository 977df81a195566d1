"""Time variants of one thing against each other: interleaved, shuffled, in one process, and told as ratios.

Every round times each variant once, in a new order, on freshly made requests, with the garbage collector off inside a
sample. What a variant adds is the median over the rounds of (variant - bare) within a round; the smallest sample of
each gives a second opinion. Absolute times are this machine's; ratios travel.

A body is asked for to its end and closed, as servers do. Time is this thread's on a processor, so that other work on the
machine counts little; what waits for a disk gets its wait for nothing.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import get_clock_info, perf_counter_ns, thread_time_ns
from typing import Any, Final

from benchmarks.requests import receive

#: Where a thread's time comes in ticks of milliseconds, time is the wall's.
_clock: Final = thread_time_ns if get_clock_info("thread_time").resolution < 1e-6 else perf_counter_ns


@dataclass(frozen=True, slots=True)
class Added:
    """Hold what one variant adds to the bare application, in microseconds a request."""

    median: float
    least: float

    @classmethod
    def of(cls, found: Sequence[float], under: Sequence[float]) -> Added:
        """Compare the samples of two variants, round by round."""
        paired = (a - b for a, b in zip(found, under, strict=True))
        return cls(statistics.median(paired), min(found) - min(under))

    def over(self, other: Added) -> Ratio:
        """Return how many times the other this is."""
        return Ratio(_times(self.median, other.median), _times(self.least, other.least))

    def told(self, digits: int) -> str:
        """Write it down, the fastest samples in brackets."""
        return f"{figure(self.median, digits)} ({figure(self.least, digits)})"

    def without(self, other: Added) -> Added:
        """Return what is left of this without the other."""
        return Added(self.median - other.median, self.least - other.least)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Hold how many times another something is, by medians and by the smallest samples.

    None where the other is not above zero: what was measured is smaller than the noise.
    """

    median: float | None
    least: float | None

    def told(self, digits: int) -> str:
        """Write it down, that of the smallest samples in brackets."""
        return f"{figure(self.median, digits)} ({figure(self.least, digits)})"

    def __str__(self) -> str:
        return self.told(1)

    def meets(self, budget: float) -> str:
        """Say whether this is within a budget."""
        if self.median is None or self.least is None:
            return "—"
        return verdict(self.median <= budget, self.least <= budget)

    def reaches(self, wanted: float) -> str:
        """Say whether this is as much as is wanted."""
        if self.median is None or self.least is None:
            return "—"
        return verdict(self.median >= wanted, self.least >= wanted)


def verdict(met: bool, by_minima: bool | None = None) -> str:
    """Say whether a budget is met, by the medians or at least by the fastest samples, where there are such."""
    return "yes" if met else "by its minima" if by_minima else "**no**"


def figure(value: float | None, digits: int = 1) -> str:
    """Write a figure down, or a dash in the place of none."""
    return "—" if value is None else f"{value:,.{digits}f}"


def _times(one: float, other: float) -> float | None:
    return one / other if other > 0 else None


async def _silent(_: Any) -> None:
    return None


def _start_response(status: str, headers: Any, exc_info: Any = None) -> None:  # noqa: ARG001 (PEP 3333)
    return None


async def _asgi_sample(app: Any, scopes: list[Any]) -> float:
    start = _clock()
    for scope in scopes:
        await app(scope, receive, _silent)
    return (_clock() - start) / len(scopes) / 1000


def _wsgi_sample(app: Any, environs: list[Any]) -> float:
    start = _clock()
    for environ in environs:
        body = app(environ, _start_response)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()
    return (_clock() - start) / len(environs) / 1000


def sample(
    variants: Mapping[str, Any], make: Callable[[str], Any], *, asgi: bool, rounds: int, requests: int
) -> dict[str, list[float]]:
    """Return the samples of each variant, round by round, on the requests that ``make`` makes for its name."""
    samples: dict[str, list[float]] = {name: [] for name in variants}
    order = list(variants)
    # A WSGI application is not called inside of a loop: there are some that notice, and refuse to work.
    with asyncio.Runner() as runner:
        for round_ in range(-2, rounds):
            random.shuffle(order)
            for name in order:
                batch = [make(name) for _ in range(requests)]
                gc.collect(0)
                gc.disable()
                try:
                    if asgi:
                        took = runner.run(_asgi_sample(variants[name], batch))
                    else:
                        took = _wsgi_sample(variants[name], batch)
                finally:
                    gc.enable()
                if round_ >= 0:
                    samples[name].append(took)
    return samples


def compare(
    variants: Mapping[str, Any],
    make: Callable[[str], Any],
    *,
    asgi: bool,
    rounds: int,
    requests: int,
    against: Mapping[str, str] | None = None,
) -> dict[str, Added]:
    """Measure what each variant adds to the one called ``bare``, on the requests that ``make`` makes for its name.

    ``against`` names another variant for those that do not stand on the bare one.
    """
    samples = sample(variants, make, asgi=asgi, rounds=rounds, requests=requests)
    under = against or {}
    return {name: Added.of(found, samples[under.get(name, "bare")]) for name, found in samples.items()}

"""Time variants of one thing against each other: interleaved, shuffled, in one process, and told as ratios.

Every round times each variant once, in a new order, on freshly made requests, with the garbage collector off inside a
sample. What a variant adds is the median over the rounds of (variant - bare) within a round; the smallest sample of
each gives a second opinion. Absolute times are this machine's; ratios travel.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from benchmarks.requests import receive


@dataclass(frozen=True, slots=True)
class Added:
    """Hold what one variant adds to the bare application, in microseconds a request."""

    median: float
    least: float


async def _silent(_: Any) -> None:
    return None


def _start_response(status: str, headers: Any, exc_info: Any = None) -> None:  # noqa: ARG001 (PEP 3333)
    return None


async def _asgi_sample(app: Any, scopes: list[Any]) -> float:
    start = perf_counter_ns()
    for scope in scopes:
        await app(scope, receive, _silent)
    return (perf_counter_ns() - start) / len(scopes) / 1000


def _wsgi_sample(app: Any, environs: list[Any]) -> float:
    start = perf_counter_ns()
    for environ in environs:
        app(environ, _start_response)
    return (perf_counter_ns() - start) / len(environs) / 1000


def compare(
    variants: Mapping[str, Any], make: Callable[[str], Any], *, asgi: bool, rounds: int, requests: int
) -> dict[str, Added]:
    """Measure what each variant adds to the one called ``bare``, on the requests that ``make`` makes for its name."""

    async def run() -> dict[str, list[float]]:
        samples: dict[str, list[float]] = {name: [] for name in variants}
        order = list(variants)
        for round_ in range(-2, rounds):
            random.shuffle(order)
            for name in order:
                batch = [make(name) for _ in range(requests)]
                gc.collect(0)
                gc.disable()
                try:
                    if asgi:
                        took = await _asgi_sample(variants[name], batch)
                    else:
                        took = _wsgi_sample(variants[name], batch)
                finally:
                    gc.enable()
                if round_ >= 0:
                    samples[name].append(took)
        return samples

    samples = asyncio.run(run())
    bare = samples["bare"]
    return {
        name: Added(
            statistics.median(a - b for a, b in zip(found, bare, strict=True)), min(found) - min(bare)
        )
        for name, found in samples.items()
    }

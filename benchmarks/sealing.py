"""What sealing costs: each thing that a store is asked, plain and sealed, over the memory store, which costs least itself.

python -m benchmarks.sealing               the table in docs/explanation/sealing.md
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import thread_time_ns
from typing import Any, Final

from benchmarks.sessions import PAYLOAD, record_of
from secmw.keys import new_key
from secmw.sessions import codec
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Over, Record
from secmw.sessions.writes import Create, End, Lost, Rotate, Touch, Update
from secmw.stores import MemoryStore, Store, sealed

ASKED: Final = ("load", "change one value", "touch", "rotate", "sign in", "end", "put and take")
_VALUE: Final = codec.encode("visits", 49)
#: Calls of a sample: few, so that the least of many samples is one that nobody disturbed.
_BATCH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Hold what one thing costs, in microseconds of this thread: the median of the rounds, and the least."""

    asked: str
    plain: tuple[float, float]
    sealed: tuple[float, float]


def measure(rounds: int) -> list[Cost]:
    """Ask both stores in turn."""
    stores: dict[str, Store] = {"plain": MemoryStore(), "sealed": sealed(MemoryStore(), [new_key()])}
    costs = []
    for asked in ASKED:
        samples: dict[str, list[float]] = {name: [] for name in stores}
        for _ in range(rounds):
            for name, store in stores.items():
                samples[name].append(_sample(store, asked))
        plain, seals = ((median(found), min(found)) for found in samples.values())
        costs.append(Cost(asked=asked, plain=plain, sealed=seals))
    return costs


def sizes() -> tuple[int, int]:
    """Return how many bytes the record of somebody signed in has, plain and sealed."""
    below = MemoryStore()
    store, record = sealed(below, [new_key()]), _record()
    store.write(Create(record=record, user_id="42", checked_at=record.created))
    kept = below.load_now(record.selector.encode())
    return len(record.pack()), len(kept or b"")


def table(costs: Sequence[Cost]) -> Iterator[str]:
    """Write the costs as a table in Markdown."""
    yield "| asked | plain, µs | sealed, µs | sealing adds |"
    yield "| --- | --: | --: | --: |"
    for cost in costs:
        added = cost.sealed[0] - cost.plain[0]
        yield f"| {cost.asked} | {cost.plain[0]:.1f} | {cost.sealed[0]:.1f} | {added:.0f} |"


def _record() -> Record:
    return record_of(new_id(), new_id())


def _sample(store: Store, asked: str) -> float:
    """Return the microseconds of one call, in a batch on fresh sessions."""
    records = [_record() for _ in range(_BATCH)]
    if asked != "sign in":
        for record in records:
            store.write(Create(record=record, user_id=record.selector, checked_at=record.created))
    calls = [_call(store, asked, record) for record in records]
    gc.disable()
    start = thread_time_ns()
    answers = [call() for call in calls]
    spent = thread_time_ns() - start
    gc.enable()
    if any(answer is None or isinstance(answer, Lost) for answer in answers):
        raise AssertionError(f"{asked}: {answers}")
    for record in records:
        store.write(End(selector=record.selector, at=record.seen, reason=Over.LOGGED_OUT))
    return spent / _BATCH / 1000


def _call(store: Store, asked: str, record: Record) -> Callable[[], Any]:
    name, at = record.selector, record.seen + 60
    write: Any
    match asked:
        case "load":
            return lambda: store.load(name)
        case "put and take":
            return lambda: store.put("space", name, b"x" * 100, 60.0) and store.take("space", name)
        case "change one value":
            write = Update(selector=name, at=at, changes={"visits": _VALUE})
        case "touch":
            write = Touch(selector=name, at=at)
        case "rotate":
            write = Rotate(selector=name, at=at, presented=record.verifier, verifier=new_id().digest)
        case "sign in":
            write = Create(record=record, user_id=name, checked_at=record.created)
        case _:
            write = End(selector=name, at=at, reason=Over.LOGGED_OUT)
    return lambda: store.write(write)


def main(words: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=100)
    print("\n".join(table(measure(parser.parse_args(words).rounds))))
    plain, kept = sizes()
    print(f"\n{len(PAYLOAD)} values: {plain} bytes plain, {kept} sealed")


if __name__ == "__main__":
    main()

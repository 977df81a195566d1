"""Play the faults and report: ``python -m tests.faults [NAME ...] [--count N]``. Exits 1 if anything was broken.

Each is played as often as its report says, or so often; names are ``store``, ``disk``, ``workers``, ``cancelled``,
``sentinel`` and ``clock``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from tests.faults import breaking, cancelling, clocks
from tests.faults.breaking import Row
from tests.faults.places import STORES

#: For how many seconds a store is away.
_SECONDS: Final = 2.0


def _stores(count: int | None) -> Iterator[Row]:
    for name in STORES:
        yield from breaking.play_store(name, count or 10, _SECONDS)


def _disk(count: int | None) -> Iterator[Row]:
    yield from breaking.play_full_disk(None, count or 10, _SECONDS)
    yield from breaking.play_full_disk("limit", count or 10, _SECONDS)


def _workers(count: int | None) -> Iterator[Row]:
    yield from breaking.play_worker_kills("asgi", count or 100)
    yield from breaking.play_worker_kills("wsgi", count or 100)


def _cancelled(count: int | None) -> Iterator[Row]:
    yield cancelling.play_cancelled(count or 10_000)


def _sentinel(count: int | None) -> Iterator[Row]:
    yield from breaking.play_sentinel(count or 3, "kill")
    yield from breaking.play_sentinel(count or 3, "hold")


_FAULTS: Final = {
    "store": _stores,
    "disk": _disk,
    "workers": _workers,
    "cancelled": _cancelled,
    "sentinel": _sentinel,
}


def main() -> int:
    """Print a table of faults and one of clocks, and all that was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *_FAULTS, "clock"])
    parser.add_argument("--count", type=int)
    asked = parser.parse_args()
    names = asked.names or [*_FAULTS, "clock"]
    broken: list[str] = []
    if set(names) - {"clock"}:
        _say(breaking.HEAD)
    for name in names:
        for row in _FAULTS[name](asked.count) if name in _FAULTS else ():
            _say(str(row))
            broken += [f"{row.fault}: {what}" for what in row.broken()]
    if "clock" in names:
        _say("", clocks.HEAD)
        for store in clocks.PLACES:
            seen = clocks.play_clocks(store)
            _say(str(seen))
            broken += [f"{store}: {what}" for what in seen.broken]
    _say("", *broken, f"faults {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {len(broken)} broken")
    return 1 if broken else 0


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())

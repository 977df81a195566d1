"""What so and so many live sessions need, worked out from what operations cost. Pure: no clock, no server.

The model: sessions ask at their busiest as a :class:`Load` says; each operation takes a server a known time of one core;
a server is given as much as keeps its core or cores half idle and its memory half empty, so that it can take over for
another one, write a file for a replica, and wait for nobody; and what waits, waits in one queue (:func:`waits`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapreplace
from random import Random
from typing import Final, NamedTuple

GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Say what sessions that live ask for at the busiest time.

    ``pause``: seconds between two requests of one, on the average of all, most of whom are away. ``touches`` and
    ``changes``: the shares of requests that are the first in a minute, and that change something. ``lasting``: seconds
    from a sign-in until the session is over; ``leaving``: the share of them that sign out.
    """

    pause: float = 300.0
    touches: float = 0.5
    changes: float = 0.05
    lasting: float = 28_800.0
    leaving: float = 0.2

    def rates(self, sessions: float) -> dict[str, float]:
        """Return how often each operation is asked for in a second."""
        requests, begun = sessions / self.pause, sessions / self.lasting
        return {
            "load": requests,
            "touch": requests * self.touches,
            "update": requests * self.changes,
            "sign in": begun,
            "sign out": begun * self.leaving,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Say what one operation costs: seconds of a server's core, bytes on the wire, bytes for replicas and the log.

    ``depth``: commands that a Redis found at a look at the wire.
    """

    busy: float
    moved: float
    logged: float
    depth: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Be a kind of server: what a session and each operation costs it, and how many cores it puts to use.

    ``removes``: sessions that are over that a sweep removes in a second; None where they go by themselves.
    """

    name: str
    weight: float
    costs: Mapping[str, Cost]
    cores: int = 1
    removes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Be a machine: bytes of memory, bytes a second of its network, and how much of each, and of a core, is put to use."""

    memory: float = 32 * GIB
    network: float = 10e9 / 8
    full: float = 0.5
    busy: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Say what is needed: masters, for their memory, for their cores and for the network; the rest is for each of them."""

    requests: float
    memory: float
    by_memory: float
    by_cores: float
    by_network: float
    masters: int
    busy: float
    moved: float
    logged: float
    resync: float
    removing: float | None


def need(kind: Kind, sessions: float, load: Load, machine: Machine) -> Need:
    """Work out what sessions need."""
    rates = load.rates(sessions)
    memory = sessions * kind.weight
    busy, moved, logged = (
        sum(rate * getattr(kind.costs[operation], what) for operation, rate in rates.items())
        for what in ("busy", "moved", "logged")
    )
    by_memory = memory / (machine.memory * machine.full)
    by_cores = busy / (kind.cores * machine.busy)
    by_network = (moved + logged) / (machine.network * machine.busy)
    masters = max(1, math.ceil(max(by_memory, by_cores, by_network)))
    return Need(
        requests=rates["load"],
        memory=memory,
        by_memory=by_memory,
        by_cores=by_cores,
        by_network=by_network,
        masters=masters,
        busy=busy / kind.cores / masters,
        moved=moved / masters,
        logged=logged / masters,
        # A replica that begins anew is sent all there is, as fast as half of the network allows.
        resync=memory / masters / (machine.network * machine.busy),
        removing=None if kind.removes is None else sessions / load.lasting / kind.removes,
    )


def waits(kind: Kind, load: Load, busy: float, count: int = 40_000) -> tuple[float, float]:
    """Simulate a server whose cores are busy for a share of the time; return how long half and 99 % of operations are there.

    Requests come when they like (a Poisson process), wait in one line for the core that is free first, and take what they
    cost; in seconds, their own time included.
    """
    random = Random(1)  # noqa: S311 - the same each time
    rates = load.rates(1.0)
    takes = [kind.costs[operation].busy for operation in rates]
    mean = sum(rate * cost for rate, cost in zip(rates.values(), takes, strict=True)) / sum(rates.values())
    free, now, found = [0.0] * kind.cores, 0.0, []
    for cost in random.choices(takes, list(rates.values()), k=count):
        now += random.expovariate(busy * kind.cores / mean)
        waited = max(0.0, free[0] - now)
        heapreplace(free, now + waited + cost)
        found.append(waited + cost)
    found.sort()
    return found[count // 2], found[count * 99 // 100]


# --- a Redis's memory


def tables(keys: int) -> int:
    """Return the bytes of a Redis's two hash tables, of keys and of their ends: a power of two of pointers each."""
    return 2 * 8 * (1 << max(2, math.ceil(math.log2(keys)))) if keys else 0


#: Keys of a session: its own and its user's.
KEYS: Final = 2

#: Bytes that a Redis 7 adds to a key in a Cluster: pointers to the keys before and after it in its slot.
LINKS: Final = 16


def weight_in_cluster(weight: float, sessions: int, masters: int, others: int) -> float:
    """Say what a session weighs among others in a Cluster, from what it weighs among some in a Redis alone."""
    bare = weight - tables(KEYS * sessions) / sessions
    return bare + KEYS * LINKS + tables(KEYS * others // masters) * masters / others


class Depth(NamedTuple):
    """Say what an operation costs a server that finds so many commands at each look at the wire, on the average."""

    depth: float
    busy: float


def deep(alone: Depth, crowded: Depth, depth: float) -> float:
    """Say what an operation costs at another depth: each command something by itself, and its share of a look."""
    look = (alone.busy - crowded.busy) / (1 / alone.depth - 1 / crowded.depth)
    return alone.busy - look / alone.depth + look / depth

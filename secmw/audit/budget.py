"""Budget: how many refusals of strangers are recorded one by one. Pure: it counts, and reads no clock.

Whoever can reach a site can have requests refused, so what is recorded of refusals is bounded: per action, reason and
client network some in a minute, the others as one ``suppressed`` event when that minute is over. Memory is bounded too:
when more networks come in one minute than are told apart, the others share one allowance for each reason.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from secmw.audit.action import Action
from secmw.audit.event import Event

#: Seconds that an allowance is for.
PERIOD: Final = 60.0

#: How many combinations of action, reason and network are told apart at a time.
TOLD_APART: Final = 1024

_Key = tuple[str, str, str]


def network(client: str) -> str:
    """Return the network that an address is counted with, /24 or /64; what is no address counts as one network.

    >>> network("203.0.113.9"), network("2001:db8:0:1:2::3"), network("::ffff:203.0.113.9"), network("unix")
    ('203.0.113.0/24', '2001:db8:0:1::/64', '203.0.113.0/24', '')
    """
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(IPv6Network((int(address) >> 64 << 64, 64)))
        address = address.ipv4_mapped
    return str(IPv4Network((int(address) >> 8 << 8, 24)))


@dataclass(slots=True)
class _Tally:
    since: float
    seen: int = 0


class Budget:
    """Let ``allowed`` events of a kind through in each minute, and count the others; from any thread."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._tallies: dict[_Key, _Tally] = {}
        self._lock = threading.Lock()

    def take(self, event: Event) -> tuple[Event, ...]:
        """Return what to record now: the counts of minutes that are over, then the event if there is room for it."""
        with self._lock:
            due = self._over(event.time)
            tally = self._tally(event)
            tally.seen += 1
            return (*due, event) if tally.seen <= self._allowed else due

    def due(self, now: float) -> tuple[Event, ...]:
        """Return the counts of minutes that are over."""
        if not self._tallies:
            return ()
        with self._lock:
            return self._over(now)

    def rest(self, now: float) -> tuple[Event, ...]:
        """Return all the counts, whether or not their minutes are over: nothing more will come."""
        with self._lock:
            found = tuple(self._counts(self._tallies.items(), now))
            self._tallies.clear()
        return found

    def __len__(self) -> int:
        return len(self._tallies)

    def _tally(self, event: Event) -> _Tally:
        key = (event.action, event.reason, network(event.client))
        if key not in self._tallies and len(self._tallies) >= TOLD_APART:
            key = (event.action, event.reason, "*")
            # Actions and reasons are ours, and few; should they ever be a client's, this holds all the same.
            if key not in self._tallies and len(self._tallies) >= 2 * TOLD_APART:
                key = ("", "", "*")
        if key not in self._tallies:
            self._tallies[key] = _Tally(event.time)
        return self._tallies[key]

    def _over(self, now: float) -> tuple[Event, ...]:
        over = []
        for key, tally in self._tallies.items():
            # In the order of their beginnings, so the first that is not over ends it. A clock set back ends all.
            if 0 <= now - tally.since < PERIOD:
                break
            over.append((key, tally))
        for key, _ in over:
            del self._tallies[key]
        return tuple(self._counts(over, now))

    def _counts(self, tallies: Iterable[tuple[_Key, _Tally]], now: float) -> Iterator[Event]:
        for (action, reason, client), tally in tallies:
            more = tally.seen - self._allowed
            if more > 0:
                yield Event(
                    time=now,
                    action=Action.SUPPRESSED,
                    event_description=f"{more} more of {action or 'any kind'}{f' ({reason})' if reason else ''}",
                    client="" if client == "*" else client,
                    outcome="refused",
                    reason=reason,
                    extra={"count": more, "action": action, "since": tally.since},
                )

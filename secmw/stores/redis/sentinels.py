"""Sentinels: which of the masters that they name is the one. Does no I/O.

A failover raises the epoch of a master, and the sentinels hear of it one after another. So all of them are asked, and the
highest epoch counts: a master that stood still takes itself for the master when it wakes up, and a sentinel that has
not heard of the other one names it yet (https://redis.io/docs/latest/develop/reference/sentinel-clients/).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from secmw.errors import StoreError
from secmw.stores.redis.where import Node

#: Seconds for which a lower epoch than one heard of is not believed. Not for ever: sentinels may be set up anew.
_REMEMBERED: Final = 60.0


class Named(NamedTuple):
    """Say whom a sentinel names, and since which failover."""

    epoch: int
    node: Node


def named(answer: Any) -> Named:
    """Read what a sentinel says of a master: names and values in turn; StoreError where it names none.

    >>> named([b"name", b"mymaster", b"ip", b"10.0.0.1", b"port", b"6379", b"config-epoch", b"3"])
    Named(epoch=3, node=Node(host='10.0.0.1', port=6379))
    """
    try:
        said = dict(zip(answer[::2], answer[1::2], strict=True))
        return Named(int(said[b"config-epoch"]), Node(said[b"ip"].decode(), int(said[b"port"])))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise StoreError("the sentinels know no master of that name") from None


def followed(role: Any) -> bool:
    """Say whether replicas follow a master, by its answer to ROLE: one that stood still may have lost them."""
    return bool(role[2])


def doubted(answered: int, asked: int) -> StoreError | None:
    """Say what is against a master that no replica follows: most sentinels must have been heard, or it may be the old one."""
    if answered * 2 > asked:
        return None
    return StoreError("too few sentinels answer, and no replica follows the master that they name")


class Heard:
    """Remember which failover was the last that any sentinel told of."""

    def __init__(self) -> None:
        self._epoch = (0, 0.0)

    def masters(self, said: Iterable[Named]) -> list[Node]:
        """Return who may be the master: whom those name that know of the last failover, each once.

        Raise StoreError where nobody does who was asked.
        """
        found, now = list(said), time.monotonic()
        epoch, since = self._epoch
        highest = max((one.epoch for one in found), default=0)
        if found and (highest >= epoch or now - since > _REMEMBERED):
            self._epoch = (highest, now)
        elif found:
            raise StoreError("the sentinels that answer have not heard of the last failover")
        return list(dict.fromkeys(one.node for one in found if one.epoch == highest))

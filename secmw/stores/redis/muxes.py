"""Connections of an event loop to the nodes of a Cluster, one for each of them; cluster.py says whom to ask what."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from secmw.errors import StoreError
from secmw.stores.redis.asking import Ask
from secmw.stores.redis.cluster import Answered, Cluster, Way
from secmw.stores.redis.mux import Done, Mux
from secmw.stores.redis.where import Node, Where


class Muxes:
    """Hold a connection to each node; it is used as a :class:`~secmw.stores.redis.mux.Mux` is."""

    def __init__(self, where: Where, cluster: Cluster, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._where = where
        self._cluster = cluster
        self._muxes: dict[Node, Mux] = {}
        self.closing = False
        self.gathering: Final = False

    def ask(self, asked: Ask, done: Done) -> None:
        """Send some commands; ``done`` is called once, with answers or an error."""
        _Walk(self, self._cluster.way(asked), done).go_on(None)

    def mux(self, node: Node) -> Mux:
        """Return the connection to a node."""
        mux = self._muxes.get(node)
        if mux is None:
            for gone in set(self._muxes) - self._cluster.nodes:
                self._muxes.pop(gone).close()
            mux = self._muxes[node] = Mux(self._where.at(node), self.loop)
        return mux

    def close(self) -> None:
        """Close the connections; who waits for one gets StoreError."""
        # Who is told so now would ask the next node.
        self.closing = True
        for mux in self._muxes.values():
            mux.close()
        self.closing = False


class _Walk:
    """Be a way under way: what is asked of several nodes is asked at once."""

    __slots__ = ("_done", "_left", "_muxes", "_outcomes", "_way")

    def __init__(self, muxes: Muxes, way: Way, done: Done) -> None:
        self._muxes = muxes
        self._way = way
        self._done = done
        self._outcomes: list[Any] = []
        self._left = 0

    def go_on(self, outcomes: list[Answered] | None) -> None:
        """Take the next step."""
        if self._muxes.closing:
            self._done(StoreError("the store was closed"))
            return
        try:
            parts = self._way.send(outcomes)  # type: ignore[arg-type] # None begins it
        except StopIteration as end:
            self._done(end.value)
        except StoreError as error:
            self._done(error)
        else:
            self._outcomes, self._left = [None] * len(parts), len(parts)
            for place, (node, asked) in enumerate(parts):
                self._muxes.mux(node).ask(asked, partial(self._came, place))

    def _came(self, place: int, outcome: Answered) -> None:
        self._outcomes[place] = outcome
        self._left -= 1
        if not self._left:
            self.go_on(self._outcomes)

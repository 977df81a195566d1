"""Blocking connections to the nodes of a Cluster: a pool for each of them; cluster.py says whom to ask what."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from secmw.errors import StoreError
from secmw.stores.redis.advice import QUESTION, judge
from secmw.stores.redis.asking import Ask
from secmw.stores.redis.cluster import Answered, Cluster
from secmw.stores.redis.pool import Pool
from secmw.stores.redis.where import Node, Where

_Outcome = TypeVar("_Outcome")


class Pools:
    """Hold a pool for each node; it is used as a :class:`~secmw.stores.redis.pool.Pool` is."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._cluster = Cluster(where)
        self._pools: dict[Node, Pool] = {}

    def ask(self, asked: Ask) -> list[Any]:
        """Return the answers to some commands; StoreError where there are none."""
        return self._go(self._cluster.way(asked))

    def told(self) -> list[str]:
        """Return what is to be said against each master."""
        masters, copied = self._go(self._cluster.masters())
        said: list[str] = []
        for node in masters:
            name, answers = self._where.at(node).name, self._pool(node).ask(QUESTION)
            said += judge(name, answers, self._where, copied=copied)
        return said

    def close(self) -> None:
        """Close the connections that are in nobody's use."""
        for pool in list(self._pools.values()):
            pool.close()

    def _go(self, way: Generator[list[tuple[Node, Ask]], list[Answered], _Outcome]) -> _Outcome:
        try:
            parts = next(way)
            while True:
                parts = way.send([self._answered(node, asked) for node, asked in parts])
        except StopIteration as end:
            outcome: _Outcome = end.value
            return outcome

    def _answered(self, node: Node, asked: Ask) -> Answered:
        try:
            return self._pool(node).ask(asked)
        except StoreError as error:
            return error

    def _pool(self, node: Node) -> Pool:
        pool = self._pools.get(node)
        if pool is None:
            for gone in set(self._pools) - self._cluster.nodes:
                self._pools.pop(gone).close()
            pool = self._pools.setdefault(node, Pool(self._where.at(node)))
        return pool

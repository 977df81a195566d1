"""Sessions in a Redis, for threads: the contract on Redis and on Valkey, alone, under Sentinels and as a Cluster."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar

import pytest

from secmw.stores import AsyncStore, Store
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock, StoreContract
from tests.services.redis import Cluster, Kind, RedisServer, Sentinel, cluster, sentinel, serve_redis
from tests.stores.redis.stepping import patience

pytestmark = pytest.mark.server

_names = count()


class RedisContract(StoreContract):
    kind: ClassVar[Any] = RedisStore
    program: ClassVar[Kind] = "redis"
    server: ClassVar[RedisServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with patience(), serve_redis(cls.program) as cls.server:
            yield

    def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
        store: Store | AsyncStore = self.kind(f"{self.url()}?prefix=t{next(_names)}:", clock=clock)
        return store

    def make_another(self, store: Any, clock: FrozenClock) -> Store | AsyncStore:
        url = f"{self.url()}?prefix={prefix_of(store).decode()}"
        another: Store | AsyncStore = self.kind(url, clock=clock)
        return another

    def url(self) -> str:
        return self.server.url

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        self.server.ask("SET", prefix_of(store) + b"s:" + selector.encode(), raw)
        return True

    def teardown_method(self) -> None:
        super().teardown_method()
        self.flush()

    def flush(self) -> None:
        self.server.ask("FLUSHALL")


class SentinelContract(RedisContract):
    """One master with a replica, whose endings the replica confirms."""

    running: ClassVar[Sentinel]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with patience(), sentinel(cls.program, down=60) as cls.running:
            cls.server = cls.running.servers[0]
            yield

    def url(self) -> str:
        return self.running.url


class ClusterContract(RedisContract):
    """Three masters, on which users and their sessions lie apart."""

    running: ClassVar[Cluster]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with patience(), cluster(cls.program, down=60) as cls.running:
            yield

    def url(self) -> str:
        return self.running.url

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        key = prefix_of(store) + b"s:" + selector.encode()
        self.running.owner(key).ask("SET", key, raw)
        return True

    def flush(self) -> None:
        self.running.flush()


class TestRedisStore(RedisContract):
    pass


class TestRedisStoreOnValkey(RedisContract):
    program = "valkey"


class TestRedisStoreWithSentinel(SentinelContract):
    pass


class TestRedisStoreOnAClusterOfValkeys(ClusterContract):
    program = "valkey"


def prefix_of(store: Any) -> bytes:
    prefix: bytes = store._plans._keys.prefix
    return prefix

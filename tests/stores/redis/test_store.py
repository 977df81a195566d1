"""Sessions in a Redis, for threads: the contract on Redis and on Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar

import pytest

from secmw.stores import AsyncStore, Store
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock, StoreContract
from tests.services.redis import Kind, RedisServer, serve_redis

pytestmark = pytest.mark.server

_names = count()


class RedisContract(StoreContract):
    kind: ClassVar[Any] = RedisStore
    program: ClassVar[Kind] = "redis"
    server: ClassVar[RedisServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with serve_redis(cls.program) as cls.server:
            yield

    def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
        store: Store | AsyncStore = self.kind(f"{self.server.url}?prefix=t{next(_names)}:", clock=clock)
        return store

    def make_another(self, store: Any, clock: FrozenClock) -> Store | AsyncStore:
        another: Store | AsyncStore = self.kind(
            f"{self.server.url}?prefix={prefix_of(store).decode()}", clock=clock
        )
        return another

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        self.server.ask("SET", prefix_of(store) + b"s:" + selector.encode(), raw)
        return True

    def teardown_method(self) -> None:
        super().teardown_method()
        self.server.ask("FLUSHALL")


class TestRedisStore(RedisContract):
    pass


class TestRedisStoreOnValkey(RedisContract):
    program = "valkey"


def prefix_of(store: Any) -> bytes:
    prefix: bytes = store._plans._keys.prefix
    return prefix

"""Sessions in a Redis, for event loops: the contract on Redis and on Valkey, alone, under Sentinels and as a Cluster."""

from __future__ import annotations

import pytest

from secmw.stores.redis.async_store import AsyncRedisStore
from tests.stores.redis.test_store import ClusterContract, RedisContract, SentinelContract

pytestmark = pytest.mark.server


class TestAsyncRedisStore(RedisContract):
    kind = AsyncRedisStore


class TestAsyncRedisStoreOnValkey(RedisContract):
    kind = AsyncRedisStore
    program = "valkey"


class TestAsyncRedisStoreWithSentinelOnValkey(SentinelContract):
    kind = AsyncRedisStore
    program = "valkey"


class TestAsyncRedisStoreOnACluster(ClusterContract):
    kind = AsyncRedisStore

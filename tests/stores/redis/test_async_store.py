"""Sessions in a Redis, for event loops: the contract on Redis and on Valkey."""

from __future__ import annotations

import pytest

from secmw.stores.redis.async_store import AsyncRedisStore
from tests.stores.redis.test_store import RedisContract

pytestmark = pytest.mark.server


class TestAsyncRedisStore(RedisContract):
    kind = AsyncRedisStore


class TestAsyncRedisStoreOnValkey(RedisContract):
    kind = AsyncRedisStore
    program = "valkey"

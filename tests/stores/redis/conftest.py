"""One Redis for the tests here that do not stop it; each test finds it empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.redis import RedisServer, serve_redis


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with serve_redis() as server:
        yield server


@pytest.fixture
def redis(shared_redis: RedisServer) -> Iterator[RedisServer]:
    yield shared_redis
    shared_redis.ask("FLUSHALL")

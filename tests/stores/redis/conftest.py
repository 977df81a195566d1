"""One Redis, and one Cluster, for the tests here that do not stop it; each test finds it empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.services.redis import Cluster, RedisServer, cluster, serve_redis
from tests.stores.redis.stepping import patience


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let servers take their time where a test is not about time: the machine may be busy."""
    with nullcontext() if request.node.get_closest_marker("deadline") else patience():
        yield


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with serve_redis() as server:
        yield server


@pytest.fixture
def redis(shared_redis: RedisServer) -> Iterator[RedisServer]:
    yield shared_redis
    shared_redis.ask("FLUSHALL")


@pytest.fixture(scope="session")
def shared_masters() -> Iterator[Cluster]:
    with cluster(down=60) as running:
        yield running


@pytest.fixture
def masters(shared_masters: Cluster) -> Iterator[Cluster]:
    yield shared_masters
    shared_masters.flush()

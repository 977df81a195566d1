"""The contract under seal on every store that waits, in both colours, whole: `pytest tests/stores/sealing/everywhere.py`."""

from __future__ import annotations

import pytest

from tests.stores import test_sqlite
from tests.stores.redis import test_async_store as later
from tests.stores.redis import test_store as redis
from tests.stores.sealing.contracts import Sealing
from tests.stores.sql import test_store as sql
from tests.stores.sql.conftest import on_mariadb, on_postgresql, patient

__all__ = ["on_mariadb", "on_postgresql", "patient"]

pytestmark = pytest.mark.server

for _contract in (
    test_sqlite.TestSQLiteStore,
    test_sqlite.TestAsyncSQLiteStore,
    redis.TestRedisStore,
    redis.TestRedisStoreOnValkey,
    redis.TestRedisStoreWithSentinel,
    redis.TestRedisStoreOnAClusterOfValkeys,
    later.TestAsyncRedisStore,
    later.TestAsyncRedisStoreOnValkey,
    later.TestAsyncRedisStoreWithSentinelOnValkey,
    later.TestAsyncRedisStoreOnACluster,
    sql.TestSQLStoreOnPostgreSQL,
    sql.TestAsyncSQLStoreOnPostgreSQL,
    sql.TestSQLStoreOnMariaDB,
    sql.TestAsyncSQLStoreOnMariaDB,
):
    _name = _contract.__name__.replace("Test", "TestSealed", 1)
    globals()[_name] = type(_name, (Sealing, _contract), {"__module__": __name__})
del _contract

"""The contract on Redis and Valkey under seal."""

from __future__ import annotations

import pytest

from tests.stores.redis import test_async_store, test_store
from tests.stores.sealing.contracts import Sealing

pytestmark = pytest.mark.server


class TestSealedRedisStore(Sealing, test_store.TestRedisStore):
    pass


class TestAsyncSealedRedisStoreOnValkey(Sealing, test_async_store.TestAsyncRedisStoreOnValkey):
    pass

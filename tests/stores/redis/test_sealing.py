"""The contract on a Redis under seal; :mod:`tests.stores.sealing.everywhere` has it on all of them."""

from __future__ import annotations

import pytest

from tests.stores.redis import test_async_store
from tests.stores.sealing.contracts import Sealing

pytestmark = pytest.mark.server


class TestAsyncSealedRedisStore(Sealing, test_async_store.TestAsyncRedisStore):
    pass

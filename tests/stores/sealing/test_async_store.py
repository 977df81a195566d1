"""The contract on sealed stores, for event loops."""

from __future__ import annotations

from tests.stores import test_memory, test_sqlite
from tests.stores.sealing.contracts import Sealing


class TestAsyncSealedMemoryStore(Sealing, test_memory.TestAsyncMemoryStore):
    pass


class TestAsyncSealedSQLiteStore(Sealing, test_sqlite.TestAsyncSQLiteStore):
    pass

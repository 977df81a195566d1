"""The contract on sealed stores, for threads."""

from __future__ import annotations

from tests.stores import test_memory, test_sqlite
from tests.stores.sealing.contracts import Sealing


class TestSealedMemoryStore(Sealing, test_memory.TestMemoryStore):
    pass


class TestSealedSQLiteStore(Sealing, test_sqlite.TestSQLiteStore):
    pass

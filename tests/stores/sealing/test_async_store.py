"""The contract on a sealed store, for event loops; :mod:`tests.stores.sealing.everywhere` has it on others."""

from __future__ import annotations

from tests.stores import test_memory
from tests.stores.sealing.contracts import Sealing


class TestAsyncSealedMemoryStore(Sealing, test_memory.TestAsyncMemoryStore):
    pass

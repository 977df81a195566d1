"""Sessions in memory: the contract in both colours, what a session costs, and a store that is full."""

from __future__ import annotations

from typing import Any

from secmw.stores import AsyncMemoryStore, AsyncStore, MemoryStore, Store
from secmw.testing import FrozenClock, StoreContract


class TestMemoryStore(StoreContract):
    def make_store(self, clock: FrozenClock) -> Store:
        return MemoryStore(clock=clock)

    def make_another(self, store: Any, clock: FrozenClock) -> None:
        return None

    def plant(self, store: Any, selector: str, raw: bytes) -> None:
        store._sessions[selector] = raw


class TestAsyncMemoryStore(TestMemoryStore):
    def make_store(self, clock: FrozenClock) -> AsyncStore:  # type: ignore[override]
        return AsyncMemoryStore(clock=clock)

    def plant(self, store: Any, selector: str, raw: bytes) -> None:
        store.blocking._sessions[selector] = raw

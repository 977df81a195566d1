"""Sessions in a SQLite file: the contract in both colours, and what comes of many processes."""

from __future__ import annotations

import sqlite3
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from secmw.stores import AsyncSQLiteStore, AsyncStore, SQLiteStore, Store
from secmw.testing import FrozenClock, StoreContract


class TestSQLiteStore(StoreContract):
    kind: Any = SQLiteStore

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.names = count()

    def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
        store: Store | AsyncStore = self.kind(self.folder / f"{next(self.names)}.db", clock=clock)
        return store

    def make_another(self, store: Any, clock: FrozenClock) -> Store | AsyncStore:
        another: Store | AsyncStore = self.kind(path_of(store), clock=clock)
        return another

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        with sqlite3.connect(path_of(store)) as database:
            database.execute("UPDATE sessions SET raw = ? WHERE selector = ?", (raw, selector))
        database.close()
        return True


class TestAsyncSQLiteStore(TestSQLiteStore):
    kind = AsyncSQLiteStore


def path_of(store: Any) -> Path:
    path: Path = getattr(store, "blocking", store)._database.path
    return path

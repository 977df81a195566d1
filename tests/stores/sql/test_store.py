"""Sessions in databases: the contract on each, in both colours, and what comes of many processes and of outages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from secmw.stores import AsyncSQLStore, AsyncStore, SQLStore, Store
from secmw.testing import FrozenClock, StoreContract
from tests.services.databases import Database
from tests.services.tables import Asked

pytestmark = pytest.mark.server


class TestSQLStoreOnPostgreSQL(StoreContract):
    kind: Any = SQLStore

    @pytest.fixture(autouse=True)
    def _server(self, on_postgresql: Database) -> Iterator[None]:
        yield from self._used(on_postgresql)

    def _used(self, server: Database) -> Iterator[None]:
        self.url = server.url
        self.asked = Asked(server)
        profile = os.environ.get("HYPOTHESIS_PROFILE", "check")
        if profile != "soak":
            # A history is some hundred round trips here.
            settings.register_profile("brief", settings.get_profile(profile), max_examples=20)
            settings.load_profile("brief")
        yield
        settings.load_profile(profile)

    def make_store(self, clock: FrozenClock) -> Store | AsyncStore:
        self.asked.empty()
        store: Store | AsyncStore = self.kind(self.url, clock=clock)
        return store

    def make_another(self, store: Any, clock: FrozenClock) -> Store | AsyncStore:
        another: Store | AsyncStore = self.kind(self.url, clock=clock)
        return another

    def plant(self, store: Any, selector: str, raw: bytes) -> bool:
        query = "UPDATE secmw_sessions SET raw = :raw WHERE selector = :selector"
        self.asked(query, raw=raw, selector=selector.encode())
        return True


class TestAsyncSQLStoreOnPostgreSQL(TestSQLStoreOnPostgreSQL):
    kind = AsyncSQLStore


class TestSQLStoreOnMariaDB(TestSQLStoreOnPostgreSQL):
    @pytest.fixture(autouse=True)
    def _server(self, on_mariadb: Database) -> Iterator[None]:
        yield from self._used(on_mariadb)


class TestAsyncSQLStoreOnMariaDB(TestSQLStoreOnMariaDB):
    kind = AsyncSQLStore

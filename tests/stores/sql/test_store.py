"""Sessions in databases: the contract on each, in both colours, and what comes of many processes and of outages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from secmw.stores import AsyncSQLStore, AsyncStore, SQLStore, Store
from secmw.stores.sql.tables import metadata
from secmw.testing import FrozenClock, StoreContract
from tests.services.databases import Database
from tests.services.mariadb import mariadb
from tests.services.postgresql import postgresql

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", name="on_postgresql")
def _on_postgresql() -> Iterator[Database]:
    with postgresql() as server:
        yield server
        forget(server)


@pytest.fixture(scope="module", name="on_mariadb")
def _on_mariadb() -> Iterator[Database]:
    with mariadb() as server:
        yield server
        forget(server)


def forget(server: Database) -> None:
    if server.url in _asked:
        _asked.pop(server.url).engine.dispose()


class Asked:
    """Ask the database itself, past the store."""

    def __init__(self, url: str) -> None:
        made = make_url(url)
        driver = "psycopg" if made.drivername.startswith("postgresql") else "pymysql"
        self.engine = create_engine(
            made.set(drivername=f"{made.get_backend_name()}+{driver}"), isolation_level="AUTOCOMMIT"
        )

    def __call__(self, query: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            found = connection.execute(text(query), values)
            return list(found) if found.returns_rows else []

    def empty(self) -> None:
        for table in metadata.sorted_tables:
            if table.name != "secmw_layout":
                self(str(table.delete()))


_asked: dict[str, Asked] = {}


def asked(server: Database) -> Asked:
    """Return how to ask a server, which has its tables."""
    if server.url not in _asked:
        SQLStore(server.url).make_tables()
        _asked[server.url] = Asked(server.url)
    return _asked[server.url]


class TestSQLStoreOnPostgreSQL(StoreContract):
    kind: Any = SQLStore

    @pytest.fixture(autouse=True)
    def _server(self, on_postgresql: Database) -> Iterator[None]:
        yield from self._used(on_postgresql)

    def _used(self, server: Database) -> Iterator[None]:
        self.url = server.url
        self.asked = asked(server)
        # A history is some hundred round trips here.
        if os.environ.get("HYPOTHESIS_PROFILE") == "test":
            settings.load_profile("check")
        yield
        settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))

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

"""A way to ask a database itself, past the store that keeps its tables there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, text

from secmw.stores.sql.engine import PATIENT, checked, engine
from secmw.stores.sql.store import SQLStore
from secmw.stores.sql.tables import metadata
from tests.services.databases import Database

_engines: dict[str, Any] = {}


class Asked:
    """Ask a database, which has the tables."""

    def __init__(self, server: Database) -> None:
        self.url = server.url
        if server.url not in _engines:
            _engines[server.url] = engine(checked(server.url, asynchronous=False), PATIENT)
            SQLStore(server.url).make_tables()

    def __call__(self, query: str, **values: Any) -> list[Any]:
        """Return the rows of a query."""
        with _engines[self.url].connect() as connection:
            found = connection.execute(text(query), values)
            return list(found) if found.returns_rows else []

    def empty(self) -> None:
        """Remove all rows, and make what is missing of the tables."""
        if not self.made():
            SQLStore(self.url).make_tables()
        for table in metadata.sorted_tables:
            if table.name != "secmw_layout":
                self(str(table.delete()))

    def made(self) -> bool:
        """Say whether there are tables."""
        with _engines[self.url].connect() as connection:
            return bool(inspect(connection).has_table("secmw_layout"))

    def drop(self) -> None:
        """Remove the tables."""
        for table in metadata.sorted_tables:
            self(f"DROP TABLE IF EXISTS {table.name}")

    @staticmethod
    def forget(server: Database) -> None:
        """Close the connections to a server."""
        if server.url in _engines:
            _engines.pop(server.url).dispose()

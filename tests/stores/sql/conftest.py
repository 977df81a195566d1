"""The servers that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secmw.stores.sql import store
from secmw.stores.sql.engine import PATIENT
from tests.services.databases import Database
from tests.services.mariadb import mariadb
from tests.services.postgresql import postgresql
from tests.services.tables import Asked


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers take their time where a test is not about time: the machine may be busy."""
    if request.node.get_closest_marker("deadline") is None:
        monkeypatch.setattr(store, "_BEGIN", 8.0)
        monkeypatch.setattr(store, "_LIMIT", 9.0)
        monkeypatch.setattr(store, "PROMPT", PATIENT)


@pytest.fixture(scope="session")
def on_postgresql() -> Iterator[Database]:
    with postgresql() as server:
        yield server
        Asked.forget(server)


@pytest.fixture(scope="session")
def on_mariadb() -> Iterator[Database]:
    with mariadb() as server:
        yield server
        Asked.forget(server)


@pytest.fixture(params=["on_postgresql", "on_mariadb"])
def server(request: pytest.FixtureRequest) -> Database:
    """Each kind of database in turn, with empty tables."""
    found: Database = request.getfixturevalue(request.param)
    Asked(found).empty()
    return found

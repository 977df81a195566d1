"""A sweep of a database: in small transactions, and by an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from secmw.stores import SQLStore
from secmw.stores.sql import tables, turns
from secmw.stores.sql.turns import Turn
from secmw.testing import FrozenClock
from tests.services.databases import Database
from tests.services.tables import Asked

pytestmark = pytest.mark.server

NOW = 1_800_000_000.0
COUNT = 2_000


@pytest.fixture
def store(server: Database) -> Iterator[SQLStore]:
    """Hold sessions of which nine tenths are over."""
    store = SQLStore(server.url, clock=FrozenClock(NOW))
    past, rest = NOW - 1, NOW + 1
    rows = [
        {"selector": b"%d" % number, "raw": bytes(300), "arrival": 0, "until": past if number % 10 else rest}
        for number in range(COUNT)
    ]
    with store._lent().connect() as connection:
        connection.execute(insert(tables.sessions), rows)
    yield store
    store.close()


def test_no_transaction_of_a_sweep_removes_more_than_a_hundred(
    store: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-11: a statement has less than half a second, on a busy server too, and others want their turn."""
    sizes: list[int] = []

    def watched(turn: Turn, now: float, limit: int) -> int:
        sizes.append(sweep(turn, now, limit))
        return sizes[-1]

    sweep = turns.sweep
    monkeypatch.setattr(turns, "sweep", watched)
    assert store.sweep(NOW, COUNT) == 1_800
    assert sizes == [100] * 18 + [0]


def test_what_is_over_is_found_by_its_index_however_much_it_is(store: SQLStore, server: Database) -> None:
    """SE-11: a table read from its start would be read past all that has been removed, again for each transaction."""
    asked = Asked(server)
    asked("ANALYZE secmw_sessions" if server.url.startswith("postgresql") else "ANALYZE TABLE secmw_sessions")
    find: Any = turns._SWEEPS[0][0]
    with store._lent().connect() as connection:
        said = find.limit(100).params(now=NOW).compile(connection, compile_kwargs={"literal_binds": True})
        plan = list(connection.exec_driver_sql(f"EXPLAIN {said}"))
    assert "secmw_sessions_until" in str(plan)

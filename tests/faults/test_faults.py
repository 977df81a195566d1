"""Something breaks under load: people are told to come back, soon all is well, and nothing they were promised is lost."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults import breaking
from tests.faults.breaking import Row
from tests.faults.cancelling import play_cancelled
from tests.faults.people import CUT, Tally
from tests.faults.places import Colour, redis, site, workers

pytestmark = [pytest.mark.server, pytest.mark.unmeasured]

#: Seconds in which a refusal, and the last one after a fault, must come; the report is measured, this is any machine's.
PROMPT = 5.0
SOON = 10.0


def _kept(row: Row) -> None:
    """What was acknowledged is there, each to their own, and strangers noticed nothing."""
    assert row.broken() == []
    assert row.tally.acknowledged > 0
    assert set(row.tally.statuses) <= {200, 503}
    assert set(row.tally.strangers) == {200}
    assert row.tally.refused < PROMPT
    assert row.recovery < SOON


@pytest.mark.parametrize("name", ["redis-always", "postgresql", "mariadb"])
def test_a_store_that_is_killed_or_stands_still_loses_nothing(name: str) -> None:
    """Nor one that was used before the workers were forked. (RB-01, RB-02, RB-03, SE-08)"""
    unbroken, *faults = breaking.play_store(name, 1, 1.0)
    _kept(unbroken)
    for row in faults:
        _kept(row)
        assert row.tally.statuses[503] > 0, row.fault


@pytest.mark.parametrize("how", [None, "limit"])
def test_a_full_disk_refuses_changes_until_there_is_room(how: str | None) -> None:
    """And reads go on. (RB-04)"""
    (row,) = breaking.play_full_disk("limit" if how else None, 1, 0.5)
    _kept(row)
    assert row.tally.statuses[503] > 0


@pytest.mark.parametrize("colour", ["asgi", "wsgi"])
def test_workers_that_are_killed_cut_their_connections_and_lose_nothing(colour: Colour) -> None:
    (row,) = breaking.play_worker_kills(colour, 3)
    assert row.broken() == []
    assert set(row.tally.statuses) <= {200, 503, CUT}
    # How soon another one starts is the server's affair.
    assert row.tally.statuses[CUT] > 0


def test_an_answer_that_nobody_waits_for_goes_to_nobody_else() -> None:
    """RB-02"""
    row = play_cancelled(100)
    assert row.broken() == []
    assert row.times >= 100
    # A request that is cancelled is no reason to give the connection up.
    assert row.notes == ["1 connections to Redis"]


def test_a_replica_that_takes_over_knows_of_every_end() -> None:
    (row,) = breaking.play_sentinel(1, "kill")
    assert row.broken() == []
    assert set(row.tally.statuses) <= {200, 503}
    assert row.tally.statuses[503] > 0
    assert row.recovery < SOON


# --- what is wrong is noticed


def test_a_store_that_keeps_nothing_is_noticed() -> None:
    with redis() as store, site(store.url) as servers:
        row = breaking.played(servers, "a Redis in memory", breaking.killed(store, 0.2), 1)
    assert any("is over: unknown" in what for what in row.broken())


def test_an_answer_of_somebody_else_is_noticed() -> None:
    with redis() as store, workers(store.url, "asgi", wrong="caching") as servers:
        row = breaking.played(servers, "a cache", breaking.nothing, 1)
    assert row.tally.crossed


def test_a_connection_that_forgets_who_left_is_noticed() -> None:
    assert play_cancelled(1_000, wrong="forgetful").broken()


def test_a_row_tells_all_that_was_counted() -> None:
    row = Row(
        fault="a fault",
        times=2,
        tally=Tally(statuses=Counter({CUT: 1, 503: 2, 200: 3}), refused=0.5),
    )
    assert (
        str(row)
        == "| a fault (2) | cut: 1, 200: 3, 503: 2 | 0.50 s | 0.00 s | 0.00 s | 0 of 0 | 0 | 0 | 0 | 0 |"
    )

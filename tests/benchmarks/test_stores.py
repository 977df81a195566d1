"""The tables of what sessions cost are whole, and round trips are as designed. How long anything takes is not asked here."""

from __future__ import annotations

import socket
import threading

import pytest

from benchmarks import stores, visits
from benchmarks.places import PLACES
from benchmarks.trips import relayed

pytestmark = pytest.mark.server

#: A Valkey is asked as a Redis is.
NAMES = [name for name in PLACES if name != "valkey"]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_there_and_round_trips_are_as_designed(name: str) -> None:
    """SE-09: one to read, two for a change in a Redis, a transaction in a database, none for strangers."""
    figures = stores.measure([name], [1_000], concurrent=[4], count=40)
    rows = stores.report(figures).splitlines()
    both = 1 if name in ("sentinel", "cluster") else 2
    assert [row.operation for row in figures.rows] == [*stores.OPERATIONS] * both
    assert [row.trips for row in figures.rows] == [*stores.DESIGNED[name][0]] * both
    assert all(0 < row.times[4].p50 <= row.times[4].p99 for row in figures.rows)
    assert all(row.times[4].cpu > 0 for row in figures.rows)
    assert sum(row.startswith(f"| {figures.rows[0].store} | ") for row in rows) == len(stores.OPERATIONS)
    (found,) = figures.visits.values()
    assert tuple(found.values()) == stores.DESIGNED[name][1]
    assert all(any(row.startswith(f"| {request} | ") for row in rows) for request in visits.REQUESTS)
    (weight,) = figures.weights
    # A MariaDB makes room for more than that at once.
    assert 400 < weight.bytes < (20_000 if name == "mariadb" else 1_500)


def test_what_takes_another_round_trip_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(operation: str, number: int) -> stores.Steps:
        return [*once(operation, number)] * (2 if operation == "load" else 1)

    once = stores.steps_of
    monkeypatch.setattr(stores, "steps_of", twice)
    with pytest.raises(stores.WrongTripsError, match="'load': 2"):
        stores.measure(["redis"], [100], concurrent=[1], count=10)


def test_a_round_trip_is_what_the_client_says_after_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def echo() -> None:
            with listening.accept()[0] as server:
                whole = b""
                while said := server.recv(100):
                    whole += said
                    if whole.endswith(b"."):
                        server.sendall(whole.upper())
                        whole = b""

        serving = threading.Thread(target=echo)
        serving.start()
        with relayed(listening.getsockname()[1]) as (port, trips):
            with socket.create_connection(("127.0.0.1", port)) as client:
                for words in ([b"one."], [b"two."], [b"in ", b"three ", b"pieces."]):
                    for word in words:
                        client.sendall(word)
                    answer, whole = b"", b"".join(words).upper()
                    while answer != whole:
                        answer += client.recv(100)
            serving.join(10)
            assert not serving.is_alive()
            assert (trips.read(), trips.read()) == (3, 0)

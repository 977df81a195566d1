"""What so many sessions need follows from what operations cost, and what waits waits as queues are known to."""

from __future__ import annotations

import math

import pytest

from benchmarks.capacity import (
    GIB,
    Cost,
    Depth,
    Kind,
    Load,
    Machine,
    deep,
    need,
    tables,
    waits,
    weight_in_cluster,
)

OPERATIONS = ("load", "touch", "update", "sign in", "sign out")


def kind(busy: float, *, weight: float = 1_000.0, cores: int = 1, removes: float | None = None) -> Kind:
    """Make a server to which every operation costs the same."""
    cost = Cost(busy=busy, moved=500.0, logged=400.0)
    return Kind(name="x", weight=weight, costs=dict.fromkeys(OPERATIONS, cost), cores=cores, removes=removes)


def test_the_load_of_sessions_is_what_they_ask_for_at_the_busiest_time() -> None:
    rates = Load(pause=100, touches=0.5, changes=0.1, lasting=1_000, leaving=0.5).rates(1_000)
    assert rates == {"load": 10, "touch": 5, "update": 1, "sign in": 1, "sign out": 0.5}


def test_what_is_needed_most_decides_how_many_masters_there_are() -> None:
    load, machine = Load(pause=100, touches=0, changes=0, lasting=math.inf), Machine(memory=1 * GIB)
    # 10,000 requests a second, of ten microseconds of a core each: the memory decides.
    found = need(kind(1e-5), 1e6, load, machine)
    assert (found.requests, found.memory) == (10_000, 1e9)
    assert found.by_memory == pytest.approx(1e9 / GIB / 0.5)
    assert found.by_cores == pytest.approx(0.2)
    assert found.masters == 2
    assert found.busy == pytest.approx(0.05)
    # Where they are dear the core decides, and where there are four cores the memory again.
    assert need(kind(2e-4), 1e6, load, machine).masters == 4
    assert need(kind(2e-4, cores=4), 1e6, load, machine).masters == 2
    # What 10,000 requests move and log is 9 MB a second.
    slow = Machine(memory=1 * GIB, network=4e6)
    assert need(kind(1e-5), 1e6, load, slow).masters == math.ceil(9e6 / 2e6)


def test_a_sweep_that_does_not_keep_up_is_told() -> None:
    load = Load(lasting=1_000)
    assert need(kind(1e-5), 1e6, load, Machine()).removing is None
    assert need(kind(1e-5, removes=500), 1e6, load, Machine()).removing == pytest.approx(2.0)


@pytest.mark.parametrize("busy", [0.2, 0.5, 0.8])
def test_the_simulation_waits_as_long_as_the_theory_says(busy: float) -> None:
    """How long the hundredth waits is known for a queue where all take the same time (M/D/1)."""
    took = 1e-4
    half, most = waits(kind(took), Load(), busy)
    assert took <= half <= most
    # Its tail falls nearly exponentially, at the rate x where busy (e^x - 1) = x (Erlang).
    low, high = 1e-6, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if busy * math.expm1(middle) < middle else (low, middle)
    share = (1 - busy) / (busy * math.exp(low) - 1)
    assert most == pytest.approx(took * (1 + math.log(share / 0.01) / low), rel=0.15)


def test_one_line_for_many_cores_is_the_shorter_one() -> None:
    _, alone = waits(kind(1e-4), Load(), 0.8)
    half, together = waits(kind(1e-4, cores=16), Load(), 0.8)
    assert half == pytest.approx(1e-4)
    assert together < alone / 2


def test_a_hash_table_is_a_power_of_two() -> None:
    """Two of them, of pointers."""
    assert [tables(keys) for keys in (0, 3, 4, 5, 1_024, 1_025)] == [0, 64, 64, 128, 16_384, 32_768]


def test_a_session_in_a_cluster_has_two_keys_in_the_lists_of_their_slots() -> None:
    alone = 700 + tables(2_000) / 1_000
    assert weight_in_cluster(alone, 1_000, 3, 3_000) == pytest.approx(700 + 32 + tables(2_000) / 1_000)
    assert weight_in_cluster(alone, 1_000, 1, 1_100) == pytest.approx(700 + 32 + tables(2_200) / 1_100)


def test_commands_that_come_together_share_a_look_at_the_wire() -> None:
    alone, crowded = Depth(1, 12.0), Depth(50, 2.2)
    assert deep(alone, crowded, 1) == pytest.approx(12.0)
    assert deep(alone, crowded, 50) == pytest.approx(2.2)
    assert deep(alone, crowded, 10) == pytest.approx(3.0)

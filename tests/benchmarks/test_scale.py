"""What the model says of a Cluster is compared with one; how quick it is, is not asked here."""

from __future__ import annotations

import pytest

from benchmarks import scale
from benchmarks.capacity import Cost, Kind, Load, Machine

#: What a small one costs.
KIND = Kind(
    name="Redis 0",
    weight=800.0,
    costs=dict.fromkeys(scale.OPERATIONS, Cost(busy=2e-5, moved=500.0, logged=400.0)),
)


@pytest.mark.server
def test_the_memory_of_a_cluster_is_as_predicted_and_its_cores_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scale, "ROUNDS", 1)
    checks = scale.check(4_000, 200)
    assert len(checks) == 1 + len(scale.OPERATIONS) + 1
    assert abs(checks[0].error) < 0.03
    assert all(check.predicted > 0 and check.measured > 0 for check in checks)
    lines = scale.compared(checks).splitlines()
    assert len(lines) == 2 + len(checks)


@pytest.mark.server
def test_what_an_operation_costs_a_server_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "ROUNDS", 1)
    found = scale.measure(scale.KINDS[0][0], 500, 200)
    assert 500 < found.weight < 3_000
    for operation, cost in found.costs.items():
        assert 0 < cost.busy < 0.1
        # A load is sent to no replica, and everything else is.
        assert (cost.logged > 100) is (operation != "load")
        assert 200 < cost.moved < 2_000


def test_there_is_a_line_for_each_size_and_kind() -> None:
    rows = scale.needs([KIND, KIND], Load(), Machine()).splitlines()
    assert len(rows) == 2 + len(scale.SIZES) * 2
    assert rows[2].startswith("| 1,000,000 | 3,333 | Redis 0 | 0.7 GiB ")
    assert rows[-1].startswith("| 1,000,000,000 | 3,333,333 | Redis 0 | 745.1 GiB ")
    assert "| a session, bytes | 800 |" in scale.inputs([KIND])

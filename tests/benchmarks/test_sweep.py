"""A sweep while requests go on, at a hundredth of the size of ``python -m benchmarks.sweep``."""

from __future__ import annotations

import pytest

from benchmarks import sweep
from benchmarks.places import PLACES
from secmw.sweep import BATCH

pytestmark = pytest.mark.server


@pytest.mark.parametrize("name", sweep.SWEPT)
def test_all_that_is_over_is_swept_in_small_batches_and_requests_go_on(name: str) -> None:
    """SE-11, RB-06"""
    sessions = 1_000 if name == "redis" else 10_000
    with PLACES[name]() as place:
        found = sweep.measure(place, sessions, quiet=0.0)
    over = sessions * 9 // 10
    assert (found.sessions, found.removed) == (sessions, over)
    assert found.batches > over / BATCH
    assert found.during.count >= 100
    # A busy machine may refuse some, a sweep that locks what requests want would refuse most.
    assert found.during.refused < found.during.count / 10
    (line,) = [line for line in sweep.table([found]).splitlines() if line.startswith(f"| {place.name} | ")]
    assert f"| {over:,} | {sessions:,} |" in line


def test_what_a_sweep_leaves_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.Timed, "run", lambda timed: timed.sweep(0.0, 1))
    with PLACES["sqlite"]() as place, pytest.raises(AssertionError):
        sweep.measure(place, 100, quiet=0.0)

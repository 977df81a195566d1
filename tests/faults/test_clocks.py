"""Clocks are set back and forward while servers run, and differ from one another: what was refused stays refused."""

from __future__ import annotations

import pytest

from tests.faults.clocks import BEHIND, PLACES, play_clocks

pytestmark = pytest.mark.server


@pytest.mark.parametrize("store", PLACES)
def test_no_clock_revives_a_session(store: str) -> None:
    """It lives longer than it may by as much as two clocks differ, and in one process not at all. (SE-05, SE-21)"""
    seen = play_clocks(store)
    assert seen.broken == []
    assert seen.alone < 1.0
    for behind, (opened, refused) in seen.beyond.items():
        assert opened <= behind <= refused
    assert len(seen.beyond) == (0 if store == "memory" else len(BEHIND))

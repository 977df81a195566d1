"""MemoryTrail keeps the last events and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.audit import AsyncMemoryTrail, Event, MemoryTrail

EVENT = Event(time=0.0, action="x")


@given(st.integers(1, 20), st.lists(st.integers(0, 7), max_size=12))
def test_old_events_go_and_their_numbers_do_not_come_back(limit: int, batches: list[int]) -> None:
    trail = MemoryTrail(limit)
    total = 0
    for size in batches:
        assert [event.id for event in trail.append([EVENT] * size)] == list(
            range(total + 1, total + size + 1)
        )
        total += size
    assert trail.count() == min(total, limit)
    assert [event.id for event in trail.recent(100)] == list(range(total, max(0, total - limit), -1))


@pytest.mark.anyio
async def test_the_async_one_is_made_of_the_other() -> None:
    trail = AsyncMemoryTrail(limit=1)
    await trail.append([EVENT, EVENT])
    assert await trail.count() == trail.blocking.count() == 1
    assert await trail.recent(5) == trail.blocking.recent(5)
    await trail.close()

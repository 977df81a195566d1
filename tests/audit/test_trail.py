"""What every trail owes, in both colours: it numbers what it keeps, and changes nothing else."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secmw.audit import AsyncTrail, Event, Trail, open_trail
from tests.audit.test_lines import EVENTS

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "async memory", "sqlite", "async sqlite"])
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Any]:
    """Return a function that makes a trail, each time another, which has time: how soon it gives up is asked elsewhere."""
    monkeypatch.setattr("secmw.stores.database.PATIENCE", 10.0)
    monkeypatch.setattr("secmw.stores.threads.PATIENCE", 10.0)
    colour, _, kind = request.param.rpartition(" ")
    numbers = iter(range(10_000))

    def made() -> Any:
        url = "memory://" if kind == "memory" else f"sqlite://{tmp_path}/{next(numbers)}.db"
        return open_trail(url, asynchronous=bool(colour))

    return made


@pytest.fixture
def trail(make: Callable[[], Any]) -> Any:
    return make()


async def got(result: Any) -> Any:
    """Wait for what one colour gives at once."""
    return await result if inspect.isawaitable(result) else result


def event(**fields: Any) -> Event:
    return Event(**{"time": 1_750_000_000.0, "action": "user_login", **fields})


async def ids(trail: Any, *args: Any) -> list[int]:
    return [found.id for found in await got(trail.recent(*args))]


async def test_it_is_a_trail(trail: Any) -> None:
    # A protocol's methods say nothing of their colour at run time.
    assert [isinstance(trail, protocol) for protocol in (Trail, AsyncTrail)] == [True, True]
    await got(trail.close())


async def test_events_are_numbered_from_one_and_go_up(trail: Any) -> None:
    first = await got(trail.append([event(), event()]))
    second = await got(trail.append([event()]))
    assert [found.id for found in (*first, *second)] == [1, 2, 3]
    await got(trail.close())


async def test_a_number_that_an_event_brings_is_not_kept(trail: Any) -> None:
    (found,) = await got(trail.append([event(id=99)]))
    assert found.id == 1
    await got(trail.close())


async def test_nothing_is_appended_as_nothing(trail: Any) -> None:
    assert await got(trail.append([])) == ()
    assert await got(trail.count()) == 0
    await got(trail.close())


async def test_the_newest_come_first_page_by_page(trail: Any) -> None:
    await got(trail.append([event() for _ in range(5)]))
    assert await got(trail.count()) == 5
    assert await ids(trail, 2) == [5, 4]
    assert await ids(trail, 2, 4) == [3, 2]
    assert await ids(trail, 2, 2) == [1]
    assert await ids(trail, 2, 1) == []
    assert await ids(trail, 0) == []
    assert await ids(trail, -1) == []
    await got(trail.close())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, max_size=4))
async def test_what_is_kept_is_what_was_given_but_for_its_number(
    make: Callable[[], Any], events: list[Event]
) -> None:
    """AU-01, AU-04: whatever text it holds."""
    trail = make()
    numbered = await got(trail.append(events))
    expected = [msgspec.structs.replace(event, id=number) for number, event in enumerate(events, 1)]
    assert list(numbered) == expected
    assert await got(trail.recent(10)) == expected[::-1]
    await got(trail.close())


async def test_a_trail_that_was_closed_opens_again(trail: Any) -> None:
    await got(trail.append([event()]))
    await got(trail.close())
    await got(trail.close())
    (found,) = await got(trail.append([event()]))
    assert found.id == 2
    await got(trail.close())


async def test_threads_get_numbers_of_their_own(trail: Any) -> None:
    trail = getattr(trail, "blocking", trail)
    taken: list[int] = []

    def work() -> None:
        for _ in range(25):
            taken.extend(found.id for found in trail.append([event(), event()]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 201))
    # Both events of a batch stand side by side.
    assert all(second == first + 1 for first, second in zip(taken[::2], taken[1::2], strict=True))
    trail.close()

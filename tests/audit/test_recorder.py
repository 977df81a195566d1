"""Events are committed, then passed on; what can't be is counted, said and, if the policy asks for it, refused."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import pytest

from secmw import SinkError
from secmw.audit import AsyncRecorder, Event, MemoryTrail, Recorder, recorder
from secmw.config.settings import Audit
from secmw.sinks import MemorySink
from secmw.testing import FrozenClock
from tests.test_twins import Sync

pytestmark = [
    pytest.mark.anyio,
    # Alarms speak on stderr and on the log, which is what is wanted.
    pytest.mark.filterwarnings("error"),
]

LOGIN = Event(time=1_750_000_000.0, action="user_login", user_id="42")


class Fragile(MemoryTrail):
    """Be a trail whose disk is full for as long as ``fault`` says so."""

    fault: Exception | None = None

    def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        if self.fault:
            raise self.fault
        return super().append(events)


class AsyncFragile:
    """Be the other colour of it."""

    def __init__(self) -> None:
        self.blocking = Fragile()

    async def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        return self.blocking.append(events)

    async def recent(self, limit: int, before: int | None = None) -> list[Event]:
        return self.blocking.recent(limit, before)

    async def count(self) -> int:
        return self.blocking.count()

    async def close(self) -> None:
        self.blocking.close()


class Make(Protocol):
    def __call__(self, **settings: Any) -> Scene: ...


class Scene:
    """Hold a recorder of either colour and what it writes to; call it as if it were the sync one, and wait."""

    def __init__(self, colour: str, settings: Audit) -> None:
        self.clock = FrozenClock()
        self.sink = MemorySink()
        self.recorder: Any
        if colour == "sync":
            self.trail = Fragile()
            self.recorder = Recorder(self.trail, [self.sink], settings=settings, clock=self.clock)
        else:
            trail = AsyncFragile()
            self.trail = trail.blocking
            self.recorder = AsyncRecorder(trail, [self.sink], settings=settings, clock=self.clock)

    async def __call__(self, verb: str, *args: Any) -> None:
        result = getattr(self.recorder, verb)(*args)
        if inspect.isawaitable(result):
            await result

    @property
    def kept(self) -> list[str]:
        return [event.action for event in self.trail.recent(1000)[::-1]]


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Make:
    def made(**settings: Any) -> Scene:
        return Scene(request.param, Audit(**settings))

    return made


# --- the two colours


def shape(name: str) -> str:
    tree = ast.parse(inspect.getsource(recorder))
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return ast.dump(Sync().visit(found))


async def test_the_two_colours_are_the_same_text() -> None:
    assert shape("AsyncRecorder") == shape("Recorder")
    classes = [
        node.name for node in ast.parse(inspect.getsource(recorder)).body if isinstance(node, ast.ClassDef)
    ]
    assert classes == ["Recorder", "AsyncRecorder"]


# --- recording


async def test_what_sinks_get_is_what_the_trail_has_numbered(make: Make) -> None:
    scene = make()
    await scene("record", [LOGIN, LOGIN])
    await scene("record", [LOGIN])
    assert [event.id for event in scene.sink.events] == [1, 2, 3]
    assert scene.sink.events == scene.trail.recent(9)[::-1]
    await scene("close")


async def test_nothing_to_record_is_nothing_recorded(make: Make) -> None:
    scene = make()
    await scene("record", [])
    await scene("flush")
    await scene("close")
    assert (scene.kept, scene.sink.actions) == ([], [])


# --- the trail fails


@pytest.mark.parametrize("fault", [SinkError("disk full"), ZeroDivisionError()])
async def test_the_application_goes_on_and_what_is_lost_is_counted(
    make: Make, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """AU-07"""
    scene = make()
    scene.trail.fault = fault
    await scene("record", [LOGIN, LOGIN])
    await scene("record", [LOGIN])
    assert scene.recorder.lost == 3
    assert len(caplog.records) == 1
    # The files may still be written; a number they can't have.
    assert [event.id for event in scene.sink.events] == [0, 0, 0]
    await scene("close")


async def test_the_trail_says_itself_what_it_lacks(make: Make) -> None:
    """AU-07"""
    scene = make()
    await scene("record", [LOGIN])
    scene.trail.fault = SinkError("disk full")
    for _ in range(5):
        await scene("record", [LOGIN])
    scene.trail.fault = None
    await scene("record", [LOGIN])
    await scene("record", [LOGIN])
    assert scene.kept == ["user_login", "audit_gap", "user_login", "user_login"]
    gap = scene.trail.recent(3)[-1]
    assert (gap.extra, gap.outcome) == ({"count": 5}, "failure")
    assert scene.recorder.lost == 5
    assert "audit_gap" in scene.sink.actions
    await scene("close")


async def test_where_the_policy_says_so_it_is_an_error(make: Make) -> None:
    """AU-07"""
    scene = make(on_failure="refuse")
    scene.trail.fault = OSError("disk full")
    with pytest.raises(SinkError, match="did not take the events") as raised:
        await scene("record", [LOGIN])
    assert raised.value.__cause__ is scene.trail.fault
    assert scene.recorder.lost == 1
    assert scene.sink.events == []
    await scene("close")


async def test_a_refusal_of_a_stranger_stays_what_it_is(make: Make) -> None:
    """AU-07"""
    scene = make(on_failure="refuse")
    scene.trail.fault = SinkError("disk full")
    await scene("note", LOGIN)
    assert scene.recorder.lost == 1
    await scene("close")


async def test_a_sink_that_fails_fails_no_request(make: Make) -> None:
    """AU-07: even where the trail's failure would."""
    scene = make(on_failure="refuse")
    scene.sink.events = None  # type: ignore[assignment]
    await scene("record", [LOGIN, LOGIN])
    assert scene.kept == ["user_login", "user_login"]
    assert (scene.recorder.lost, scene.recorder.missed) == (0, 2)
    await scene("close")


# --- strangers


def refused(scene: Scene, client: str = "203.0.113.9") -> Event:
    return Event(
        time=scene.clock.now(),
        action="request_refused",
        client=client,
        reason="host_not_allowed",
        outcome="refused",
    )


async def test_a_flood_is_so_many_events_and_one_count(make: Make) -> None:
    """AU-11"""
    scene = make()
    for number in range(1000):
        await scene("note", refused(scene, f"203.0.113.{number % 256}"))
    assert scene.kept == ["request_refused"] * 20
    scene.clock.move(60)
    await scene("flush")
    assert scene.kept == ["request_refused"] * 20 + ["suppressed"]
    assert scene.trail.recent(1)[0].extra["count"] == 980
    assert scene.sink.events == scene.trail.recent(100)[::-1]
    await scene("close")


async def test_the_allowance_is_the_policys(make: Make) -> None:
    """AU-11"""
    scene = make(refusals_per_minute=2)
    for _ in range(5):
        await scene("note", refused(scene))
    assert scene.trail.count() == 2
    await scene("close")


async def test_whatever_is_recorded_next_brings_the_counts_that_are_due(make: Make) -> None:
    """AU-11"""
    scene = make(refusals_per_minute=1)
    for _ in range(3):
        await scene("note", refused(scene))
    await scene("record", [LOGIN])
    scene.clock.move(60)
    await scene("record", [LOGIN])
    assert scene.kept == ["request_refused", "user_login", "suppressed", "user_login"]
    await scene("close")


async def test_what_was_counted_is_recorded_at_the_end(make: Make) -> None:
    """AU-11"""
    scene = make(refusals_per_minute=1)
    for _ in range(3):
        await scene("note", refused(scene))
    await scene("close")
    assert scene.kept == ["request_refused", "suppressed"]

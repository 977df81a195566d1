"""Every sink gets every event, and none that fails keeps it from the others."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from secmw.audit import Event
from secmw.audit.outlets import AsyncOutlets, Outlets
from secmw.sinks import MemorySink
from secmw.testing import FrozenClock

pytestmark = pytest.mark.anyio

EVENTS = [Event(id=1, time=0.0, action="user_login"), Event(id=2, time=0.0, action="web_sudo")]
COLOURS = pytest.mark.parametrize("kind", [Outlets, AsyncOutlets])


class Broken:
    """Fails, as a sink of somebody else's may."""

    def write(self, events: Sequence[Event]) -> None:
        raise ZeroDivisionError

    def close(self) -> None:
        raise ZeroDivisionError


class Where(MemorySink):
    """Remembers which thread wrote."""

    def write(self, events: Sequence[Event]) -> None:
        super().write(events)
        self.thread = threading.current_thread()


async def got(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


@COLOURS
async def test_a_sink_that_fails_is_reported_and_harms_nobody(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """AU-07"""
    before, after = MemorySink(), MemorySink()
    outlets = kind([before, Broken(), after], FrozenClock())
    await got(outlets.write(EVENTS))
    assert before.events == after.events == EVENTS
    assert outlets.missed == 2
    assert [record.getMessage() for record in caplog.records] == [
        "the sink Broken failed: 2 audit events not written since the start; ZeroDivisionError()"
    ]
    await got(outlets.close())
    assert outlets.missed == 2


@COLOURS
async def test_without_sinks_there_is_nothing_to_do(kind: Any) -> None:
    outlets = kind([], FrozenClock())
    threads = threading.active_count()
    await got(outlets.write(EVENTS))
    await got(outlets.close())
    assert threading.active_count() == threads
    assert outlets.missed == 0


async def test_for_the_event_loop_another_thread_writes() -> None:
    sink = Where()
    outlets = AsyncOutlets([sink], FrozenClock())
    await outlets.write(EVENTS)
    assert sink.thread is not threading.current_thread()
    await outlets.close()


async def test_without_one_the_thread_of_the_request_does() -> None:
    sink = Where()
    Outlets([sink], FrozenClock()).write(EVENTS)
    assert sink.thread is threading.current_thread()

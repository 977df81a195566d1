"""What could not be written is counted exactly, said once a minute, and told to the trail."""

from __future__ import annotations

import io
import logging
import sys
import threading

import pytest

from secmw.audit.losses import Alarm, Losses
from secmw.testing import FrozenClock

FAULT = OSError(28, "No space left on device")


def test_it_is_said_on_the_log_and_on_stderr(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """AU-07"""
    Alarm("the audit trail can't be written", FrozenClock()).sound(2, FAULT)
    ((name, level, text),) = caplog.record_tuples
    assert (name, level) == ("secmw", logging.CRITICAL)
    assert text.startswith("the audit trail can't be written: 2 audit events not written since the start; ")
    assert "No space left" in text
    assert capsys.readouterr().err == f"secmw: {text}\n"


def test_it_is_said_once_a_minute_and_counted_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """AU-07"""
    clock = FrozenClock()
    alarm = Alarm("it failed", clock)
    for _ in range(100):
        alarm.sound(1, FAULT)
    clock.move(59)
    alarm.sound(1, FAULT)
    assert len(caplog.records) == 1
    clock.move(1)
    alarm.sound(1, FAULT)
    assert [record.getMessage().split(": ")[1].split()[0] for record in caplog.records] == ["1", "102"]
    assert alarm.count == 102


def test_a_clock_that_is_set_back_does_not_silence_it(caplog: pytest.LogCaptureFixture) -> None:
    clock = FrozenClock()
    alarm = Alarm("it failed", clock)
    alarm.sound(1, FAULT)
    clock.move(-86_400)
    alarm.sound(1, FAULT)
    assert len(caplog.records) == 2


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_process_without_stderr_goes_on(stream: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """AU-07: as a daemon has none."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed if stream else None)
    # The last resort of logging would write there too.
    monkeypatch.setattr(logging, "raiseExceptions", False)
    alarm = Alarm("it failed", FrozenClock())
    alarm.sound(1, FAULT)
    assert alarm.count == 1


def test_what_an_error_says_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Alarm("it failed", FrozenClock()).sound(1, OSError("a\nb\x1b[31m\u2028"))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_threads_lose_no_count() -> None:
    alarm = Alarm("it failed", FrozenClock())

    def work() -> None:
        for _ in range(200):
            alarm.sound(1, FAULT)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alarm.count == 1600


def test_what_was_lost_is_claimed_once() -> None:
    losses = Losses(FrozenClock())
    assert losses.claim(5.0) == ()
    losses.add(3, (), FAULT)
    (gap,) = losses.claim(5.0)
    assert (gap.time, gap.action, gap.outcome, gap.extra) == (5.0, "audit_gap", "failure", {"count": 3})
    assert losses.claim(5.0) == ()
    assert losses.count == 3


def test_what_could_not_be_told_is_told_later() -> None:
    losses = Losses(FrozenClock())
    losses.add(3, (), FAULT)
    losses.add(2, losses.claim(5.0), FAULT)
    (gap,) = losses.claim(6.0)
    assert gap.extra == {"count": 5}
    assert losses.count == 5

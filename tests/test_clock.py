"""The one source of time."""

from __future__ import annotations

import time

from secmw import clock


def test_the_system_clock_tells_unix_seconds() -> None:
    before = time.time()
    now = clock.system.now()
    assert before <= now <= time.time()

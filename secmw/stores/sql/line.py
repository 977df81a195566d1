"""Line: who waits for a connection gets one in the order they came.

A pool wakes whoever has waited longest, but a thread that is running takes the connection before the woken one gets to it:
under load the same few threads go on and on, and others wait until they are refused. Here a place is handed over, so that
nobody can take it in between.
"""

from __future__ import annotations

import threading
from collections import deque


class Line:
    """Let so many in at a time, in the order they came; for threads.

    >>> line = Line(1)
    >>> line.enter(0.01), line.enter(0.01)
    (True, False)
    >>> line.leave()
    >>> line.enter(0.01)
    True
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def enter(self, seconds: float) -> bool:
        """Wait for a place, at most so long; whoever is in says :meth:`leave` afterwards."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        # It was handed over just now.
        return True

    def leave(self) -> None:
        """Give the place to whoever has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

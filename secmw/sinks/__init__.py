"""Where audit events go besides the trail: one file per destination.

A sink repeats what the trail has numbered and kept; that it fails, or is slow, changes nothing about the trail.
"""

from __future__ import annotations

from secmw.sinks.base import Sink
from secmw.sinks.memory import MemorySink

__all__ = ["MemorySink", "Sink"]

"""Where audit events go besides the trail: one file per destination.

A sink repeats what the trail has numbered and kept; that it fails, or is slow, changes nothing about the trail. Importing this
loads none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from secmw.sinks.base import Sink

if TYPE_CHECKING:
    from secmw.sinks.json_lines import JSONLinesSink
    from secmw.sinks.log import LoggingSink
    from secmw.sinks.memory import MemorySink

_HOMES = {
    "JSONLinesSink": "secmw.sinks.json_lines",
    "LoggingSink": "secmw.sinks.log",
    "MemorySink": "secmw.sinks.memory",
}


def __getattr__(name: str) -> Any:
    """Load a sink when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'secmw.sinks' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = ["JSONLinesSink", "LoggingSink", "MemorySink", "Sink"]

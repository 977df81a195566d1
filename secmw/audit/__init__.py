"""The audit trail: what happened, by whom, numbered and kept.

``open_trail`` makes a trail out of a URL; the trails themselves load when they are first used. Formats other than JSON
lines, the chain of events and queries belong here too, beside what there is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from secmw.audit.action import Action
from secmw.audit.event import Event
from secmw.audit.opening import open_trail
from secmw.audit.trail import AsyncTrail, Trail

if TYPE_CHECKING:
    from secmw.audit.memory import AsyncMemoryTrail, MemoryTrail
    from secmw.audit.recorder import AsyncRecorder, Recorder
    from secmw.audit.sqlite import AsyncSQLiteTrail, SQLiteTrail

_HOMES = {
    "AsyncMemoryTrail": "secmw.audit.memory",
    "AsyncRecorder": "secmw.audit.recorder",
    "AsyncSQLiteTrail": "secmw.audit.sqlite",
    "MemoryTrail": "secmw.audit.memory",
    "Recorder": "secmw.audit.recorder",
    "SQLiteTrail": "secmw.audit.sqlite",
}


def __getattr__(name: str) -> Any:
    """Load a trail or a recorder when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'secmw.audit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Action",
    "AsyncMemoryTrail",
    "AsyncRecorder",
    "AsyncSQLiteTrail",
    "AsyncTrail",
    "Event",
    "MemoryTrail",
    "Recorder",
    "SQLiteTrail",
    "Trail",
    "open_trail",
]

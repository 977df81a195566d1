"""The audit trail: what happened, by whom, numbered and kept."""

from __future__ import annotations

from secmw.audit.event import Event

__all__ = ["Event"]

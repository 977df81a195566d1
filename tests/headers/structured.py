"""An oracle for structured fields: http-sf, an RFC 9651 parser that knows nothing of secmw."""

from __future__ import annotations

from typing import Any

import http_sf


def dictionary(value: str) -> dict[str, Any]:
    """Read a dictionary; an inner list becomes a tuple of texts, anything else a text."""
    parsed: Any = http_sf.parse(value.encode("ascii"), tltype="dictionary")
    return {
        name: tuple(str(item) for item, _ in member) if isinstance(member, list) else str(member)
        for name, (member, _) in parsed.items()
    }

"""Read a duration as people write it: ``12h``, ``30m``, ``7d``, ``1d12h``, or a bare number of seconds."""

from __future__ import annotations

import re
from datetime import timedelta

#: Longer than any limit a session, a cookie or HSTS can have; keeps sums of durations far from overflow.
LONGEST = 10 * 366 * 24 * 3600

# durationpy also reads signs, Arabic digits and months; a policy does not mean any of them.
_WRITTEN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdwy]))+", re.ASCII)


def seconds(value: float | str | timedelta) -> int:
    """Turn a duration into whole seconds, 0 to ten years.

    A bare integer, also as text, is seconds. Units are ``ms``, ``s``, ``m``, ``h``, ``d``, ``w`` and ``y`` (365 days).
    Raise ValueError for anything else.

    >>> seconds("1d12h"), seconds(300), seconds("300"), seconds("1y")
    (129600, 300, 300, 31536000)
    """
    if isinstance(value, bool):
        raise ValueError("is not a duration; write seconds as a number, or text such as 12h, 30m or 7d")
    found: float
    if isinstance(value, timedelta):
        found = value.total_seconds()
    elif isinstance(value, int | float):
        found = value
    else:
        found = _parse(value.strip())
    if not 0 <= found <= LONGEST:
        raise ValueError("is out of range; a duration lies between 0 and ten years")
    if found != int(found):
        raise ValueError("is finer than a second; write whole seconds")
    return int(found)


def _parse(text: str) -> float:
    if text.isascii() and text.isdigit() and len(text) < 16:
        return float(text)
    if len(text) > 64 or not _WRITTEN.fullmatch(text):
        raise ValueError("is not a duration; write seconds as a number, or text such as 12h, 30m or 7d")
    import durationpy  # only policies written as text need it

    found: float = durationpy.from_str(text).total_seconds()
    return found

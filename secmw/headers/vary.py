"""Vary (RFC 9110 section 12.5.5): merging names into the value an application gave. It decides nothing by itself."""

from __future__ import annotations

from collections.abc import Sequence


def vary_with(existing: str | None, names: Sequence[str]) -> str:
    """Return Vary with ``names`` added, each name once whatever its case, in the order they came.

    ``*`` stays alone: it says already that everything matters.

    >>> vary_with("Accept-Encoding, cookie", ("Cookie", "Origin"))
    'Accept-Encoding, cookie, Origin'
    """
    merged: dict[str, str] = {}
    for name in (*(existing or "").split(","), *names):
        member = name.strip(" \t")
        if member == "*":
            return "*"
        if member:
            merged.setdefault(member.lower(), member)
    return ", ".join(merged.values())

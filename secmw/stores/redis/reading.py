"""Reading sessions: what was found out about the bytes of one is remembered for as long as Redis answers with the same ones.

Nearly every request finds its session as the one before has found it. Its checksum is right then as it was, and whoever
asks gets the very same object, by which :mod:`secmw.sessions.recognising` knows it again.
"""

from __future__ import annotations

from typing import Final

from secmw.stores.redis.layout import unsealed

#: How many sessions are remembered, and how many bytes one may have.
_REMEMBERED: Final = 1024
_LARGEST: Final = 2048


class Sessions:
    """Read sessions, for all threads and loops of a store."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, bytes]] = {}

    def __repr__(self) -> str:
        """Show how many there are: what they hold is secret."""
        return f"<Sessions {len(self._known)}>"

    def read(self, key: bytes, raw: bytes | None) -> bytes | None:
        """Return what lies under a key as :func:`secmw.stores.redis.layout.unsealed` does; None for nothing.

        It is the same object as the last time, where Redis has answered with the same bytes.
        """
        if raw is None:
            return None
        known = self._known.get(key)
        if known is not None and known[0] == raw:
            return known[1]
        kept = unsealed(raw)
        if len(raw) <= _LARGEST:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = raw, kept
        return kept

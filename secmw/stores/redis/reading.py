"""Reading sessions: what was found out about the bytes of one is remembered for as long as Redis answers with the same ones.

Nearly every request finds its session as the one before has found it. Its checksum is right then as it was, and whoever
asks gets the very same object, by which :mod:`secmw.sessions.recognising` knows it again.

Redis is asked each time, and all of its answer is compared: nobody is ever answered from here alone. What lies here is what
Redis sent, in the memory of the worker: what the session holds, whose it is, and the digest of its secret, but not the secret.
It goes when somebody asks and the session has ended or changed; of one that nobody asks for any more it lies here until
so many others came, or the store object goes.
"""

from __future__ import annotations

from typing import Final

from secmw.sessions.record import OURS
from secmw.stores.redis.layout import unsealed

#: How many sessions are remembered, and how many bytes one may have.
_REMEMBERED: Final = 1024
_LARGEST: Final = 2048


class Sessions:
    """Read sessions, for all threads and loops of a store.

    Threads need no lock: each step here is one of a dict's own, and whatever another thread has put there meanwhile is
    compared before it counts.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, bytes]] = {}

    def __repr__(self) -> str:
        """Show how many there are: what they hold is nobody's business."""
        return f"<Sessions {len(self._known)}>"

    def read(self, key: bytes, raw: bytes | None) -> bytes | None:
        """Return what lies under a key as :func:`secmw.stores.redis.layout.unsealed` does; None for nothing.

        It is the same object as the last time, where Redis has answered with the same bytes.
        """
        known = self._known.get(key)
        if known is not None:
            if known[0] == raw:
                return known[1]
            self._known.pop(key, None)
        if raw is None:
            return None
        kept = unsealed(raw)
        # Who has signed out asks once or twice more: of a tombstone there is nothing to remember.
        if len(raw) <= _LARGEST and kept[:2] == OURS:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = raw, kept
        return kept

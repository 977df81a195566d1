"""What is asked of Redis to remove what is over by our clock; most of it Redis has removed by its own. Does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from secmw.sessions.record import Record
from secmw.stores.redis import scripts
from secmw.stores.redis.asking import BATCH, Plan, ask, ask_in_batches
from secmw.stores.redis.layout import HEAD, Entry, Keys, found, index, over
from secmw.stores.redis.users import UserPlans

#: Steps of one sweep at most, of some hundred keys each: a tenth of a second, after which requests have their turn.
_STEPS: Final = 20


class Sweeps(UserPlans):
    """Make the plans of a sweep; it remembers where the last one stopped.

    ``unfinished``: whether that was before it had looked at every key.
    """

    __slots__ = ("_cursor", "_whole", "unfinished")

    def __init__(self, keys: Keys, now: Callable[[], float], copies: int = 0, *, apart: bool = False) -> None:
        super().__init__(keys, now, copies, apart=apart)
        self._cursor = b"0"
        self._whole = True
        self.unfinished = False

    def sweep(self, now: float, limit: int) -> Plan[int]:
        """Remove what is over, a few hundred keys at a time; a round goes on where the last call left it."""
        removed, cursor = 0, self._cursor
        # What came since an earlier call was done may lie behind its cursor: then another round is due.
        whole = self._whole if self.unfinished else cursor == b"0"
        self.unfinished = True
        for _ in range(_STEPS):
            scan = (b"SCAN", cursor, b"MATCH", self._keys.pattern, b"COUNT", b"%d" % BATCH)
            ((after, names),) = yield from ask([scan], reading=True)
            past, gone = yield from self._sweep(list(dict.fromkeys(names)), now, limit - removed)
            removed += gone
            # Otherwise there are more of them here, or somebody else is at it.
            if past <= gone:
                cursor = after
                if cursor == b"0":
                    if whole:
                        self.unfinished = False
                        break
                    whole = True
            if removed >= limit:
                # The number says that there may be more.
                self.unfinished = False
                break
        self._cursor, self._whole = cursor, whole
        return removed

    def _sweep(self, names: Sequence[bytes], now: float, limit: int) -> Plan[tuple[int, int]]:
        kinds = {name: self._keys.kind(name) for name in names}
        things = [name for name in names if kinds[name][0] in (b"s", b"v", b"c", b"l")]
        heads = yield from ask_in_batches(
            [(b"GETRANGE", name, b"0", b"%d" % HEAD) for name in things], reading=True
        )
        past = [
            (name, head) for name, head in zip(things, heads, strict=True) if over(kinds[name][0], head, now)
        ]
        raws = yield from ask_in_batches([scripts.REAP.call(name, head) for name, head in past[:limit]])
        left: dict[str, list[str]] = {}
        for (name, _), raw in zip(past, raws, strict=False):
            kind, selector = kinds[name]
            record = found(selector, raw, 0.0) if kind == b"s" else None
            if isinstance(record, Record) and (user_id := record.user_id) is not None:
                left.setdefault(user_id, []).append(selector)
        yield from self._leave(left)
        yield from self._tidy([kinds[name][1] for name in names if kinds[name][0] == b"u"])
        return len(past), sum(raw is not None for raw in raws)

    def _tidy(self, users: Sequence[str]) -> Plan[None]:
        """Remove from the indexes of users what has no session."""
        members = [scripts.MEMBERS.call(self._keys.user(user_id)) for user_id in users]
        answers = yield from ask_in_batches(members, reading=True)
        old: list[tuple[str, Entry]] = []
        for user_id, answer in zip(users, answers, strict=True):
            known = index(answer)
            old += [(user_id, entry) for entry in known.entries if not known.pending(entry)]
        asked = [(b"EXISTS", self._keys.session(entry.selector)) for _, entry in old]
        answers = yield from ask_in_batches(asked, reading=True)
        missing: dict[str, list[str]] = {}
        for (user_id, entry), there in zip(old, answers, strict=True):
            if not there:
                missing.setdefault(user_id, []).append(entry.selector)
        yield from self._forget(missing, {})

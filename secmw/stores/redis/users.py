"""What is asked of Redis about users: who is signed in, and that all of it ends. Does no I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from secmw.errors import StoreError
from secmw.sessions.record import Over, Record, is_tombstone, tombstone
from secmw.sessions.writes import REMEMBERED, Revoked
from secmw.stores.redis import scripts
from secmw.stores.redis.asking import Plan, ask, ask_in_batches
from secmw.stores.redis.layout import TOLD_MARGIN, Index, Keys, found, generations, index, number, text
from secmw.stores.rules import living

STONE_LASTS: Final = b"%d" % REMEMBERED
"""What scripts are told of a tombstone."""


class UserPlans:
    """Make the plans about users; the index is under one key, and each session under its own."""

    __slots__ = ("_apart", "_copies", "_keys", "_now")

    def __init__(self, keys: Keys, now: Callable[[], float], copies: int = 0, *, apart: bool = False) -> None:
        self._keys = keys
        self._now = now
        #: How many replicas must have it where something ends.
        self._copies = copies
        #: Whether sessions and their users may lie on several machines, of which one may forget what another knows.
        self._apart = apart

    def of_user(self, user_id: str) -> Plan[list[Record]]:
        """List the living sessions of a user."""
        known = yield from self._index(user_id)
        records = yield from self._records(user_id, known)
        return living(records, self._now())

    def generation(self, user_id: str) -> Plan[int]:
        """Return how often all sessions of a user have been ended."""
        (answer,) = yield from ask([(b"HGET", self._keys.user(user_id), b"g")], reading=True)
        return generations(answer).number

    def end_all(self, user_id: str, except_: str | None, reason: Over) -> Plan[Revoked]:
        """End all sessions of a user but one; the generation goes up first."""
        now = self._now()
        bump = scripts.BUMP.call(self._keys.user(user_id), number(now))
        (answer,) = yield from ask([bump], copies=self._copies)
        known = index(answer)
        selectors = [entry.selector for entry in known.entries if entry.selector != except_]
        # What is over by now ends too: a clock that is set back would revive it.
        records = yield from self._bury(selectors, reason, now, copies=self._copies)
        yield from self._leave({user_id: selectors})
        ended = tuple(record.selector for record in records if record.over(now) is None)
        return Revoked(known.ends.number, ended)

    def _index(self, user_id: str) -> Plan[Index]:
        (answer,) = yield from ask([scripts.MEMBERS.call(self._keys.user(user_id))], reading=True)
        return index(answer)

    def _records(self, user_id: str, known: Index, *, coming: bool = False) -> Plan[list[Record]]:
        """Load the sessions of a user, and remove from the index what will never be there again."""
        gets = [(b"GET", self._keys.session(entry.selector)) for entry in known.entries]
        answers = yield from ask_in_batches(gets, reading=True)
        records: list[Record] = []
        ended: list[str] = []
        missing: list[str] = []
        for entry, raw in zip(known.entries, answers, strict=True):
            if raw is None and known.pending(entry):
                records += [entry.stub(user_id)] if coming else []
            elif raw is None:
                missing.append(entry.selector)
            elif is_tombstone(raw):
                ended.append(entry.selector)
            elif isinstance(record := found(entry.selector, raw, 0.0), Record):
                records.append(record)
        yield from self._forget({user_id: missing}, {user_id: ended})
        return records

    def _forget(self, missing: Mapping[str, Sequence[str]], ended: Mapping[str, Sequence[str]]) -> Plan[None]:
        """Take out of the indexes of users what has no session any more; in vain is no harm."""
        with contextlib.suppress(StoreError):
            # A sign-in that took longer than it may must not put a session there that no index knows.
            yield from self._bury(
                [name for names in missing.values() for name in names], Over.EXPIRED, self._now()
            )
            yield from self._leave(missing)
            yield from self._leave(ended)

    def _bury(
        self, selectors: Sequence[str], reason: Over, now: float, *, copies: int = 0
    ) -> Plan[list[Record]]:
        """End sessions, those included that are not there yet; return those that were."""
        stone = tombstone(reason, now + REMEMBERED)
        calls = [
            scripts.BURY.call(self._keys.session(selector), stone, STONE_LASTS, TOLD_MARGIN)
            for selector in selectors
        ]
        answers = yield from ask_in_batches(calls, copies=copies)
        records = (
            found(selector, answer[1], 0.0)
            for selector, answer in zip(selectors, answers, strict=True)
            if answer[0] == b"written"
        )
        return [record for record in records if isinstance(record, Record)]

    def _leave(self, left: Mapping[str, Sequence[str]]) -> Plan[None]:
        """Take sessions out of the indexes of users; where that fails, whoever reads them does so."""
        calls = [
            (b"HDEL", self._keys.user(user_id), *(b"s" + text(selector) for selector in selectors))
            for user_id, selectors in left.items()
            if selectors
        ]
        with contextlib.suppress(StoreError):
            yield from ask_in_batches(calls)

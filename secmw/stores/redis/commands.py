"""What each method of a store asks of Redis, and what the answers mean: once, for both colours. Does no I/O.

A plan is a generator: it hands out what to ask, is sent the answers, and returns what the method returns. A session and
its user lie under two keys, which may lie on two machines, so no step touches both. The steps are in an order in which
each of them may be the last one, because the process or the connection ended there:

    Create of a user's session
        before any              nothing was done
        the index was joined    an entry without a session: it counts for PENDING seconds, then whoever reads the index
                                removes it; before that, its selector gets a tombstone, so that no session comes late
        the session was put     a session that nobody can name: its cookie was never sent; it is listed, counted and
                                ended like any other, and is over when it has been idle
        some of those past the  the others are still there, and the next sign-in ends them
        cap have ended
    End
        the tombstone was put   an entry whose session has ended: whoever reads the index removes it
    end_all
        the generation is up    nobody who was checked before can sign in any more; those signed in still are, and are
                                ended when it is asked for again, as a caller that got StoreError does
        some tombstones are put the same of the others

A sign-in that has joined the index when all is ended finds its place taken by a tombstone, and is undone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Final

import msgspec

from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over, Record, is_tombstone, tombstone
from secmw.sessions.writes import (
    REMEMBERED,
    Create,
    End,
    Lost,
    Rotate,
    Swap,
    Touch,
    Update,
    Why,
    Write,
    Written,
    apply,
)
from secmw.stores.redis import scripts
from secmw.stores.redis.asking import Plan, ask
from secmw.stores.redis.layout import (
    TOLD_MARGIN,
    entered,
    found,
    kept,
    lasting,
    number,
    sealed,
    taken,
    text,
    until,
)
from secmw.stores.redis.sweeping import Sweeps
from secmw.stores.redis.users import STONE_LASTS
from secmw.stores.rules import excess, living, undone

#: Seconds for which what others change under our hands is tried again.
_PATIENCE: Final = 0.4
_WHY: Final = {
    b"ended": Lost(Why.ENDED),
    b"unknown": Lost(Why.UNKNOWN),
    b"conflict": Lost(Why.CONFLICT),
    b"too_large": Lost(Why.TOO_LARGE),
}
_LIMITS: Final = {Over.EXPIRED: b"limit", Over.IDLE: b"limit", Over.UNREADABLE: b"unreadable"}
_name: Final = msgspec.msgpack.Encoder().encode


class Plans(Sweeps):
    """Make the plans of one store."""

    __slots__ = ()

    # --- sessions

    def load_bytes(
        self, key: bytes, read: Callable[[bytes, bytes | None], bytes | None]
    ) -> Plan[bytes | None]:
        """Read what is kept of a session."""
        (raw,) = yield from ask([(b"GET", key)], reading=True)
        return read(key, raw)

    def write(self, write: Write) -> Plan[Written | Lost]:
        """Carry out one write: a single step, where it is none that changes who may use the session."""
        key = self._keys.session(write.selector)
        if isinstance(write, Create):
            return (yield from self._create(write, key))
        if isinstance(write, Rotate) or (isinstance(write, Update) and write.drop_sudo):
            return (yield from self._identify(write, key))
        if isinstance(write, End):
            return (yield from self._end(write, key))
        at = number(write.at)
        if isinstance(write, Touch):
            command = scripts.TOUCH.call(key, at, TOLD_MARGIN)
        elif isinstance(write, Swap):
            command = scripts.SWAP.call(key, *_swap(write))
        else:
            command = scripts.UPDATE.call(key, *_update(write))
        taking = self._copies if isinstance(write, Swap) and write.takes else 0
        (answer,) = yield from ask([command], copies=taking)
        return self._outcome(write.selector, answer)

    def _identify(self, write: Rotate | Update, key: bytes) -> Plan[Written | Lost]:
        """Work out what becomes of an identity, and replace it if it is still what that was worked out from."""
        (raw,) = yield from ask([(b"GET", key)], reading=True)
        for _ in _patiently():
            record = found(write.selector, raw, write.at)
            # What is none is judged by the very rule.
            before = b"?" if isinstance(record, Ended) else None
            before = record.pack() if isinstance(record, Record) else before
            if isinstance(record, Ended) and raw is not None and is_tombstone(raw):
                before = raw
            asked = (
                write
                if isinstance(write, Rotate)
                else Update(selector=write.selector, at=write.at, changes={}, drop_sudo=True)
            )
            _, outcome = apply(before, asked)
            if isinstance(outcome, Lost) or not isinstance(record, Record):
                return outcome
            after = outcome.record
            if isinstance(write, Update):
                command = scripts.UPDATE.call(key, *_update(write, record.owner, after.owner))
            else:
                command = scripts.ROTATE.call(
                    key,
                    number(write.at),
                    TOLD_MARGIN,
                    number(max(write.at, record.seen)),
                    record.verifier,
                    record.owner,
                    after.verifier,
                    after.owner,
                )
            (answer,) = yield from ask([command], copies=self._copies)
            if answer[0] != b"again":
                return self._outcome(write.selector, answer)
            raw = answer[1]
        raise _busy()

    def _end(self, write: End, key: bytes) -> Plan[Written | Lost]:
        kind = _LIMITS.get(write.reason, b"")
        stone = tombstone(write.reason, write.at + REMEMBERED)
        call = scripts.END.call(key, number(write.at), TOLD_MARGIN, stone, STONE_LASTS, kind)
        # What a limit ends is over by what is in the record.
        (answer,) = yield from ask([call], copies=0 if kind else self._copies)
        outcome = self._outcome(write.selector, answer)
        if isinstance(outcome, Written) and (user_id := outcome.record.user_id) is not None:
            yield from self._leave({user_id: [write.selector]})
        return outcome

    def _outcome(self, selector: str, answer: Sequence[bytes]) -> Written | Lost:
        if answer[0] != b"written":
            return _WHY[answer[0]]
        record = found(selector, answer[1], 0.0)
        assert isinstance(record, Record)  # noqa: S101 - the script has just checked or written it
        return Written(record)

    def _create(self, write: Create, key: bytes) -> Plan[Written | Lost]:
        now = self._now()
        put = (b"SET", key, sealed(write.record), b"PX", lasting(until(write.record) - now), b"NX")
        if write.user_id is None:
            (answer,) = yield from ask([put])
            return Lost(Why.EXISTS) if answer is None else Written(write.record)
        (raw,) = yield from ask([(b"GET", key)], reading=True)
        if raw is not None:
            return Lost(Why.EXISTS)
        joined = yield from self._join(write, write.user_id)
        if isinstance(joined, Lost):
            return joined
        generation, oldest = joined
        (answer,) = yield from ask([put])
        if answer is None:
            return (yield from self._late(write, write.user_id, generation))
        displaced = yield from self._bury(oldest, Over.REVOKED, now, copies=self._copies)
        yield from self._leave({write.user_id: oldest})
        return Written(write.record, tuple(record.selector for record in displaced))

    def _join(self, write: Create, user_id: str) -> Plan[Lost | tuple[bytes, list[str]]]:
        """Join the index of a user, if nobody ended all or signed in meanwhile; return whom the cap displaces."""
        user = self._keys.user(user_id)
        field, entry = b"s" + text(write.selector), entered(write.record)
        for _ in _patiently():
            known = yield from self._index(user_id)
            if undone(write, known.ends):
                return Lost(Why.GENERATION)
            oldest: list[str] = []
            if write.cap:
                records = yield from self._records(user_id, known, coming=True)
                oldest = [record.selector for record in excess(living(records, self._now()), write)]
                if oldest and write.at_cap == "refuse":
                    return Lost(Why.CAP)
            version = known.version if write.cap else b"*"
            lasts = lasting(write.record.expires - self._now())
            join = scripts.JOIN.call(user, field, entry, known.generation, version, lasts)
            # Or the session might outlive its place in the index, where an end of all would pass it by.
            (answer,) = yield from ask([join], copies=self._copies if self._apart else 0)
            if answer == b"written":
                return known.generation, oldest
            if answer == b"exists":
                return Lost(Why.EXISTS)
        raise _busy()

    def _late(self, write: Create, user_id: str, generation: bytes) -> Plan[Written | Lost]:
        """Say what happened to a sign-in that has joined the index, and then found its place taken."""
        user, key = self._keys.user(user_id), self._keys.session(write.selector)
        (raw,) = yield from ask([(b"GET", key)], reading=True)
        yield from self._leave({user_id: [write.selector]})
        if raw is None or not is_tombstone(raw):
            return Lost(Why.EXISTS)
        (now,) = yield from ask([(b"HGET", user, b"g")], reading=True)
        if (now or b"") != generation:
            return Lost(Why.GENERATION)
        # It was signed in, and is not any more. Another sign-in that displaced it saw no session and told of none.
        capped = found(write.selector, raw, self._now()) == Ended(Over.REVOKED)
        return Written(write.record, (write.selector,) if capped else ())

    # --- everything else

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool) -> Plan[bool]:
        """Keep a value."""
        now = self._now()
        name, raw = self._keys.value(space, key), kept(bytes(value), now + ttl)
        if once:
            # What may be used once, here and below, must not come back.
            call = scripts.PUT.call(name, raw, lasting(ttl), number(now))
            (answer,) = yield from ask([call], copies=self._copies)
        else:
            (answer,) = yield from ask([(b"SET", name, raw, b"PX", lasting(ttl))])
        return bool(answer)

    def take(self, space: str, key: str) -> Plan[bytes | None]:
        """Return a value and remove it."""
        (answer,) = yield from ask([(b"GETDEL", self._keys.value(space, key))], copies=self._copies)
        return taken(answer, self._now())

    def count(self, space: str, key: str, ttl: float) -> Plan[int]:
        """Add one to a counter."""
        name = self._keys.counter(space, key)
        (answer,) = yield from ask([scripts.COUNT.call(name, number(self._now()), number(ttl), TOLD_MARGIN)])
        return int(answer)

    def lease(self, name: str, ttl: float, holder: bytes) -> Plan[bool]:
        """Take or renew a lease."""
        key = self._keys.lease(name)
        (answer,) = yield from ask(
            [scripts.LEASE.call(key, number(self._now()), number(ttl), TOLD_MARGIN, holder)]
        )
        return bool(answer)


def _patiently() -> Generator[None]:
    """Go on for as long as it makes sense to try again."""
    start = time.monotonic()
    yield
    while time.monotonic() - start < _PATIENCE:
        yield


def _update(write: Update, before: bytes | None = None, after: bytes = b"") -> list[bytes]:
    """Write an update out for its script."""
    args = [
        number(write.at),
        TOLD_MARGIN,
        b"%d" % write.limit,
        b"%d" % write.overhead,
        b"0" if before is None else b"1",
        before or b"",
        after,
        b"%d" % len(write.expected),
    ]
    for values in (write.expected, write.changes):
        for name, value in values.items():
            args += (_name(name), b"" if value is None else b"+" + value)
    return args


def _swap(write: Swap) -> list[bytes]:
    """Write a swap out for its script."""
    lasts = number(until(write.after) - write.at)
    return [number(write.at), TOLD_MARGIN, sealed(write.before), sealed(write.after), lasts]


def _busy() -> StoreError:
    return StoreError("the store is busy: others changed the same again and again")

"""Recognising: the quick way to a session that the memory of this process holds. Pure but for what it remembers.

Nearly every request with a session is of one kind: the session lives, was in use lately, and there is nothing to note.
Such a request gets the bytes of the record and nobody makes a Record of them. All others are :mod:`resuming`'s to judge.

Browsers send the same Cookie header over and over. What was found out about one is remembered (:class:`Familiar`): which id
is in it, and that its secret is that of the record. Both stay true as long as the store holds the very same bytes, so a
session that ended, was rotated or written since is looked at anew.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from secmw.errors import StoreError
from secmw.sessions.identifier import SELECTOR_LENGTH, fingerprint
from secmw.sessions.record import LEAST, OURS, glance

if TYPE_CHECKING:
    from secmw.plan import Plan

#: From a selector, as bytes, to what a store that never waits keeps under it.
LoadNow = Callable[[bytes], bytes | None]

#: How many headers are remembered, and how long one may be.
_REMEMBERED: Final = 1024
_LONGEST: Final = 4096
#: How many bytes a record may have whose values are remembered.
_LARGEST: Final = 2048

# Made once: every request with a session is taken apart with them.
_SELECTOR: Final = slice(SELECTOR_LENGTH)
_VERIFIER: Final = slice(SELECTOR_LENGTH + 1, None)


#: What is remembered of a header: the id in it, the record's bytes, the selector, and from when until when all is ordinary.
Known = tuple[bytes, bytes, bytes, float, float]


class Familiar:
    """Remember the Cookie headers that came with a living session lately.

    To each what is :data:`Known`.
    ``values``: what is in the records that were read lately, by their bytes; to look at, since lists and dicts among them
    are everybody's.
    """

    __slots__ = ("_headers", "get", "values")

    def __init__(self) -> None:
        self._headers: dict[Any, Known] = {}
        self.get: Final = self._headers.get
        self.values: Final[dict[bytes, dict[str, Any]]] = {}

    def __repr__(self) -> str:
        """Show how many there are: what they hold is secret."""
        return f"<Familiar {len(self._headers)}>"

    def add(self, header: Any, known: Known) -> None:
        """Remember one more; when there are too many, begin anew."""
        if len(header) <= _LONGEST:
            if len(self._headers) >= _REMEMBERED:
                self._headers.clear()
            self._headers[header] = known

    def same(self, header: Any, record: bytes | None, now: float) -> bool:
        """Say whether a header came lately with a session that had this very record, and that is nothing but ordinary now.

        :func:`met` says the same of it; of one that is not the same, only :func:`met` can say anything.
        """
        known = self._headers.get(header)
        return known is not None and known[1] is record and known[3] <= now < known[4]

    def keep(self, record: bytes, values: dict[str, Any]) -> bool:
        """Remember the values in a record, and say whether: large ones are read each time."""
        if len(record) > _LARGEST:
            return False
        if len(self.values) >= _REMEMBERED:
            self.values.clear()
        self.values[record] = values
        return True


def identified(plan: Plan, header: Any) -> bytes | None:
    """Return the id in a Cookie header as :func:`secmw.sessions.identifier.id_finder` finds it."""
    rules = plan.sessions
    known = None if rules is None else rules.familiar.get(header)
    if known is not None:
        return known[0]
    return None if plan.find is None else plan.find(header)


def met(load_now: LoadNow | None, plan: Plan, header: Any, now: float) -> tuple[bytes | None, bytes | None]:
    """Return the id in a Cookie header, and the record of its session if that is all there is to it.

    The id is that of :func:`identified`. Without ``load_now`` there is no record.
    """
    rules = plan.sessions
    known = None if rules is None else rules.familiar.get(header)
    judged: bytes | None = None
    since = until = 0.0
    if known is not None:
        presented, judged, selector, since, until = known
    else:
        found = None if plan.find is None else plan.find(header)
        if not found:
            return found, None
        presented, selector = found, found[_SELECTOR]
    if load_now is None or rules is None:
        return presented, None
    try:
        raw = load_now(selector)
    except StoreError:
        return presented, None
    # The very same bytes: whatever is done to a session, a store puts others in their place.
    if raw is judged and raw is not None and since <= now < until:
        return presented, raw
    if raw is None or len(raw) < LEAST:
        return presented, None
    # Four numbers and the proof are all that is read: to make a Record of the bytes takes three times as long.
    ours, seen, expires, idle_until, verifier = glance(raw)
    fresh_until = seen + rules.touch_every
    if (
        seen <= now < expires
        and now < idle_until
        and now < fresh_until
        and ours == OURS
        and compare_digest(fingerprint(presented[_VERIFIER]).digest(), verifier)
    ):
        until = min(expires, idle_until, fresh_until)
        rules.familiar.add(header, (presented, raw, selector, seen, until))
        return presented, raw
    return presented, None


def unchanged(load_now: LoadNow | None, known: Known, now: float) -> bytes | None:
    """Return the record of a header that is known, if that is all there is to it: what :func:`met` says, of that alone."""
    _, judged, selector, since, until = known
    if load_now is None or not since <= now < until:
        return None
    try:
        raw = load_now(selector)
    except StoreError:
        return None
    return raw if raw is judged else None

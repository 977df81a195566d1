"""Where a key of a Cluster lies, what its nodes answer, and whom to ask next: once, for both colours. Does no I/O.

A way is a generator as a plan is: it hands out what to ask of which nodes, is sent what each of them answered, and returns
the answers to what a plan asked. Every command has one key, so a node can always carry out what it is asked, or say who
can: MOVED is for good, ASK for this once, while a slot is on its way. What we know of the Cluster is asked for again when a
node fails or names one that we don't know. It is shared by all threads and loops of a store, and replaced as a whole.
"""

from __future__ import annotations

import time
from binascii import crc_hqx
from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple

from secmw.errors import StoreError
from secmw.stores.redis.asking import DEMOTED, Ask, Command, Refused, UnreachedError
from secmw.stores.redis.where import Node, Where

SLOTS: Final = 16_384

Answered = list[Any] | StoreError
Way = Generator[list[tuple[Node, Ask]], list[Answered], list[Any]]

#: Times that a command is sent elsewhere at most.
_HOPS: Final = 5
#: Seconds from the beginning after which nobody else is asked who has what, nor anything tried again.
_PATIENCE: Final = 0.4
_DOUBTFUL: Final = DEMOTED | {"CLUSTERDOWN", "LOADING"}
_ASKING: Final[Command] = (b"ASKING",)
#: What reading an answer raises that is none.
_MALFORMED: Final = (ValueError, TypeError, LookupError, AttributeError)
_WHO: Final = Ask([(b"CLUSTER", b"SLOTS")], reading=True)


class Map(NamedTuple):
    """Be what a node knows of its Cluster: who has each slot, in their order the masters, whether any has a replica."""

    owners: list[Node | None]
    masters: list[Node]
    copied: bool


def slot(key: bytes) -> int:
    """Return the slot of a key; what stands in its first braces alone counts, where there is anything.

    >>> slot(b"123456789"), slot(b"{123456789}.x"), slot(b"{}123456789") == slot(b"123456789")
    (12739, 12739, False)
    """
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


def key_of(command: Command) -> bytes:
    """Return the one key of a command."""
    return command[3] if command[0] in (b"EVALSHA", b"EVAL") else command[1]


def read(answer: Any, asked: Node) -> Map:
    """Read a map; a node that does not know its own name has the one that we called it by."""
    try:
        return _read(answer, asked)
    except _MALFORMED:
        raise StoreError("a node of the Cluster said what is no answer") from None


def _read(answer: Any, asked: Node) -> Map:
    owners: list[Node | None] = [None] * SLOTS
    masters: dict[Node, None] = {}
    copied = False
    for first, last, master, *replicas in sorted(answer, key=lambda entry: int(entry[0])):
        if not 0 <= first <= last < SLOTS:
            raise ValueError
        node = _node(master[0], master[1], asked)
        owners[first : last + 1] = [node] * (last + 1 - first)
        masters[node] = None
        copied = copied or bool(replicas)
    return Map(owners, list(masters), copied)


class Cluster:
    """Know a Cluster."""

    __slots__ = ("_failed", "_map", "_sure", "_where")

    def __init__(self, where: Where) -> None:
        self._where = where
        self._map = Map([None] * SLOTS, [], False)
        self._sure = False
        self._failed: Node | None = None

    @property
    def nodes(self) -> set[Node]:
        """All that may be asked."""
        return {*self._where.nodes, *self._map.masters}

    def way(self, asked: Ask) -> Way:
        """Ask each command of the node that has its key."""
        since = time.monotonic()
        if not self._sure:
            yield from self._learn(since)
        if asked.commands[0][0] == b"SCAN":
            return (yield from self._scan(asked))
        if asked.copies and self._where.confirm is None and not self._map.copied:
            asked = asked._replace(copies=0)
        answers: list[Any] = [None] * len(asked.commands)
        left: dict[int, Node | None] = dict.fromkeys(range(len(answers)))
        said = StoreError("the nodes of the Cluster don't agree on who has what")
        for _ in range(_HOPS):
            parts = self._parted(asked, left)
            outcomes = yield [
                (node, _part(asked, places, once=once)) for (node, once), places in parts.items()
            ]
            unreached = None
            for ((node, once), places), outcome in zip(parts.items(), outcomes, strict=True):
                if isinstance(outcome, StoreError):
                    self._doubt(node)
                    if not isinstance(outcome, UnreachedError) or time.monotonic() - since > _PATIENCE:
                        raise outcome
                    said = unreached = outcome
                    continue
                for place, answer in zip(places, outcome[1::2] if once else outcome, strict=True):
                    del left[place]
                    answers[place] = answer
                    if isinstance(answer, Refused) and answer.elsewhere:
                        left[place] = self._elsewhere(answer, node)
                    elif isinstance(answer, Refused) and answer.code in _DOUBTFUL:
                        self._doubt(node)
            if not left:
                return answers
            if unreached is not None:
                yield from self._learn(since)
        raise said

    def masters(self) -> Generator[list[tuple[Node, Ask]], list[Answered], tuple[list[Node], bool]]:
        """Return the masters as they are now, and whether any has a replica."""
        yield from self._learn(time.monotonic())
        return self._map.masters, self._map.copied

    def _parted(self, asked: Ask, left: dict[int, Node | None]) -> dict[tuple[Node, bool], list[int]]:
        """Say which of the commands go to which node, and whether for this once."""
        parts: dict[tuple[Node, bool], list[int]] = {}
        for place, once in left.items():
            node = once or self._map.owners[slot(key_of(asked.commands[place]))]
            if node is None:
                self._sure = False
                raise StoreError("no node of the Cluster has this slot")
            parts.setdefault((node, once is not None), []).append(place)
        return parts

    def _elsewhere(self, refused: Refused, node: Node) -> Node | None:
        """Return who is to be asked for this once; None where it is for good."""
        try:
            number, address = refused.elsewhere.split(" ")
            host, _, port = address.rpartition(":")
            place, other = int(number), _node(host.encode(), int(port), node)
            self._map.owners[place]
        except _MALFORMED:
            raise StoreError("a node of the Cluster said what is no answer") from None
        if refused.code == "ASK":
            return other
        self._map.owners[place] = other
        if other not in self._map.masters:
            self._sure = False
        return None

    def _doubt(self, node: Node) -> None:
        self._sure, self._failed = False, node

    def _learn(self, since: float) -> Generator[list[tuple[Node, Ask]], list[Answered], None]:
        """Ask who has what, of one node after another; the one that has just failed comes last."""
        known = dict.fromkeys([*self._map.masters, *self._where.nodes])
        said = StoreError("no node of the Cluster knows who has what")
        for node in sorted(known, key=lambda node: node == self._failed):
            (outcome,) = yield [(node, _WHO)]
            if isinstance(outcome, StoreError):
                said = outcome
            elif isinstance(outcome[0], Refused):
                said = StoreError(f"Redis refused: {outcome[0].code}")
            elif outcome[0]:
                self._map = read(outcome[0], node)
                self._sure = True
                return
            if time.monotonic() - since > _PATIENCE:
                break
        raise said

    def _scan(self, asked: Ask) -> Way:
        """Go through the keys of one master after another; before its own cursor stands which of them it is."""
        ((name, cursor, *more),) = asked.commands
        number, _, own = cursor.rpartition(b":")
        place = int(number or 0)
        if place >= len(self._map.masters):
            return [[b"0", []]]
        node = self._map.masters[place]
        (outcome,) = yield [(node, asked._replace(commands=[(name, own, *more)]))]
        if isinstance(outcome, StoreError):
            self._doubt(node)
            raise outcome
        if not isinstance(outcome[0], Refused):
            after, names = outcome[0]
            last = after == b"0" and place + 1 == len(self._map.masters)
            outcome = [[b"0" if last else b"%d:%b" % (place + (after == b"0"), after), names]]
        return outcome


def _part(asked: Ask, places: Sequence[int], *, once: bool) -> Ask:
    if len(places) == len(asked.commands) and not once:
        return asked
    commands = [asked.commands[place] for place in places]
    if once:
        commands = [part for command in commands for part in (_ASKING, command)]
    return asked._replace(commands=commands)


def _node(host: bytes | None, port: int, asked: Node) -> Node:
    # What it says of itself where it has no name, or where that is unknown.
    return Node(asked.host if host in (None, b"", b"?") else host.decode(), port)

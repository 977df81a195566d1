"""Histories: four bytes are one step, and every byte means something, so that a search may take any bytes at all.

Four zeros are nothing; a shrunk history is short because most of it is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

STEPS: Final = 40
WIDTH: Final = 4
#: The first four bytes choose how the store is read, and what is left out: what never happens makes room for the rest.
LENGTH: Final = WIDTH * (STEPS + 1)

#: Kinds of steps and how often they come, in 256ths; what is not listed is nothing.
_KINDS: Final = (
    ("visit", 46),
    ("arrive", 36),
    ("race", 24),
    ("reauthenticate", 8),
    ("act", 46),
    ("answer", 26),
    ("start", 10),
    ("fail", 7),
    ("cancel", 7),
    ("pass_", 18),
    ("set_clock", 4),
    ("restart", 2),
    ("sweep", 3),
    ("away", 3),
    ("strike", 4),
    ("plant", 10),
)
_KIND: Final = ["nothing", *(name for name, count in _KINDS for _ in range(count))]
_KIND.extend(["nothing"] * (256 - len(_KIND)))

#: What an application does in one step.
_ACTS: Final = (
    ("look", 20),
    ("put", 44),
    ("append", 18),
    ("remove", 12),
    ("clear", 6),
    ("login", 42),
    ("logout", 20),
    ("rotate", 18),
    ("grant", 26),
    ("drop", 6),
    ("revoke", 12),
    ("revoke_others", 8),
    ("revoke_all", 10),
    ("strict", 14),
)
_ACT: Final = [name for name, count in _ACTS for _ in range(count)]
assert len(_ACT) == 256
assert len(_KIND) == 256

#: Kinds that a history may do without; and what an application may, which then puts something instead.
_OPTIONAL: Final = ("set_clock", "restart", "strike", "away", "plant", "sweep", "cancel", "fail")
_LIKINGS: Final = (
    ("look",),
    ("append",),
    ("remove", "clear"),
    ("logout",),
    ("rotate",),
    ("grant", "drop"),
    ("revoke", "revoke_others", "revoke_all"),
    ("strict",),
)

# The first of each comes more often than the others: what happens to one is what finds mistakes.
NAMES: Final = ("a", "b", "a", "c")
USERS: Final = ("ann", "bob", "ann", "eve", "ann")
CLIENTS: Final = (0, 0, 0, 1, 0, 1, 2, 3)
STATUSES: Final = (200, 200, 200, 302, 404, 500, 200, 503)
PATHS: Final = ("/", "/", "/", "/news/", "/", "/", "/news/", "/")
LAPSES: Final = (
    1.125,
    5.25,
    9.5,
    11.75,
    29.25,
    31.5,
    61.25,
    119.5,
    121.25,
    200.5,
    2.5,
    290.75,
    301.25,
    15.25,
    601.25,
    45.25,
)
JUMPS: Final = (3600.5, -3600.25, -30.25, 30.5, -90.75, 250.25, -250.5, 61.5)
PLANTS: Final = ("made_up", "malformed", "another's", "former", "forged", "two", "ended", "own_again")


def act_of(number: int) -> str:
    """Name what an application does for a byte."""
    return _ACT[number & 255]


def spelled(told: Iterable[tuple[str, str, int]]) -> bytes:
    """Write a history down: kinds of steps of the first browser, what is done, and what the number is for."""
    parts = (bytes((_KIND.index(kind), 0, _ACT.index(act), extra)) for kind, act, extra in told)
    return b"".join((bytes(WIDTH), *parts)).ljust(LENGTH, b"\0")


class Step(NamedTuple):
    """Be one step; what the numbers mean depends on the kind."""

    kind: str
    who: int
    act: str
    extra: int

    def __str__(self) -> str:
        return f"{self.kind}({self.who}, {self.act}, {self.extra})"


def left_out(data: bytes) -> frozenset[str]:
    """Read what a history does without."""
    kinds = (name for bit, name in enumerate(_OPTIONAL) if data[1] >> bit & 1)
    acts = (name for bit, names in enumerate(_LIKINGS) if data[2] >> bit & 1 for name in names)
    return frozenset((*kinds, *acts))


def steps(data: bytes) -> Iterator[Step]:
    """Read the other bytes."""
    without = left_out(data)
    for start in range(WIDTH, len(data), WIDTH):
        kind, who, act, extra = data[start : start + WIDTH]
        name, does = _KIND[kind], _ACT[act]
        yield Step("nothing" if name in without else name, who, "put" if does in without else does, extra)

"""Find one cookie of ours in a Cookie header, and leave the rest unread.

- A pair starts at the start of the header or after ``;`` and any blanks; its value ends before the next ``;``. Names
  are compared exactly, so neither ``=name=x``, ``xname=x`` nor ``name =x`` is ours.
- Nothing is trimmed, unquoted or decoded. A value counts only if ``shape`` knows it; others are skipped, so nothing
  another cookie holds, and nothing a sibling host plants, hides a good one.
- Equal values count as one. Two that differ are AMBIGUOUS: the header gives no way to tell whose is whose.
- A value that contains ``name=`` itself is never well-formed, whatever the shape says.

Time is linear in the header: it is split where the name stands, and each piece is looked at once, from each end. There
is no pattern to backtrack and no dictionary to fill.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final

from secmw.cookies.grammar import BLANKS
from secmw.http import TOKEN


class Ambiguity(enum.Enum):
    """Stand where one value was asked for and several differ; fail closed on it."""

    AMBIGUOUS = "ambiguous"


AMBIGUOUS: Final = Ambiguity.AMBIGUOUS

Finder = Callable[[str | None], str | Ambiguity | None]

#: The same in the type of either wire.
WireFinder = Callable[[Any], Any]


def finder(name: str, shape: Callable[[str], bool]) -> Finder:
    """Return a function from Cookie header to the one value of ``name``, AMBIGUOUS, or None where there is none.

    ``shape`` says whether a value is well-formed; it sees text from the network. Raises ValueError for a name that is
    not a token.

    >>> find = finder("id", str.isalnum)
    >>> find("theme=dark; id=s3cret; id=s3cret")
    's3cret'
    >>> find("id=s3cret; id=0ther") is AMBIGUOUS
    True
    """
    return wire_finder(name, shape, str)


def wire_finder(name: str, shape: Callable[[Any], bool], encode: Callable[[str], Any]) -> WireFinder:
    """Return the same for headers as a wire spells them: to decode what nobody reads would cost half as much again."""
    if not TOKEN.fullmatch(name):
        raise ValueError(f"cookie name {name!r} is not a token; use letters, digits, '-' and '_'")
    mark, semicolon, blanks = encode(f"{name}="), encode(";"), encode(BLANKS)

    def find(header: Any) -> Any:
        if header is None:
            return None
        before, ours, after = header.partition(mark)
        if not ours:
            return None
        if mark not in after:
            # Once only, as in nearly every request: nothing to compare.
            before = before.rstrip(blanks)
            value = after.partition(semicolon)[0]
            return value if (not before or before.endswith(semicolon)) and shape(value) else None
        before, *pieces = (semicolon + header + semicolon).split(mark)
        found = None
        for piece in pieces:
            value, complete, _ = piece.partition(semicolon)
            if complete and value != found and before.rstrip(blanks).endswith(semicolon) and shape(value):
                if found is not None:
                    return AMBIGUOUS
                found = value
            before = piece
        return found

    return find

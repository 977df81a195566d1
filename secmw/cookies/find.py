"""Find one cookie of ours in a Cookie header, and leave the rest unread.

- A pair starts at the start of the header or after ``;`` and any blanks; its value ends before the next ``;``. Names
  are compared exactly, so neither ``=name=x``, ``xname=x`` nor ``name =x`` is ours.
- Nothing is trimmed, unquoted or decoded. A value counts only if it has the ``shape``; others are skipped, so nothing
  another cookie holds, and nothing a sibling host plants, hides a good one.
- Equal values count as one. Two that differ are AMBIGUOUS: the header gives no way to tell whose is whose.
- A value that contains ``name=`` itself is never well-formed, whatever the shape says.

Time is linear in the header. Our name is looked for first, and the shape asked only of what follows it, without a call into
Python: a header that holds our name six thousand times, and no value of ours, is no dearer than any other.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
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


def finder(name: str, shape: str) -> Finder:
    """Return a function from Cookie header to the one value of ``name``, AMBIGUOUS, or None where there is none.

    ``shape``: a pattern that a well-formed value matches as a whole. It matches no ``;``, and its time is linear; it has a longest
    match, or matches no ``=``, for else it would be tried from each ``name=`` in a value to its end. Raises ValueError for a name
    that is not a token.

    >>> find = finder("id", "[0-9a-z]+")
    >>> find("theme=dark; id=s3cret; id=s3cret")
    's3cret'
    >>> find("id=s3cret; id=0ther") is AMBIGUOUS
    True
    """
    return wire_finder(name, shape, str)


def wire_finder(name: str, shape: str, encode: Callable[[str], Any]) -> WireFinder:
    """Return the same for headers as a wire spells them: to decode what nobody reads would cost half as much again."""
    values = every(name, shape, encode)
    mark, separator, end = encode(f"{name}="), encode("; "), encode(";")
    whole = re.compile(encode(shape)).fullmatch

    def find(header: Any) -> Any:
        if header is None:
            return None
        before, ours, after = header.partition(mark)
        if not ours:
            return None
        if mark not in after and (not before or before.endswith(separator)):
            # Once only and set off as browsers do, as in nearly every request: nothing to compare.
            value = after.partition(end)[0]
            return value if whole(value) else None
        found = None
        for value in values(header):
            if value != found:
                if found is not None:
                    return AMBIGUOUS
                found = value
        return found

    return find


def every(name: str, shape: str, encode: Callable[[str], Any] = str) -> Callable[[Any], Iterator[Any]]:
    """Return a function from Cookie header to each well-formed value of ``name``, in order, equal ones too.

    >>> list(every("id", "[a-z]+")("id=a; xid=b; id=1; id=c;id=a"))
    ['a', 'c', 'a']
    """
    if not TOKEN.fullmatch(name):
        raise ValueError(f"cookie name {name!r} is not a token; use letters, digits, '-' and '_'")
    mark, semicolon, blanks = encode(f"{name}="), encode(";"), encode(BLANKS)
    candidates = re.compile(encode(rf"{re.escape(name)}=({shape})(?=;|\Z)")).finditer

    def values(header: Any) -> Iterator[Any]:
        end = 0
        for candidate in candidates(header):
            # From where the last value ended: no blank is looked at twice.
            before = header[end : candidate.start()].rstrip(blanks)
            if not before or before.endswith(semicolon):
                value = candidate[1]
                if mark not in value:
                    yield value
            end = candidate.end()

    return values

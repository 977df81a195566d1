"""What header values are made of, and the checks that several headers share.

Every function here returns the value in its usual spelling or raises ValueError saying what to write instead, whatever
it is given. None of them knows a header or a policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from secmw.http import TOKEN

#: The pieces of a CSP host-source and of an origin. Underscores are no part of the grammar, but of real host names.
SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.\-]*"
HOST: Final = r"(?:\*\.)?[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*"

_ORIGIN = re.compile(rf"{SCHEME}://{HOST}(?::(?P<port>[0-9]{{1,5}}))?")
_CURLY = re.compile("[\u2018-\u201f]")
# RFC 9110 section 5.5 without the tab: no header of ours needs one.
_UNFIT = re.compile(r"[^ -~\x80-\xff]")
_SF_KEY = re.compile(r"[a-z*][a-z0-9_.*\-]*")


def near(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" for the closest known word, or nothing where none is close."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), n=1)
    return f"did you mean {found[0]}?" if found else ""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" for the closest known word, or all of them."""
    known = list(known)
    return near(word, known) or f"write one of {', '.join(known)}"


def text(value: object) -> str:
    """Return a value that is text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text; write it in quotes")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts; a single text is a common mistake and no list."""
    if isinstance(value, str):
        raise ValueError(f"{value!r} is one text; write a list: [{value!r}]")
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{value!r} is not a list of texts; write it like ['one', 'two']")
    return tuple(value)


def table(value: object, example: str) -> Mapping[str, Any]:
    """Return a value that is a mapping from texts; ``example`` shows one."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{value!r} is not a table; write it like {example}")
    return value


def one_of(value: object, known: tuple[str, ...]) -> str:
    """Return the word of a fixed list that ``value`` is, in the list's own spelling."""
    given = text(value).strip(" \t")
    for word in known:
        if word.lower() == given.lower():
            return word
    raise ValueError(f"{given!r} is not known; {suggest(given.lower(), known)}")


def field_name(value: object) -> str:
    """Return a header name (RFC 9110 section 5.1) without the blanks around it."""
    name = text(value).strip(" \t")
    _no_curly_quotes(name)
    if not TOKEN.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a header name; write letters, digits and hyphens, as in X-Request-Id"
        )
    return name


def field_value(value: object) -> str:
    """Return a header value (RFC 9110 section 5.5) without the blanks around it: latin-1, no control characters."""
    content = text(value).strip(" \t")
    _no_curly_quotes(content)
    if unfit := _UNFIT.search(content):
        raise ValueError(
            f"{content!r} holds {unfit[0]!a}; a header value is one line of latin-1 text without control characters"
        )
    return content


def _no_curly_quotes(content: str) -> None:
    if curly := _CURLY.search(content):
        raise ValueError(
            f"{content!r} holds the curly quote {curly[0]}; a word processor put it there: type it again"
        )


def seconds(value: object, example: int) -> int:
    """Return a max-age: whole seconds, 0 or more. True and False are integers to Python, and a mistake here."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"max_age = {value!r} is not a number of seconds; write {example}, or 0 to forget")
    return value


def origin(value: object) -> str:
    """Return an origin, ``scheme://host[:port]``, in lower case; the host may begin with ``*.``."""
    given = text(value)
    found = _ORIGIN.fullmatch(given)
    if not found or not 1 <= int(found["port"] or 1) <= 65_535:
        raise ValueError(
            f"{given!r} is not an origin; write scheme://host[:port] alone, as in https://portal.example.org"
        )
    return given.lower()


def sf_key(value: object) -> str:
    """Return a name that may be a key of a structured field (RFC 9651 section 3.2)."""
    given = text(value)
    if not _SF_KEY.fullmatch(given):
        raise ValueError(f"{given!r} is not a name; write lower-case letters, digits and hyphens")
    return given


def sf_string(content: str) -> str:
    """Write visible ASCII text as a string of a structured field (RFC 9651 section 3.3.3)."""
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Content-Security-Policy as a plain mapping of directive to sources: checked, written and read.

What a directive may hold is :mod:`secmw.headers.csp_grammar`'s part. Where a policy comes from, and which header
carries it, is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from secmw.headers.csp_grammar import DIRECTIVES, NONCE, NONE
from secmw.headers.values import suggest, table, text, texts

_NONCE_VALUE: Final = re.compile(r"[\w+/\-]+={0,2}", re.ASCII)


def checked(directives: object) -> dict[str, tuple[str, ...]]:
    """Return the directives with names in lower case; raise ValueError for the first that browsers would not heed."""
    result: dict[str, tuple[str, ...]] = {}
    for given, values in table(directives, '{"default-src": ["\'self\'"]}').items():
        name = given.lower()
        if name not in DIRECTIVES:
            raise ValueError(f"{given!r} is not a CSP directive; {suggest(name, DIRECTIVES)}")
        if name in result:
            raise ValueError(f"{name} is there twice, and browsers heed only the first; merge the two")
        try:
            result[name] = texts(values)
            DIRECTIVES[name](result[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return result


def serialize(directives: Mapping[str, tuple[str, ...]], nonce: str | None = None) -> str:
    """Write checked directives as a field value, with the nonce in the places that ask for one.

    Without a nonce those places are empty, and an ``'unsafe-inline'`` beside them goes too: browsers ignore it only
    where there is a nonce, so a page that uses none would be laxer than one that does.

    >>> serialize({"script-src": ("'self'", "'nonce'"), "style-src": ("'nonce'",)}, "c2VjcmV0")
    "script-src 'self' 'nonce-c2VjcmV0'; style-src 'nonce-c2VjcmV0'"
    >>> serialize({"script-src": ("'self'", "'nonce'"), "style-src": ("'nonce'",)})
    "script-src 'self'; style-src 'none'"
    """
    if nonce is not None and not _NONCE_VALUE.fullmatch(nonce):
        raise ValueError("the nonce is not base64")
    return "; ".join(" ".join((name, *_with_nonce(sources, nonce))) for name, sources in directives.items())


def parse(value: str) -> dict[str, tuple[str, ...]]:
    """Read a policy written as one text, as checked directives.

    Raise ValueError where browsers would skip a part: a directive that is there twice, a comma, a fixed nonce.

    >>> parse("default-src 'self'; upgrade-insecure-requests")
    {'default-src': ("'self'",), 'upgrade-insecure-requests': ()}
    """
    directives: dict[str, tuple[str, ...]] = {}
    for part in text(value).split(";"):
        # ASCII white space only: str.split() would also split at characters that browsers do not.
        words = re.findall(r"[^ \t\n\f\r]+", part)
        if not words:
            continue
        if words[0].lower() in directives:
            raise ValueError(f"{words[0]} is there twice, and browsers heed only the first; merge the two")
        directives[words[0].lower()] = tuple(words[1:])
    return checked(directives)


def _with_nonce(sources: tuple[str, ...], nonce: str | None) -> tuple[str, ...]:
    if NONCE not in sources:
        return sources
    if nonce is None:
        return tuple(source for source in sources if source not in (NONCE, "'unsafe-inline'")) or (NONE,)
    return tuple(f"'nonce-{nonce}'" if source == NONCE else source for source in sources)

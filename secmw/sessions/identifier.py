"""Session ids: ``selector.verifier``, 128 and 256 random bits in base64url. Pure but for the random bits.

The selector is public: it names the record in lists, logs and audit events. The verifier is the secret: a store keeps
its SHA-256 alone, so whoever steals the store signs nobody in. An id that is not spelled exactly so is no id.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Any, Final, NamedTuple

from secmw.cookies import AMBIGUOUS, wire_finder
from secmw.http import HeaderText, Wire

try:
    # Of OpenSSL's a third of the time is looking up which SHA-256 is meant; for 43 bytes the interpreter's own is quicker.
    from _sha256 import sha256  # type: ignore[import-not-found] # CPython 3.11
except ImportError:
    try:
        from _sha2 import sha256  # type: ignore[import-not-found] # CPython 3.12 and later
    except ImportError:
        from hashlib import sha256

#: Makes the object whose ``digest()`` a record keeps; who has no time to lose calls it and not :func:`digest`.
fingerprint: Final = sha256

SELECTOR_LENGTH: Final = 22
_LENGTH: Final = 66
#: What :func:`id_finder` finds where there are two that differ: no id at all.
TWO: Final = b""
_ALPHABET: Final = (ascii_letters + digits + "-_").encode()
#: An id, for :func:`secmw.cookies.finder`.
PATTERN: Final = rf"[A-Za-z0-9_-]{{{SELECTOR_LENGTH}}}\.[A-Za-z0-9_-]{{{_LENGTH - SELECTOR_LENGTH - 1}}}"
#: What :data:`_CLASSES` makes of every id, and of nothing else.
_SHAPE: Final = b"a" * SELECTOR_LENGTH + b"." + b"a" * (_LENGTH - SELECTOR_LENGTH - 1)
_CLASSES: Final = bytes(
    ord("a") if byte in _ALPHABET else byte if byte == ord(".") else ord("?") for byte in range(256)
)


class SessionId(NamedTuple):
    """Name a session and prove that it is one's own; ``str()`` makes the cookie's value.

    >>> len(str(new_id()))
    66
    """

    selector: str
    verifier: str

    def __str__(self) -> str:
        return f"{self.selector}.{self.verifier}"

    def __repr__(self) -> str:
        """Show the selector alone: the verifier is a secret."""
        return f"SessionId({self.selector!r})"

    @property
    def digest(self) -> bytes:
        """What a record keeps of the verifier."""
        return digest(self.verifier)


def new_id() -> SessionId:
    """Make an id nobody can guess."""
    return SessionId(secrets.token_urlsafe(16), secrets.token_urlsafe(32))


def well_formed(text: HeaderText) -> bool:
    """Say whether a cookie's value, in the type of either wire, can be an id of ours.

    >>> well_formed(str(new_id())), well_formed("1234"), well_formed(str(new_id()) + " ")
    (True, False, False)
    """
    # A third of the time of a pattern, on every request with a session.
    raw = text if isinstance(text, bytes) else text.encode("ascii", "replace")
    return raw.translate(_CLASSES) == _SHAPE


def id_finder(name: str, wire: Wire) -> Callable[[Any], bytes | None]:
    """Return a function from a Cookie header, as the wire spells it, to the one id in the cookie ``name``.

    It returns None where there is none, and :data:`TWO` where :func:`secmw.cookies.finder` finds an ambiguity. Nearly every
    header holds the cookie's name once, set off as browsers do, and all ids have one length: such a header takes half the time.
    """
    slow = wire_finder(name, PATTERN, wire.encode)
    mark, before, after = wire.encode(f"{name}="), wire.encode("; "), wire.encode(";")

    def find(header: Any) -> Any:
        # One split tells whether the name is there once; ``in`` would take longer, as bytes look for a number first.
        pieces = header.split(mark, 2)
        if len(pieces) != 2:
            return any_find(header) if len(pieces) > 2 else None
        ahead, value = pieces
        if ahead and not ahead.endswith(before):
            return any_find(header)
        if len(value) != _LENGTH:
            if value[_LENGTH : _LENGTH + 1] != after:
                return any_find(header)
            value = value[:_LENGTH]
        raw = value if type(value) is bytes else value.encode("ascii", "replace")
        # What well_formed says, without the call.
        return raw if raw.translate(_CLASSES) == _SHAPE else any_find(header)

    def any_find(header: Any) -> Any:
        found = slow(header)
        if found is AMBIGUOUS:
            return TWO
        return found.encode("ascii") if isinstance(found, str) else found

    return find


def is_selector(text: str) -> bool:
    """Say whether a text can name a session.

    >>> is_selector(new_id().selector), is_selector("sess:*")
    (True, False)
    """
    raw = text.encode("ascii", "replace")
    return len(raw) == SELECTOR_LENGTH and not raw.translate(None, _ALPHABET)


def parse(text: str) -> SessionId:
    """Take apart what :func:`well_formed` found well-formed."""
    return SessionId(text[:SELECTOR_LENGTH], text[SELECTOR_LENGTH + 1 :])


def digest(verifier: HeaderText) -> bytes:
    """Return the 32 bytes a record keeps in place of a verifier."""
    hashed: bytes = sha256(
        verifier if isinstance(verifier, bytes) else verifier.encode("ascii", "replace")
    ).digest()
    return hashed

"""XSRF tokens: made from a binding and a nonce, checked by their tag alone. Pure; no request, no response.

A token is the hex of a nonce (16 bytes) and of a tag (16 bytes); the tag covers the nonce as it is spelled and what the
token is bound to, so a token has one spelling. That is the selector of the session somebody is signed in to; before, it is
the *visit*: a random value in an HttpOnly cookie, with a tag of its own, so that a value that a client made up is never taken
up. The two differ in length, so one is never taken for the other. Two tokens of one visit differ (a fresh nonce each), so a
compressed page leaks none of it (BREACH).
"""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import Final

from secmw.http import HeaderText
from secmw.keys import TAG_BYTES, KeyRing

_NONCE_LENGTH: Final = 32  # of 16 bytes in hex
_LENGTH: Final = _NONCE_LENGTH + 2 * TAG_BYTES

#: What a token or visit can look like at all, for :func:`secmw.cookies.finder`.
PATTERN: Final = rf"[0-9A-Za-z]{{{_LENGTH}}}"

_REMEMBERED: Final = 1024

# What a tag is for, length first; the nonce before it has a fixed length, so the parts of a message can't be confused.
_VISIT: Final = b"\x05visit"
_TOKEN: Final = b"\x05token"


class Tokens:
    """Make and check the tokens and visits of one policy.

    ``fitted`` tells of a token, as a wire spells it, the visit or selector that it was found to fit lately; None says nothing.
    """

    __slots__ = ("_seen", "_signer", "fitted")

    def __init__(self, keys: KeyRing) -> None:
        self._signer = keys.signer("xsrf")
        self._seen: dict[HeaderText | None, bytes] = {}
        self.fitted: Final = self._seen.get

    def new_visit(self) -> str:
        """Make a visit: what anonymous tokens are bound to."""
        return self._make(_VISIT)

    def is_visit(self, visit: str) -> bool:
        """Say whether one of our keys made this visit."""
        raw = visit.encode("latin-1", "replace")
        return len(raw) == _LENGTH and self._signer.verify(raw[_NONCE_LENGTH:], raw[:_NONCE_LENGTH] + _VISIT)

    def token(self, binding: str) -> str:
        """Make a token for a visit or the selector of a session, different each time."""
        return self._make(_TOKEN + binding.encode("latin-1", "replace"))

    def fits(self, token: HeaderText, binding: HeaderText) -> bool:
        """Say whether a token was made for this visit or selector, by any of our keys, in constant time."""
        # A script sends one token all through its visit. Remembering which visit a good one belongs to takes a fifth of
        # the time of the tag; only what was checked is remembered, and to find an entry is to know the token.
        seen = self._seen.get(token)
        bound = binding if isinstance(binding, bytes) else binding.encode("latin-1", "replace")
        if seen is not None and compare_digest(seen, bound):
            return True
        raw = token if isinstance(token, bytes) else token.encode("latin-1", "replace")
        message = raw[:_NONCE_LENGTH] + _TOKEN + bound
        if len(raw) != _LENGTH or not self._signer.verify(raw[_NONCE_LENGTH:], message):
            return False
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[token] = bound
        return True

    def _make(self, binding: bytes) -> str:
        nonce = secrets.token_hex(_NONCE_LENGTH // 2)
        return nonce + self._signer.sign(nonce.encode() + binding)

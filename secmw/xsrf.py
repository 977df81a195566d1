"""XSRF tokens: made from a binding and a nonce, checked by their tag alone. Pure; no request, no response.

A token is ``base64url(nonce[16] + tag[16])``; the tag covers what the token is bound to. Before sign-in that is the
*visit*: a random value in an HttpOnly cookie, with a tag of its own, so that a value that a client made up is never
taken up. Two tokens of one visit differ (a fresh nonce each), so a compressed page leaks none of it (BREACH).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from secmw.keys import TAG_BYTES, KeyRing

_NONCE_BYTES: Final = 16
_TEXT_LENGTH: Final = 43  # of 32 bytes in base64url without padding

_VISIT: Final = b"visit"
_TOKEN: Final = b"token"


class Tokens:
    """Make and check the tokens and visits of one policy."""

    __slots__ = ("_signer",)

    def __init__(self, keys: KeyRing) -> None:
        self._signer = keys.signer("xsrf")

    def new_visit(self) -> str:
        """Make a visit: what anonymous tokens are bound to."""
        return self._make(_VISIT)

    def is_visit(self, text: str) -> bool:
        """Say whether one of our keys made this visit."""
        return self._check(text, _VISIT)

    def token(self, visit: str) -> str:
        """Make a token for a visit, different each time."""
        return self._make(_TOKEN, visit.encode("latin-1"))

    def fits(self, token: str, visit: str) -> bool:
        """Say whether a token was made for this visit, by any of our keys, in constant time."""
        return self._check(token, _TOKEN, visit.encode("latin-1", "replace"))

    def _make(self, *binding: bytes) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return (
            base64.urlsafe_b64encode(nonce + self._signer.sign(nonce, *binding)).rstrip(b"=").decode("ascii")
        )

    def _check(self, text: str, *binding: bytes) -> bool:
        if not well_formed(text):
            return False
        raw = base64.urlsafe_b64decode(text + "=")
        return self._signer.verify(raw[_NONCE_BYTES:], raw[:_NONCE_BYTES], *binding)


def well_formed(text: str) -> bool:
    """Say whether a text has the shape of a token or visit: 43 characters of base64url, in their one spelling."""
    if len(text) != _TEXT_LENGTH or not text.isascii():
        return False
    try:
        raw = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        return False
    # The last character carries two spare bits; accepting any would give one token four spellings.
    return (
        len(raw) == _NONCE_BYTES + TAG_BYTES and base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text
    )

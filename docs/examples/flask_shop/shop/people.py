"""Who may sign in. An application keeps this in its database; how it checks a password would look the same."""

from __future__ import annotations

import hashlib
import secrets
from hmac import compare_digest


def slowly(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


SALT = secrets.token_bytes(16)
NAMES = {"jane": "42"}
DESCRIPTIONS = {"42": "Jane Doe (jane)"}
ADDRESSES = {"42": "1 Orchard Lane"}
HASHES = {"42": slowly("correct horse", SALT)}


def verify(user_id: str, password: str) -> bool:
    """Say whether a password is right; it takes as long for somebody who is not there."""
    expected = HASHES.get(user_id, b"")
    return compare_digest(slowly(password, SALT), expected)


def find(name: str, password: str) -> str | None:
    """Return the id of the user who signs in, or None."""
    user_id = NAMES.get(name, "nobody")
    return user_id if verify(user_id, password) else None

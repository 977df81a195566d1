"""Who may sign in to the demo. Passwords are kept as scrypt hashes, in memory alone, and checked in constant work.

They are drawn from the secret key of the folder that the demo runs in, so they are different on every machine, are
written nowhere, and stay the same when the demo is started again: who was signed in still is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

from secmw.keys import KeyRing

#: OWASP's least for scrypt with 16 MiB (Password Storage Cheat Sheet): N, with r = 8 and p = 5.
COST: Final = 2**14
_SALT: Final = 16

#: What is hashed where nobody of that name is known; no password fits it, because nobody is told that it did.
_NOBODY: Final = "nobody"


class User(NamedTuple):
    """Be somebody: the id that never changes, the name to sign in with, and the one to be called by."""

    id: str
    name: str
    called: str

    @property
    def description(self) -> str:
        """How logs and pages call them."""
        return f"{self.called} ({self.name})"


USERS: Final = (
    User("1001", "jane", "Jane Doe"),
    User("1002", "omar", "Omar Haddad"),
    User("1003", "mina", "Mina Sato"),
)


def password_of(user: User, key: str) -> str:
    """Return the password of a user under a secret key: 60 bits, in letters and digits that are easy to type.

    >>> password_of(USERS[0], "AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg=")
    'atqd-6ck5-dr72'
    """
    tag = KeyRing([key]).signer("demo-password").sign(user.id.encode())
    text = base64.b32encode(bytes.fromhex(tag))[:12].decode("ascii").lower()
    return "-".join(text[at : at + 4] for at in (0, 4, 8))


class Users:
    """Check names and passwords; ``cost`` is scrypt's N."""

    def __init__(self, key: str, *, cost: int = COST) -> None:
        self._cost = cost
        self._by_name = {user.name: user for user in USERS}
        self._by_id = {user.id: user for user in USERS}
        self._hashes = {user.id: self._salted(password_of(user, key)) for user in USERS}
        self._hashes[_NOBODY] = (secrets.token_bytes(_SALT), b"")

    def sign_in(self, name: str, password: str) -> User | None:
        """Return the user of a name if the password is theirs; nobody can tell a wrong name from a wrong password."""
        user = self._by_name.get(name.strip().casefold())
        right = self.verify(_NOBODY if user is None else user.id, password)
        return user if right else None

    def verify(self, user_id: str, password: str) -> bool:
        """Say whether this is the password of a user; an unknown one costs as much as a wrong password."""
        salt, expected = self._hashes.get(user_id) or self._hashes[_NOBODY]
        return hmac.compare_digest(self._hashed(password, salt), expected)

    def called(self, user_id: str | None) -> str:
        """Return what to call somebody; "" for somebody unknown."""
        user = self._by_id.get(user_id or "")
        return "" if user is None else user.called

    def _salted(self, password: str) -> tuple[bytes, bytes]:
        salt = secrets.token_bytes(_SALT)
        return salt, self._hashed(password, salt)

    def _hashed(self, password: str, salt: bytes) -> bytes:
        return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=self._cost, r=8, p=5)

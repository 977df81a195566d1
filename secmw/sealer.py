"""Sealer: small messages sealed with AES-256-GCM, so that who keeps them can neither read them nor make one up. Pure.

Only this module imports cryptography, which comes with the extra ``crypto``. A box is

    byte 0       the version of the layout
    bytes 1-4    the id of the key
    bytes 5-16   a random nonce
    the rest     the message, as long as it was, and a tag of 16 bytes

Each scope, a session for instance, has keys of its own, so that random nonces do not meet however much is sealed (NIST SP
800-38D, 8.3), and a box of another scope does not open.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from os import urandom
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_ID: Final = slice(1, 5)
_NONCE: Final = slice(5, 17)
_HEAD: Final = 17

#: Bytes by which a box is longer than what is in it.
OVERHEAD: Final = _HEAD + 16


class Unopened(Exception):  # noqa: N818 - an answer: the caller decides what becomes of the box
    """Say that a box was not opened; ``key`` is the id of the key that is missing, "" for what nobody here has sealed."""

    def __init__(self, key: str = "") -> None:
        super().__init__(key)
        self.key: Final = key


class Sealer:
    """Seal with the first of some keys, which are 32 bytes each, and open with all."""

    __slots__ = ("_keys", "_newest")

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._newest = key_id(keys[0])
        self._keys = {key_id(key): key for key in keys}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, the one that seals first."""
        return tuple(name.hex() for name in self._keys)

    @property
    def alone(self) -> bool:
        """Whether there is one key and no other."""
        return len(self._keys) == 1

    def newest(self, box: bytes) -> bool:
        """Say whether it is the first key that has sealed a box."""
        return box[_ID] == self._newest

    def scope(self, name: bytes) -> Scope:
        """Return what seals and opens in one scope; made anew for each use, for it is cheap."""
        return Scope(self._keys, self._newest, name)


class Scope:
    """Seal and open the boxes of one scope; ``about`` says what a box is, and one about something else does not open."""

    __slots__ = ("_ciphers", "_keys", "_name", "_newest")

    def __init__(self, keys: Mapping[bytes, bytes], newest: bytes, name: bytes) -> None:
        self._keys = keys
        self._newest = newest
        self._name = name
        self._ciphers: dict[bytes, AESGCM] = {}

    def seal(self, about: bytes, message: bytes) -> bytes:
        """Return a box with a message in it."""
        head, nonce = _VERSION + self._newest, urandom(12)
        return head + nonce + self._cipher(self._newest).encrypt(nonce, message, head + about)

    def open(self, about: bytes, box: bytes) -> bytes:
        """Return the message in a box; raise Unopened."""
        key = box[_ID]
        if box[:1] != _VERSION or len(box) < OVERHEAD:
            raise Unopened
        if key not in self._keys:
            raise Unopened(key.hex())
        try:
            return self._cipher(key).decrypt(box[_NONCE], box[_HEAD:], box[: _ID.stop] + about)
        except InvalidTag:
            raise Unopened from None

    def _cipher(self, key: bytes) -> AESGCM:
        cipher = self._ciphers.get(key)
        if cipher is None:
            # HKDF-Expand, one block of it (RFC 5869, 2.3).
            cipher = self._ciphers[key] = AESGCM(hmac.digest(self._keys[key], self._name + b"\x01", "sha256"))
        return cipher


def key_id(key: bytes) -> bytes:
    """Return four bytes that name a key and tell nothing of it."""
    return hmac.digest(key, b"key id", "sha256")[:4]

"""KeyRing: the keys everything else is derived from; the first makes, all check.

Secret keys themselves sign and seal nothing: each purpose gets its own key by HMAC-SHA-256 of its name. What seals is
:mod:`secmw.sealer`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

TAG_BYTES: Final = 16
"""Length of a tag: 128 bits, as no forger gets more than one guess per request."""


def new_key() -> str:
    """Make a secret key: base64 of 32 random bytes.

    >>> len(decode_key(new_key()))
    32
    """
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def decode_key(text: str) -> bytes:
    """Turn a secret key into its bytes; both base64 alphabets do, with or without padding.

    Raise ValueError for what is not base64, for less than 32 bytes, and for fewer than 8 different ones.
    """
    try:
        plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not a key in base64; `secmw keys new` makes one") from None
    if len(key) < 32 or len(set(key)) < 8:
        raise ValueError(
            "is too weak: a key is base64 of at least 32 random bytes; `secmw keys new` makes one"
        )
    return key


def development_key(folder: Path = Path(".secmw")) -> str:
    """Make a key for this folder once, and return the same one from then on; for development only."""
    path = folder / "development.key"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        # Written first and named then: of workers that start together one names its key, and all read the whole of it.
        draft = folder / f"draft-{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(new_key())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


class Signer:
    """Make and check short tags for one purpose, in hex; constant in time, whichever key made the tag."""

    __slots__ = ("_states",)

    def __init__(self, keys: Iterable[bytes]) -> None:
        # A keyed blake2b that is copied costs a third of a one-shot hmac.digest; one block holds all that we sign.
        self._states = tuple(hashlib.blake2b(key=key, digest_size=TAG_BYTES) for key in keys)

    def sign(self, message: bytes) -> str:
        """Return the tag of a message; whoever joins several things into one makes sure they can't be taken apart."""
        copy = self._states[0].copy()
        copy.update(message)
        return copy.hexdigest()

    def verify(self, tag: bytes, message: bytes) -> bool:
        """Say whether any of the keys made this tag."""
        good = False
        for state in self._states:
            copy = state.copy()
            copy.update(message)
            good |= hmac.compare_digest(tag, copy.hexdigest().encode())
        return good


class KeyRing:
    """Hold the secret keys of a policy; never shows them.

    >>> KeyRing([new_key(), new_key()])
    KeyRing(2 keys)
    """

    __slots__ = ("_keys",)

    def __init__(self, secret_keys: Iterable[str]) -> None:
        self._keys = tuple(decode_key(key) for key in secret_keys)

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} key{'' if len(self._keys) == 1 else 's'})"

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def ids(self) -> tuple[str, ...]:
        """A public name of each key, 64 bits in hex, which tells nothing of it."""
        return tuple(name[:8].hex() for name in self.derive("key id"))

    def signer(self, purpose: str) -> Signer:
        """Return the signer for one purpose; tags of different purposes never fit each other."""
        return Signer(self.derive(purpose))

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return a key of 32 bytes for one purpose from each secret key."""
        name = b"secmw/1/" + purpose.encode("ascii")
        return tuple(hmac.digest(key, name, "sha256") for key in self._keys)

"""The scripts that Redis runs, each on one key: their text lies in ``lua/``, and is read when this is imported."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Final

_FOLDER: Final = files(__package__) / "lua"

#: Digest to text: what is sent where Redis does not know the digest (any more).
TEXTS: Final[dict[bytes, bytes]] = {}


class Script:
    """Be one script; ``call`` makes the command that runs it."""

    __slots__ = ("digest", "name")

    def __init__(self, name: str, *before: str) -> None:
        text = b"".join((_FOLDER / f"{part}.lua").read_bytes() for part in (*before, name))
        # Not a safeguard: it is how Redis names scripts.
        digest = sha1(text, usedforsecurity=False).hexdigest().encode()
        TEXTS[digest] = text
        self.name = name
        self.digest = digest

    def call(self, key: bytes, *args: bytes) -> tuple[bytes, ...]:
        """Return the command that runs the script on a key."""
        return (b"EVALSHA", self.digest, b"1", key, *args)


def in_full(command: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the command that runs a script which Redis does not know."""
    return (b"EVAL", TEXTS[command[1]], *command[2:])


TOUCH: Final = Script("touch", "session")
UPDATE: Final = Script("update", "session")
ROTATE: Final = Script("rotate", "session")
SWAP: Final = Script("swap", "session")
END: Final = Script("end", "session")
BURY: Final = Script("bury", "session")
MEMBERS: Final = Script("members", "user")
JOIN: Final = Script("join")
BUMP: Final = Script("bump", "user")
PUT: Final = Script("put")
COUNT: Final = Script("count")
LEASE: Final = Script("lease")
REAP: Final = Script("reap")

"""What every application does: as the query says, step by step, with the session of whichever library keeps it.

``/?see&wait=g&put=late`` looks into the session, waits at the gate ``g``, puts a name, and answers with what ``see`` saw. A
gate is a socket in the folder the server runs in: whoever waits there says so by connecting, and a byte lets them go.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Generator, MutableMapping
from typing import Any, Final

#: How a test tells the application where its Redis is, where it may keep a file, and which limits it has.
REDIS: Final = os.environ.get("SEMANTICS_REDIS", "")
FOLDER: Final = os.environ.get("SEMANTICS_FOLDER", "")
LIMITS: Final = os.environ.get("SEMANTICS_LIMITS", "")

#: The limits, where a library has them: a session's age, and the time without a request. Who has one takes the second.
AGE: Final = 24 * 3600
IDLE: Final = 8 * 3600

#: It signs and seals nothing that matters.
SECRET: Final = "for-comparing-only-0123456789abcd"  # noqa: S105

_WAIT: Final = 60.0

Told = tuple[int, bytes]


class FailureError(Exception):
    """Be what an application raises that has a fault."""


class Deeds:
    """Be what an application may ask of a session; what a library has no function for is not overridden."""

    def __init__(self, data: MutableMapping[str, Any]) -> None:
        self.data = data

    @property
    def user(self) -> str | None:
        """Who is signed in."""
        return self.data.get("user")

    def login(self, user: str) -> None:
        """Sign somebody in, without a word about ids."""
        self.data["user"] = user

    def logout(self) -> None:
        """End the session."""
        self.data.clear()

    def rotate(self) -> None:
        """Give the session a new id."""
        raise NotImplementedError

    def end_others(self) -> None:
        """End the other sessions of the user."""
        raise NotImplementedError


def _put(deeds: Deeds, name: str) -> None:
    deeds.data[name] = 1


def _nest(deeds: Deeds, name: str) -> None:
    deeds.data["nested"][name] = 1


_STEPS: Final[dict[str, Callable[[Deeds, str], None]]] = {
    "put": _put,
    "begin": lambda deeds, name: deeds.data.__setitem__(name, {}),
    "nest": _nest,
    "login": lambda deeds, user: deeds.login(user),
    "logout": lambda deeds, _: deeds.logout(),
    "rotate": lambda deeds, _: deeds.rotate(),
    "end_others": lambda deeds, _: deeds.end_others(),
}


def _carry_out(deeds: Deeds, query: str) -> Generator[str, None, Told]:
    """Take the steps, yield the gates to wait at, and return status and body."""
    seen: list[Any] = []
    for step in filter(None, query.split("&")):
        verb, _, word = step.partition("=")
        if verb == "wait":
            yield word
        elif verb == "see":
            # Django's session has keys, and can't be walked over.
            names = sorted(deeds.data.keys())
            seen.append({"user": deeds.user, "names": names, "nested": deeds.data.get("nested")})
        elif verb == "fail":
            raise FailureError
        else:
            try:
                _STEPS[verb](deeds, word)
            except NotImplementedError:
                return 501, b"[]"
    return 200, json.dumps(seen).encode()


def answer(deeds: Deeds, query: str) -> Told:
    """Do as the query says, in a thread."""
    steps = _carry_out(deeds, query)
    try:
        while True:
            gate = next(steps)
            with socket.socket(socket.AF_UNIX) as waiting:
                waiting.settimeout(_WAIT)
                waiting.connect(gate)
                waiting.recv(1)
    except StopIteration as done:
        told: Told = done.value
        return told


async def answer_async(deeds: Deeds, query: str) -> Told:
    """Do as the query says, on an event loop."""
    steps = _carry_out(deeds, query)
    while True:
        try:
            gate = next(steps)
        except StopIteration as done:
            told: Told = done.value
            return told
        reader, writer = await asyncio.open_unix_connection(gate)
        async with asyncio.timeout(_WAIT):
            await reader.read(1)
        writer.close()

"""Hooks: what only the host application knows, as functions that it hands to the middleware.

Each may be sync or async. Caller and AsyncCaller ask them in the colour of their guard; the one must not wait for a loop,
and the other must not hold one up, so under ASGI a sync function runs in a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Final

from secmw.clock import Clock
from secmw.errors import ConfigError, Problem

Verify = Callable[[str, str], bool] | Callable[[str, str], Awaitable[bool]]
Version = Callable[[str], str | None] | Callable[[str], Awaitable[str | None]]

#: Seconds that the version of somebody's credentials is taken to be still the same.
FRESH: Final = 15.0
_REMEMBERED: Final = 10_000

ANY: Final = object()
"""Stands for whatever version, where there is no session to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Hold the host's functions.

    ``verify(user_id, password)``: whether this is the user's password; web sudo needs it. It takes as long for a wrong
    password as for a right one.

    ``current_credentials_version(user_id)``: what ``Session.login(credentials_version=...)`` is compared with, asked at
    most every 15 seconds for each user; None for somebody who may not be signed in any more. If it raises, the answer is 503.
    """

    verify: Verify | None = None
    current_credentials_version: Version | None = None


class _Versions:
    """Remember the versions of credentials for a short while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, str | None]] = {}

    def now(self) -> float:
        return self._clock.now()

    def holds(self, user_id: str, expected: object) -> tuple[float, str | None] | None:
        """Return what is known, unless it is too old, or speaks against a session: its password may just have changed."""
        known = self._known.get(user_id)
        if known is None or not 0 <= self.now() - known[0] < FRESH:
            return None
        return known if expected in (ANY, known[1]) else None

    def put(self, user_id: str, asked: float, version: str | None) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[user_id] = (asked, version)


class Caller:
    """Ask the hooks, in the thread of the request; raise ConfigError for one that is async."""

    def __init__(self, hooks: Hooks, clock: Clock) -> None:
        problems = [
            Problem(
                f"hooks.{name}", "is async, which a WSGI application can't wait for; write a plain function"
            )
            for name in ("verify", "current_credentials_version")
            if _is_async(getattr(hooks, name))
        ]
        if problems:
            raise ConfigError(problems)
        self._verify: Any = hooks.verify
        self._version: Any = hooks.current_credentials_version
        self.versioned = self._version is not None
        self._known = _Versions(clock)

    def verify(self, user_id: str, password: str) -> bool:
        """Say whether this is the user's password; nobody's is, where there is no hook."""
        return self._verify is not None and bool(_call(self._verify, user_id, password))

    def version(self, user_id: str, expected: object = ANY) -> str | None:
        """Return the version of a user's credentials: at most 15 seconds old, and just asked if not the ``expected`` one."""
        known = self._known.holds(user_id, expected)
        if known is None:
            asked = self._known.now()
            version: str | None = _call(self._version, user_id)
            self._known.put(user_id, asked, version)
            return version
        return known[1]


class AsyncCaller:
    """Ask the hooks without holding up the event loop."""

    def __init__(self, hooks: Hooks, clock: Clock) -> None:
        self._verify: Any = hooks.verify
        self._version: Any = hooks.current_credentials_version
        self.versioned = self._version is not None
        self._known = _Versions(clock)

    async def verify(self, user_id: str, password: str) -> bool:
        """Say whether this is the user's password; nobody's is, where there is no hook."""
        return self._verify is not None and bool(await _wait(self._verify, user_id, password))

    async def version(self, user_id: str, expected: object = ANY) -> str | None:
        """Return the version of a user's credentials: at most 15 seconds old, and just asked if not the ``expected`` one."""
        known = self._known.holds(user_id, expected)
        if known is None:
            asked = self._known.now()
            version: str | None = await _wait(self._version, user_id)
            self._known.put(user_id, asked, version)
            return version
        return known[1]


def _is_async(function: Any) -> bool:
    # Or an object whose __call__ is async.
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _call(function: Any, *arguments: str) -> Any:
    answer = function(*arguments)
    if isinstance(answer, Awaitable):
        # A coroutine is true, whatever it would have come to: any password would be right.
        if isinstance(answer, Coroutine):
            answer.close()
        raise TypeError(
            f"the hook {function!r} answered with something to await, which a WSGI application can't"
        )
    return answer


async def _wait(function: Any, *arguments: str) -> Any:
    if _is_async(function):
        return await function(*arguments)
    import asyncio

    answer = await asyncio.to_thread(function, *arguments)
    return await answer if isinstance(answer, Awaitable) else answer


NONE: Final = Hooks()

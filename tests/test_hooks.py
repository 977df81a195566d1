"""What only the host knows: asked in the colour of the guard, and remembered for a moment."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

import pytest

from secmw.errors import ConfigError
from secmw.hooks import FRESH, NONE, AsyncCaller, Caller, Hooks
from secmw.testing import FrozenClock

GOOD = ("ann", "s3cret")


def right(user_id: str, password: str) -> bool:
    return (user_id, password) == GOOD


async def right_later(user_id: str, password: str) -> bool:
    await asyncio.sleep(0)
    return right(user_id, password)


class Checker:
    """Be an object that is called."""

    def __call__(self, user_id: str, password: str) -> bool:
        return right(user_id, password)


class LaterChecker:
    """Be one whose call is waited for."""

    async def __call__(self, user_id: str, password: str) -> bool:
        return right(user_id, password)


def in_disguise(user_id: str, password: str) -> Any:
    """Look like a plain function, and answer with a coroutine."""
    return right_later(user_id, password)


PLAIN = [right, Checker(), functools.partial(right), Checker().__call__]
LATER = [right_later, LaterChecker(), functools.partial(right_later), in_disguise]


# --- the password


@pytest.mark.parametrize("verify", PLAIN, ids=["function", "object", "partial", "method"])
def test_the_hook_decides_whether_a_password_is_right(verify: Any) -> None:
    caller = Caller(Hooks(verify=verify), FrozenClock())
    assert caller.verify(*GOOD)
    assert not caller.verify("ann", "wrong")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "verify",
    [*PLAIN, *LATER],
    ids=["function", "object", "partial", "method", *[f"later{n}" for n in range(4)]],
)
async def test_the_hook_decides_on_an_event_loop_whatever_its_colour(verify: Any) -> None:
    caller = AsyncCaller(Hooks(verify=verify), FrozenClock())
    assert await caller.verify(*GOOD)
    assert not await caller.verify("ann", "wrong")


@pytest.mark.parametrize("answer", [None, 0, "", False])
def test_no_answer_is_no(answer: Any) -> None:
    assert not Caller(Hooks(verify=lambda user_id, password: answer), FrozenClock()).verify(*GOOD)


@pytest.mark.anyio
async def test_without_a_hook_no_password_is_right() -> None:
    assert not Caller(NONE, FrozenClock()).verify(*GOOD)
    assert not await AsyncCaller(NONE, FrozenClock()).verify(*GOOD)


@pytest.mark.anyio
async def test_a_slow_hook_does_not_hold_up_the_event_loop() -> None:
    """RB-06"""
    here = threading.current_thread()
    asked: list[threading.Thread] = []

    def slow(user_id: str, password: str) -> bool:
        asked.append(threading.current_thread())
        return True

    assert await AsyncCaller(Hooks(verify=slow), FrozenClock()).verify(*GOOD)
    assert asked
    assert here not in asked


# --- a hook that a WSGI application can't wait for


@pytest.mark.parametrize("hook", [right_later, LaterChecker(), functools.partial(right_later)])
@pytest.mark.parametrize("name", ["verify", "current_credentials_version"])
def test_an_async_hook_is_an_error_at_start_up_under_wsgi(hook: Any, name: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"hooks\.{name}: is async, which a WSGI application can't wait for"
    ):
        Caller(Hooks(**{name: hook}), FrozenClock())


def test_every_hook_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Caller(Hooks(verify=right_later, current_credentials_version=LaterChecker()), FrozenClock())  # type: ignore[arg-type]
    assert [problem.setting for problem in caught.value.problems] == [
        "hooks.verify",
        "hooks.current_credentials_version",
    ]


def test_a_coroutine_is_no_right_password() -> None:
    """A coroutine is true whatever it would have come to: with it every password would be right."""
    caller = Caller(Hooks(verify=in_disguise), FrozenClock())
    with pytest.raises(TypeError, match="something to await"):
        caller.verify("ann", "wrong")


def test_nor_is_anything_else_that_is_awaited() -> None:
    class Promise:
        def __await__(self) -> Any:
            yield

    caller = Caller(Hooks(verify=lambda user_id, password: Promise()), FrozenClock())
    with pytest.raises(TypeError, match="something to await"):
        caller.verify(*GOOD)


# --- the version of credentials


class Versions:
    """Know versions, and count how often they are asked for."""

    def __init__(self, clock: FrozenClock) -> None:
        self.clock = clock
        self.now: dict[str, str | None] = {"ann": "v1", "bob": None}
        self.asked = 0
        self.takes = 0.0

    def get(self, user_id: str) -> str | None:
        self.asked += 1
        self.clock.move(self.takes)
        return self.now[user_id]

    async def get_later(self, user_id: str) -> str | None:
        return self.get(user_id)


class Both:
    """Ask in either colour, as one."""

    def __init__(self, colour: str) -> None:
        self.clock = FrozenClock()
        self.versions = Versions(self.clock)
        self.sync = Caller(Hooks(current_credentials_version=self.versions.get), self.clock)
        self.later = AsyncCaller(Hooks(current_credentials_version=self.versions.get_later), self.clock)
        self.colour = colour

    async def version(self, *arguments: Any) -> str | None:
        if self.colour == "sync":
            return self.sync.version(*arguments)
        return await self.later.version(*arguments)


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest) -> Both:
    return Both(request.param)


@pytest.mark.anyio
async def test_a_version_is_asked_for_once_in_fifteen_seconds(both: Both) -> None:
    for _ in range(3):
        assert await both.version("ann") == "v1"
    assert both.versions.asked == 1
    both.clock.move(FRESH - 0.1)
    await both.version("ann")
    assert both.versions.asked == 1
    both.clock.move(0.1)
    both.versions.now["ann"] = "v2"
    assert await both.version("ann") == "v2"
    assert await both.version("bob") is None
    assert await both.version("bob") is None
    assert both.versions.asked == 3


@pytest.mark.anyio
async def test_a_version_is_as_old_as_the_question(both: Both) -> None:
    both.versions.takes = 10
    await both.version("ann")
    both.clock.move(5)
    await both.version("ann")
    assert both.versions.asked == 2


@pytest.mark.anyio
async def test_a_clock_that_was_set_back_makes_no_answer_younger(both: Both) -> None:
    """SE-21"""
    await both.version("ann")
    both.clock.move(-3600)
    await both.version("ann")
    assert both.versions.asked == 2


@pytest.mark.anyio
async def test_who_has_just_changed_the_password_is_not_judged_by_what_was_known_before(both: Both) -> None:
    assert await both.version("ann", "v1") == "v1"
    both.versions.now["ann"] = "v2"
    assert await both.version("ann", "v2") == "v2"
    assert await both.version("ann", "v2") == "v2"
    assert both.versions.asked == 2


@pytest.mark.anyio
async def test_a_version_that_can_not_be_had_is_not_remembered(both: Both) -> None:
    del both.versions.now["ann"]
    for _ in range(2):
        with pytest.raises(KeyError):
            await both.version("ann")
    assert both.versions.asked == 2


@pytest.mark.anyio
async def test_a_flood_of_users_takes_a_bounded_memory(both: Both) -> None:
    for number in range(10_050):
        both.versions.now[str(number)] = "v"
        await both.version(str(number))
    caller = both.sync if both.colour == "sync" else both.later
    assert len(caller._known._known) <= 10_000


def test_a_guard_knows_whether_there_is_anything_to_compare() -> None:
    assert not Caller(NONE, FrozenClock()).versioned
    assert not AsyncCaller(NONE, FrozenClock()).versioned
    assert Both("sync").sync.versioned
    assert Both("async").later.versioned

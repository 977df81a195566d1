"""Assembly: what a middleware needs besides its plans, opened from a policy's URLs or taken from the host. Start-up only.

Raise ConfigError, with every problem, for a policy whose parts can't be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from secmw.config.settings import Sessions
from secmw.errors import ConfigError, Problem
from secmw.hooks import AsyncCaller, Caller, Hooks

if TYPE_CHECKING:
    from secmw.audit.recorder import AsyncRecorder, Recorder
    from secmw.clock import Clock
    from secmw.policy import Policy
    from secmw.sinks.base import Sink
    from secmw.stores.base import AsyncStore, Store
    from secmw.sweep import Sweeper

_NO_STORE = (
    "is not set, and sessions have to live somewhere; write sqlite:///var/lib/app/sessions.db, memory:// (one process), or"
    " the URL of a store you have installed; or sessions=None for a policy without"
)


class Parts(NamedTuple):
    """Hold what the guard of a WSGI application waits for; None for what the policy does without."""

    store: Store | None
    recorder: Recorder | None
    caller: Caller
    sweeper: Sweeper | None
    clock: Clock


class AsyncParts(NamedTuple):
    """Hold what the guard of an ASGI application waits for."""

    store: AsyncStore | None
    recorder: AsyncRecorder | None
    caller: AsyncCaller
    sweeper: Sweeper | None
    clock: Clock


@overload
def assemble(
    policy: Policy,
    *,
    hooks: Hooks,
    store: Store | None,
    sinks: Sequence[Sink],
    clock: Clock,
    asynchronous: Literal[False],
) -> Parts: ...
@overload
def assemble(
    policy: Policy,
    *,
    hooks: Hooks,
    store: AsyncStore | None,
    sinks: Sequence[Sink],
    clock: Clock,
    asynchronous: Literal[True],
) -> AsyncParts: ...
def assemble(
    policy: Policy,
    *,
    hooks: Hooks,
    store: Store | AsyncStore | None,
    sinks: Sequence[Sink],
    clock: Clock,
    asynchronous: bool,
) -> Parts | AsyncParts:
    """Open the store and the trail of a policy; nothing connects before it is used."""
    problems: list[Problem] = []
    sessions: Sessions | None = policy.sessions if policy.screening else None
    opened: Any = None
    if sessions is not None:
        opened = store if store is not None else _store(policy, clock, problems, asynchronous=asynchronous)
        load = getattr(opened, "load", None)
        if opened is not None and load is None:
            fix = f"is a {type(opened).__name__}, which is no store; a URL is the policy's: Policy(..., store=URL)"
            problems.append(Problem("store", fix))
        elif load is not None and _is_async(load) is not asynchronous:
            other = "an AsyncStore; this is ASGI" if asynchronous else "a Store; this is WSGI"
            problems.append(Problem("store", f"{type(opened).__name__} has the wrong colour; give {other}"))
        elif load is not None and sessions.seal:
            opened = _sealed(opened, policy, clock, problems)
    if hooks.verify is None and "sudo" in policy._written and policy.sudo.enabled:
        problems.append(
            Problem(
                "sudo", "needs hooks=Hooks(verify=...), which checks a password; or write enabled = false"
            )
        )
    recorder = _recorder(
        policy, sinks, clock, problems, asynchronous=asynchronous, sessions=sessions is not None
    )
    caller: Any = None
    try:
        caller = AsyncCaller(hooks, clock) if asynchronous else Caller(hooks, clock)
    except ConfigError as error:
        problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    sweeper = None
    blocking = getattr(opened, "blocking", None if asynchronous else opened)
    if sessions is not None and blocking is not None:
        from secmw.sweep import Sweeper

        chores = () if asynchronous or recorder is None else (recorder.flush,)
        sweeper = Sweeper(blocking, every=float(sessions.sweep), chores=chores, clock=clock)
    if opened is not None:
        opened = _agreeing(opened, policy, clock, asynchronous=asynchronous)
    if asynchronous:
        return AsyncParts(opened, recorder, caller, sweeper, clock)
    return Parts(opened, recorder, caller, sweeper, clock)


def _is_async(method: Any) -> bool:
    from inspect import iscoroutinefunction

    return iscoroutinefunction(method)


def _store(policy: Policy, clock: Clock, problems: list[Problem], *, asynchronous: bool) -> Any:
    from secmw.stores import open_store

    if policy.store is None:
        problems.append(Problem("store", _NO_STORE))
        return None
    try:
        return open_store(policy.store, asynchronous=asynchronous, clock=clock)
    except ValueError as error:
        problems.append(Problem("store", str(error)))
        return None


def _sealed(store: Any, policy: Policy, clock: Clock, problems: list[Problem]) -> Any:
    from secmw.stores import sealed

    try:
        made = sealed(store, policy.secret_keys, clock=clock)
    except ValueError as error:
        problems.append(Problem("sessions.seal", str(error), "True"))
        return None
    # The host may have sealed its own.
    return store if type(store) is type(made) else made


def _agreeing(store: Any, policy: Policy, clock: Clock, *, asynchronous: bool) -> Any:
    """Have a store that others may share asked first whether all of them have it alike."""
    from secmw import agreeing

    if agreeing.lives_here(store):
        return store
    return (agreeing.AsyncAgreeing if asynchronous else agreeing.Agreeing)(store, policy, clock)


def _recorder(
    policy: Policy,
    sinks: Sequence[Sink],
    clock: Clock,
    problems: list[Problem],
    *,
    asynchronous: bool,
    sessions: bool,
) -> Any:
    """Open the trail: the one the policy names, or one beside its sessions, in memory where those can't hold it."""
    url = policy.trail
    if url is None and sessions:
        beside = policy.store or ""
        url = beside if beside.startswith("sqlite") else "memory://"
    if url is None:
        return None
    from secmw.audit import open_trail
    from secmw.audit.recorder import AsyncRecorder, Recorder

    try:
        if asynchronous:
            return AsyncRecorder(
                open_trail(url, asynchronous=True, clock=clock), sinks, settings=policy.audit, clock=clock
            )
        return Recorder(open_trail(url, clock=clock), sinks, settings=policy.audit, clock=clock)
    except ValueError as error:
        problems.append(Problem("trail", str(error)))
        return None

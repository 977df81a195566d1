"""Agreeing: a store that is asked nothing before those who share it agree (:mod:`secmw.sessions.agreement`).

It asks once, when a session is first needed, for nothing connects before: a server may fork. From then on its methods are the
store's own, and cost nothing. While there is no agreement every method raises StoreError, so that people get 503 and strangers
their pages; the reason is logged once, and it is asked again now and then.

The two are twins: take ``async`` and ``await`` away and they are the same text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from secmw.errors import ConfigError, StoreError
from secmw.sessions import agreement
from secmw.sessions.writes import Lost

if TYPE_CHECKING:
    from secmw.clock import Clock
    from secmw.policy import Policy
    from secmw.stores.base import AsyncStore, Store

#: What is asked of a store for sessions.
METHODS: Final = (
    "load",
    "write",
    "of_user",
    "generation",
    "end_all",
    "sweep",
    "put",
    "take",
    "count",
    "lease",
)

#: Seconds until it is asked again whether others have given way.
_AGAIN: Final = 15.0

#: How often others may come between.
_TRIES: Final = 5

_log: Final = logging.getLogger("secmw")


class Agreeing:
    """Be a store of one application of many, for threads; ``store`` is what it becomes."""

    def __init__(self, store: Store, policy: Policy, clock: Clock) -> None:
        self.store: Final = store
        self._below: Final[Any] = below(store)
        self._terms = agreement.terms(policy)
        self._developing = policy.preset == "development"
        self._clock = clock
        self._told = ""
        self._again = 0.0
        self._methods = methods(store)
        for name in self._methods:
            setattr(self, name, self._first(name))

    def __getattr__(self, name: str) -> Any:
        """Be the store in everything else."""
        return getattr(object.__getattribute__(self, "store"), name)

    def agree(self) -> None:
        """Compare what this application brings with what was agreed on, and write down what nobody has yet.

        Raise ConfigError for what differs, and StoreError while the store is away.
        """
        anew = False
        for _ in range(_TRIES):
            found = self._below.load(agreement.KEPT_UNDER)
            try:
                write = agreement.step(self._terms, found, self._clock.now(), anew=anew)
            except ConfigError as error:
                if not self._developing:
                    raise
                _log.warning(
                    "what was agreed on in this store is replaced, since this is development: %s", error
                )
                anew = True
                continue
            if write is None or not isinstance(self._below.write(write), Lost):
                break
        vars(self).update((name, getattr(self.store, name)) for name in self._methods)

    def _first(self, name: str) -> Callable[..., Any]:
        def first(*args: Any, **more: Any) -> Any:
            if self._clock.now() < self._again:
                raise StoreError(DIFFERENT)
            try:
                self.agree()
            except ConfigError as error:
                self._again = self._clock.now() + _AGAIN
                self._told = told(error, self._told)
                raise StoreError(DIFFERENT) from None
            return getattr(self.store, name)(*args, **more)

        return first


class AsyncAgreeing:
    """Be a store of one application of many, for event loops; ``store`` is what it becomes."""

    def __init__(self, store: AsyncStore, policy: Policy, clock: Clock) -> None:
        self.store: Final = store
        self._below: Final[Any] = below(store)
        self._terms = agreement.terms(policy)
        self._developing = policy.preset == "development"
        self._clock = clock
        self._told = ""
        self._again = 0.0
        self._methods = methods(store)
        for name in self._methods:
            setattr(self, name, self._first(name))

    def __getattr__(self, name: str) -> Any:
        """Be the store in everything else."""
        return getattr(object.__getattribute__(self, "store"), name)

    async def agree(self) -> None:
        """Compare what this application brings with what was agreed on, and write down what nobody has yet.

        Raise ConfigError for what differs, and StoreError while the store is away.
        """
        anew = False
        for _ in range(_TRIES):
            found = await self._below.load(agreement.KEPT_UNDER)
            try:
                write = agreement.step(self._terms, found, self._clock.now(), anew=anew)
            except ConfigError as error:
                if not self._developing:
                    raise
                _log.warning(
                    "what was agreed on in this store is replaced, since this is development: %s", error
                )
                anew = True
                continue
            if write is None or not isinstance(await self._below.write(write), Lost):
                break
        vars(self).update((name, getattr(self.store, name)) for name in self._methods)

    def _first(self, name: str) -> Callable[..., Any]:
        async def first(*args: Any, **more: Any) -> Any:
            if self._clock.now() < self._again:
                raise StoreError(DIFFERENT)
            try:
                await self.agree()
            except ConfigError as error:
                self._again = self._clock.now() + _AGAIN
                self._told = told(error, self._told)
                raise StoreError(DIFFERENT) from None
            return await getattr(self.store, name)(*args, **more)

        return first


DIFFERENT: Final = "the applications that share the store differ in what they must have in common"


def told(error: ConfigError, before: str) -> str:
    """Log why an application must not start, unless that was the last thing said; return it."""
    text = str(error)
    if text != before:
        _log.error("%s, so nobody is signed in here: %s", DIFFERENT, text)
    return text


def methods(store: Any) -> tuple[str, ...]:
    """Return what may be asked of a store, with what not every one has."""
    return (*METHODS, "load_bytes") if hasattr(type(store), "load_bytes") else METHODS


def below(store: Any) -> Any:
    """Return the store that another one seals: who has no key in common can read it all the same."""
    return getattr(store, "store", store)


def lives_here(store: Any) -> bool:
    """Say whether a store is of this process alone, in which there is nobody to agree with."""
    from secmw.stores import AsyncMemoryStore, MemoryStore

    found = below(store)
    return isinstance(found, MemoryStore | AsyncMemoryStore) or hasattr(found, "load_now")

"""One file per store; :mod:`secmw.stores.base` says what a store owes. Importing this loads none of them.

A store has a URL, and the part of its scheme before a ``+`` says which: one of ours, or what an installed package
offers as an entry point of the group ``secmw.stores``. What stands there is called as each module's ``open_url`` is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from secmw.clock import Clock, system

if TYPE_CHECKING:
    from secmw.stores.base import AsyncStore, Store
    from secmw.stores.memory import AsyncMemoryStore, MemoryStore
    from secmw.stores.redis.async_store import AsyncRedisStore
    from secmw.stores.redis.store import RedisStore
    from secmw.stores.sealing import sealed
    from secmw.stores.sealing.async_store import AsyncSealed
    from secmw.stores.sealing.store import Sealed
    from secmw.stores.sql.store import AsyncSQLStore, SQLStore
    from secmw.stores.sqlite import AsyncSQLiteStore, SQLiteStore

#: Scheme to module; one line for each store.
_MODULES: Final = {
    "memory": "secmw.stores.memory",
    "redis": "secmw.stores.redis",
    "mariadb": "secmw.stores.sql",
    "mysql": "secmw.stores.sql",
    "postgresql": "secmw.stores.sql",
    "sqlite": "secmw.stores.sqlite",
}
#: Other spellings of a scheme.
_ALIASES: Final = {
    "postgres": "postgresql",
    "rediss": "redis",
    "sqlite3": "sqlite",
    "unix": "redis",
    "valkey": "redis",
    "valkeys": "redis",
}
_HOMES: Final = {
    "AsyncMemoryStore": "secmw.stores.memory",
    "AsyncSQLStore": "secmw.stores.sql.store",
    "AsyncRedisStore": "secmw.stores.redis.async_store",
    "AsyncSQLiteStore": "secmw.stores.sqlite",
    "AsyncSealed": "secmw.stores.sealing.async_store",
    "AsyncStore": "secmw.stores.base",
    "MemoryStore": "secmw.stores.memory",
    "RedisStore": "secmw.stores.redis.store",
    "SQLStore": "secmw.stores.sql.store",
    "SQLiteStore": "secmw.stores.sqlite",
    "Sealed": "secmw.stores.sealing.store",
    "Store": "secmw.stores.base",
    "sealed": "secmw.stores.sealing",
}

GROUP: Final = "secmw.stores"
"""The entry-point group in which packages offer stores."""


@overload
def open_store(url: str, *, asynchronous: Literal[False] = ..., clock: Clock = ...) -> Store: ...
@overload
def open_store(url: str, *, asynchronous: Literal[True], clock: Clock = ...) -> AsyncStore: ...
@overload
def open_store(url: str, *, asynchronous: bool, clock: Clock = ...) -> Store | AsyncStore: ...
def open_store(url: str, *, asynchronous: bool = False, clock: Clock = system) -> Store | AsyncStore:
    """Make the store that a URL names; it connects when it is first used.

    Raise ValueError, saying what to write, for a URL that is none of a store.

    >>> type(open_store("memory://")).__name__
    'MemoryStore'
    """
    scheme, colon, _ = url.partition(":")
    if not colon:
        raise ValueError(f"is not the URL of a store; write one of {_known()}")
    name = scheme.partition("+")[0].lower()
    name = _ALIASES.get(name, name)
    if name in _MODULES:
        opener = import_module(_MODULES[name]).open_url
    else:
        opener = _offered(name)
    store: Store | AsyncStore = opener(url, asynchronous=asynchronous, clock=clock)
    return store


def _offered(name: str) -> Any:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        return entry.load()
    # The URL itself may hold a password.
    raise ValueError(
        f"there is no store {name!r}; write one of {_known()}, or install the package that has it"
    )


def _known() -> str:
    from importlib.metadata import entry_points

    others = (f"{entry.name}://" for entry in entry_points(group=GROUP))
    return ", ".join(
        [
            "memory://",
            "sqlite:///var/lib/app/sessions.db",
            "redis://host:6379/0",
            "postgresql://host/database",
            *sorted(others),
        ]
    )


def __getattr__(name: str) -> Any:
    """Load a store when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'secmw.stores' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "AsyncMemoryStore",
    "AsyncRedisStore",
    "AsyncSQLStore",
    "AsyncSQLiteStore",
    "AsyncSealed",
    "AsyncStore",
    "GROUP",
    "MemoryStore",
    "RedisStore",
    "SQLStore",
    "SQLiteStore",
    "Sealed",
    "Store",
    "open_store",
    "sealed",
]

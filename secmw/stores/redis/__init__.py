"""Sessions in a Redis >= 6.2 or a Valkey, alone, with Sentinels or as a Cluster, for any number of machines.

    where      the URL
    layout     the names of keys, and what is in their values
    scripts    what Redis itself runs, one key at a time
    commands   what each method asks, and what the answers mean, for both colours
    pool       blocking connections, and the store over them
    mux        one connection for an event loop, and the store over it
    cluster    who of a Cluster is asked what; pools and muxes are the connections to all of them

Importing this loads no driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secmw.clock import Clock

if TYPE_CHECKING:
    from secmw.stores.redis.async_store import AsyncRedisStore
    from secmw.stores.redis.store import RedisStore


def open_url(url: str, *, asynchronous: bool, clock: Clock) -> RedisStore | AsyncRedisStore:
    """Make the store of a URL; see :func:`secmw.stores.redis.where.parse`."""
    from secmw.stores.redis.where import parse

    parse(url)
    try:
        if asynchronous:
            from secmw.stores.redis.async_store import AsyncRedisStore

            return AsyncRedisStore(url, clock=clock)
        from secmw.stores.redis.store import RedisStore

        return RedisStore(url, clock=clock)
    except ImportError as error:
        raise ValueError(f"needs {error.name}, which is not installed; pip install 'secmw[redis]'") from None

"""Worker: one thread that does for the event loop what would hold it up. Loads asyncio and threads when first used."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


class Worker:
    """Run functions one after another in a thread of its own; a forked process gets another thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    async def run(
        self, function: Callable[_Params, _Result], *args: _Params.args, **kwargs: _Params.kwargs
    ) -> _Result:
        """Return what the function returns; it is carried out whether or not the caller is cancelled meanwhile."""
        import asyncio

        return await asyncio.shield(asyncio.wrap_future(self._started().submit(function, *args, **kwargs)))

    def close(self) -> None:
        """End the thread once it has done what it was given."""
        if self._pool is not None and self._pid == os.getpid():
            self._pool.shutdown(wait=False)
        self._pool = None

    def _started(self) -> ThreadPoolExecutor:
        pool = self._pool
        if pool is None or self._pid != os.getpid():
            from concurrent.futures import ThreadPoolExecutor

            pool = self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)
            self._pid = os.getpid()
        return pool

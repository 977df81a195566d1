"""Threads that wait for a disk in place of an event loop. asyncio is imported where it is used."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from secmw.errors import StoreError

if TYPE_CHECKING:
    from asyncio import Future
    from concurrent.futures import ThreadPoolExecutor

PATIENCE: Final = 0.3
"""Seconds that a call may wait for a thread; with the patience for a locked file it is answered within one."""

_Args = ParamSpec("_Args")
_Answer = TypeVar("_Answer")


class Threads:
    """Run calls in at most ``most`` threads, in the order in which they come."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    async def run(self, call: Callable[_Args, _Answer], *args: _Args.args, **kwargs: _Args.kwargs) -> _Answer:
        """Return what a call returns; it is carried out whether or not the caller is cancelled meanwhile.

        Raise StoreError, and call nothing, where no thread is free in time.
        """
        from asyncio import get_running_loop

        loop = get_running_loop()
        answer: Future[_Answer] = loop.create_future()
        # Who comes first, a thread or the end of our patience; setdefault is one step.
        first: dict[str, str] = {}

        def give_up() -> None:
            # Where the caller has gone, nobody is to be told, and the call may take its time.
            if not answer.done() and first.setdefault("is", "patience") == "patience":
                answer.set_exception(StoreError("the store is busy"))

        def work() -> None:
            result: Any = None
            error: BaseException | None = None
            if first.setdefault("is", "thread") != "thread":
                return
            try:
                result = call(*args, **kwargs)
            except BaseException as raised:  # noqa: BLE001 - it is the caller's
                error = raised
            # A closed loop has nobody who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, answer, result, error)

        try:
            self._started().submit(work)
        except RuntimeError as error:
            raise StoreError("the store can't be asked any more: the process is ending") from error
        timer = loop.call_later(PATIENCE, give_up)
        try:
            return await answer
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the threads once they have done what they were given; the next call starts others."""
        pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.shutdown(wait=False)

    def _started(self) -> ThreadPoolExecutor:
        # A forked process has none of its parent's threads.
        if self._pool is None or self._pid != os.getpid():
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="secmw-store")
            self._pid = os.getpid()
        return self._pool


def _settle(answer: Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)

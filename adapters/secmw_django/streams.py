"""The bodies of streaming responses: what they still ask of the session is written when they end. No rule lives here."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.http import FileResponse

from secmw.outliving import ConnectionOverError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from secmw.errors import SessionError
    from secmw.outliving import Stream

_log = logging.getLogger("secmw")


class Pieces:
    """Be the pieces of a body; ``late`` is told how they ended, as a status: 500 for a body that broke off."""

    def __init__(self, pieces: Iterator[bytes], late: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._late = late

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            # Not in close(): a server may say before it that the response is whole, and the next request comes then.
            self._late(200)
            raise
        except BaseException:
            self._late(500)
            raise

    def close(self) -> None:
        """Take note that nobody wants any more."""
        self._late(500)


async def pieces(
    body: AsyncIterator[bytes], late: Callable[[int], Awaitable[None]], stream: Stream | None
) -> AsyncIterator[bytes]:
    """Give the pieces of a body, as long as its session lives; ``stream`` is what finds out."""
    status = 500
    goes_on: dict[str, Any] = {"more_body": True}
    try:
        async for piece in body:
            if stream is not None:
                stream.check(goes_on)
            yield piece
        status = 200
    finally:
        if stream is not None:
            with suppress(ConnectionOverError):
                stream.check({})
        await late(status)


def started(response: Any) -> None:
    """Have a body begin, so that a response whose first piece fails is not half sent, and fails as a whole.

    A WSGI server keeps the head until then (PEP 3333), and what the body does to the session so far goes with it.
    """
    if isinstance(response, FileResponse) or response.is_async:
        return
    body = iter(response.streaming_content)
    first = next(body, None)
    response.streaming_content = chain(() if first is None else (first,), body)


def lost(error: SessionError) -> None:
    """Log that what was put into a session too late could not be kept."""
    _log.error("what the application put into the session after the response had started is lost: %s", error)

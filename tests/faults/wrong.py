"""Workers that are wrong on purpose, by the name that FAULTS_WRONG gives: what looks on has to notice."""

from __future__ import annotations

from collections import deque
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.races.app import Receive, Scope, Send


def forget_who_left() -> None:
    """Let a connection to Redis forget the questions of those who have left, and hand their answers to the next."""
    from secmw.stores.redis import mux

    wire: Any = mux._Wire
    received = wire.data_received

    def left(question: Any) -> bool:
        asked = question if hasattr(question, "outcome") else getattr(question.done, "__self__", None)
        return asked is not None and asked.outcome.cancelled()

    def data_received(self: Any, data: bytes) -> None:
        self._waiting = deque(question for question in self._waiting if not left(question))
        received(self, data)

    wire.data_received = data_received


class Caching:
    """Answer every tenth request with what another one was answered, as a cache does that looks at no cookie."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._kept: list[MutableMapping[str, Any]] = []
        self._turn = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said: list[MutableMapping[str, Any]] = []

        async def noted(message: MutableMapping[str, Any]) -> None:
            said.append(message)

        await self._app(scope, receive, noted)
        self._turn += 1
        kept, self._kept = self._kept, said
        for message in kept if kept and self._turn % 10 == 0 else said:
            await send(message)

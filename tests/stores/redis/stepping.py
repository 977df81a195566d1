"""Plans taken step by step, so that a test can stop between two of them, or let somebody else come between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from secmw.sessions import codec
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create
from secmw.stores.redis import mux, pool
from secmw.stores.redis.asking import Plan
from secmw.stores.redis.store import RedisStore

NOW = 1_750_000_000.0


@contextmanager
def patience() -> Iterator[None]:
    """Give servers ten seconds for everything."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mux, "WITHIN", 30.0)
        for name in ("CONNECT", "GREET", "ASKED", "ANSWER"):
            for module in (pool, mux):
                patched.setattr(module, name, 10.0)
        yield


def record(number: int = 0, user_id: str | None = None, **more: Any) -> Record:
    owner = written(Identity(user_id, "", NOW + number, **more)) if user_id else b""
    return Record(
        f"{number:022}", 0, NOW, NOW, NOW + 86_400, NOW + 3_600, 3_600, bytes(32), codec.EMPTY, owner
    )


def create(number: int = 0, user_id: str | None = None, **more: Any) -> Create:
    return Create(record=record(number, user_id), user_id=user_id, checked_at=NOW, **more)


class Steps:
    """Be a plan that goes on when it is told to."""

    def __init__(self, store: RedisStore, plan: Plan[Any]) -> None:
        self._store = store
        self._plan = plan
        self._given: Any = None
        self.done = False
        self.outcome: Any = None

    def step(self) -> bool:
        """Take one step; say whether there was one."""
        try:
            asked = self._plan.send(self._given)
        except StopIteration as end:
            self.done, self.outcome = True, end.value
            return False
        self._given = self._store._pool.ask(asked)
        return True

    def steps(self, many: int) -> Steps:
        """Take so many steps."""
        for _ in range(many):
            assert self.step()
        return self

    def rest(self) -> Any:
        """Take all that are left, and return what comes of it."""
        while self.step():
            pass
        return self.outcome


def stepping(store: RedisStore, plan: Plan[Any]) -> Steps:
    # Scripts that are not known would be steps of their own.
    from secmw.stores.redis import scripts

    for text in scripts.TEXTS.values():
        store._pool.ask(_load(text))
    return Steps(store, plan)


def _load(text: bytes) -> Any:
    from secmw.stores.redis.asking import Ask

    return Ask([(b"SCRIPT", b"LOAD", text)])

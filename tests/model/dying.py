"""A process that dies in the middle of what a store does: between two of the questions that it asks its server.

The database undoes what was not finished; a Redis keeps the steps that were taken.
"""

from __future__ import annotations

from typing import Any

from tests.model.driver import Crash


class Mortal:
    """Stand where a store for threads asks its server; ``left`` is how often it does before the process dies."""

    def __init__(self, store: Any) -> None:
        self.left: int | None = None
        if hasattr(store, "_pool"):
            self._pool, store._pool = store._pool, self
        else:
            from sqlalchemy import event

            event.listen(store._lent(), "before_cursor_execute", lambda *_: self._age())

    def ask(self, asked: Any) -> Any:
        """Be the pool's."""
        self._age()
        return self._pool.ask(asked)

    def close(self) -> None:
        """Be the pool's."""
        self._pool.close()

    def _age(self) -> None:
        if self.left is not None:
            if not self.left:
                self.left = None
                raise Crash
            self.left -= 1

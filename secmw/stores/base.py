"""The store protocol, in both colours: what sessions, and the few other things secmw remembers, ask of a store.

A store moves bytes. What a write means is :func:`secmw.sessions.writes.apply`'s to say; a store's own duties are that
nothing gets between its reading and its writing, the index of each user's sessions, and the generation of each user.
``secmw.testing.StoreContract`` is this page as a test suite.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Lost, Revoked, Write, Written


@runtime_checkable
class Store(Protocol):
    """Keep sessions, from the thread that asks; every method may raise StoreError, and that alone means an outage.

    All methods may be called from any thread. A method that raised has either done all it should or nothing.
    """

    def load(self, selector: str) -> Record | Ended | None:
        """Return the record of a selector; why it ended, for a minute after the end; None for what is not known.

        A record past its limits may still be returned: the caller judges it by its own clock. What can't be read is
        ``Ended(UNREADABLE)``.
        """
        ...

    def write(self, write: Write) -> Written | Lost:
        """Carry out one write as :func:`secmw.sessions.writes.apply` says, in one step.

        A Create with a ``user_id`` joins the user's index, and is refused (``GENERATION``, ``CAP``) or displaces the
        oldest, in that same step.
        """
        ...

    def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        ...

    def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended; 0 for never."""
        ...

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``.

        The generation goes up first, with its time: a sign-in under way is undone. Each leaves a tombstone.
        """
        ...

    def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over by ``now``; return how many, less than ``limit`` when done.

        A store that has to look for them may stop earlier, so that no look takes long, and says so by ``unfinished = True``.
        Sessions past their limits, tombstones, values and leases past their time. Never removes what lives, and never
        holds up a request for longer than one such batch takes.
        """
        ...

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none. Return whether it was kept."""
        ...

    def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it, in one step: of two that ask, one gets it. None for none."""
        ...

    def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it; it starts anew ``ttl`` seconds after its first."""
        ...

    def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease for ``ttl`` seconds; False while another holder has it.

        Each store object is a holder of its own.
        """
        ...

    def close(self) -> None:
        """Give back connections and files; a store that is used afterwards opens them again."""
        ...


@runtime_checkable
class AsyncStore(Protocol):
    """Keep sessions without holding up the event loop; otherwise exactly a :class:`Store`.

    A store that never waits may have ``load_now(selector)`` besides, a plain function from a selector, as bytes, to the
    bytes it keeps, or None; it saves every request two coroutines, and most of them a Record. One that is made of a blocking store shows it as ``blocking``, to be swept.
    """

    async def load(self, selector: str) -> Record | Ended | None:
        """Be :meth:`Store.load`."""
        ...

    async def write(self, write: Write) -> Written | Lost:
        """Be :meth:`Store.write`; once begun it is carried out, whether or not the caller is cancelled."""
        ...

    async def of_user(self, user_id: str) -> list[Record]:
        """Be :meth:`Store.of_user`."""
        ...

    async def generation(self, user_id: str) -> int:
        """Be :meth:`Store.generation`."""
        ...

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        """Be :meth:`Store.end_all`."""
        ...

    async def sweep(self, now: float, limit: int) -> int:
        """Be :meth:`Store.sweep`."""
        ...

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Be :meth:`Store.put`."""
        ...

    async def take(self, space: str, key: str) -> bytes | None:
        """Be :meth:`Store.take`."""
        ...

    async def count(self, space: str, key: str, ttl: float) -> int:
        """Be :meth:`Store.count`."""
        ...

    async def lease(self, name: str, ttl: float) -> bool:
        """Be :meth:`Store.lease`."""
        ...

    async def close(self) -> None:
        """Be :meth:`Store.close`."""
        ...

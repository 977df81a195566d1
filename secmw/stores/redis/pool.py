"""A few blocking connections to a Redis, each used by one thread at a time; redis-py's, without its second tries.

Who the master is, all sentinels are asked for each connection, one after another, and it is asked itself whether it is one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as TimedOut
from redis.retry import Retry

from secmw.errors import StoreError
from secmw.stores.redis.advice import QUESTION, judge
from secmw.stores.redis.asking import DEMOTED, Ask, Refused, UnreachedError, received, sent
from secmw.stores.redis.sentinels import Heard, Named, doubted, followed, named

if TYPE_CHECKING:
    from secmw.stores.redis.where import Where

CONNECT: Final = 0.25
"""Seconds that a server has to take a connection."""

ANSWER: Final = 0.5
"""Seconds that a server has to answer."""

GREET: Final = 0.2
"""Seconds that a server has to say anything that has just left somebody without an answer."""

ASKED: Final = 0.15
"""Seconds that a sentinel has to take a connection, and again to name the master."""

STALE: Final = 1.0
"""Seconds after which a connection that nobody has used may lead to what is no master any more: of what happens to a
server, its sentinels know first."""

MOST: Final = 64
"""Connections that are open at most; who needs one more waits for as long as for an answer."""


_Unix: Final[Callable[..., AbstractConnection]] = UnixDomainSocketConnection


class Pool:
    """Hold connections; nothing that was connected before a fork is used after it."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._sentinels = where.nodes
        self._heard = Heard()
        self._hangs = False
        self._pid = 0
        self._left: list[Any] = []
        self._renew()

    def ask(self, asked: Ask) -> list[Any]:
        """Return the answers to some commands; StoreError where there are none."""
        if self._pid != os.getpid():
            self._renew()
        free = self._free
        if not free.acquire(timeout=ANSWER):
            raise StoreError("Redis is busy: every connection is in use")
        try:
            answers = received(asked, self._ask(asked))
        except (RedisError, OSError, ValueError) as error:
            if isinstance(error, TimedOut):
                # Who comes next may have waited for a thread all the while, and shall not wait for as long again.
                self._hangs = True
                self.close()
            # A ValueError is an answer that redis-py can't read.
            raise StoreError(_why(error)) from None
        finally:
            free.release()
        if isinstance(answers, StoreError):
            raise answers
        return answers

    def told(self) -> list[str]:
        """Return what is to be said against the server."""
        return list(judge(self._where.name, self.ask(QUESTION), self._where))

    def close(self) -> None:
        """Close the connections that are in nobody's use."""
        if self._pid == os.getpid():
            while self._idle:
                _close(self._idle.pop()[0])

    def _ask(self, asked: Ask) -> list[Any]:
        connection, used = self._connected()
        packed = [pack_command(command) for command in sent(asked)]  # type: ignore[arg-type] # it takes any number
        try:
            answers = _exchange(connection, packed)
        except TimedOut:
            raise
        except (RedisError, OSError):
            # It may have been dead before; what changes something may have been carried out all the same.
            if not (used and asked.reading):
                raise
            connection = self._made()
            answers = _exchange(connection, packed)
        self._hangs = False
        if any(type(answer) is Refused and answer.code in DEMOTED for answer in answers):
            _close(connection)
        else:
            self._idle.append((connection, time.monotonic()))
        return answers

    def _connected(self) -> tuple[AbstractConnection, bool]:
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return self._made(), False
            try:
                # Nothing is to be read: neither an answer that is somebody else's, nor an end.
                stale = self._sentinels and time.monotonic() - since > STALE
                if not stale and not connection.can_read():
                    return connection, True
            except (RedisError, OSError):
                pass
            _close(connection)

    def _made(self) -> AbstractConnection:
        try:
            return self._to_master() if self._sentinels else self._reached(self._where)[0]
        except (StoreError, RedisError, OSError) as error:
            self._hangs = self._hangs or isinstance(error, TimedOut)
            raise UnreachedError(_why(error)) from None

    def _to_master(self) -> AbstractConnection:
        """Connect to the master that the sentinels name who know of the last failover; rather to one that replicas follow."""
        start = time.monotonic()
        said: Exception = StoreError("there is no sentinel")
        found: list[Named] = []
        for node in self._sentinels:
            try:
                connection, answer = self._opened(self._where.sentinel(node), (ASKED, ASKED))
                _close(connection)
                found.append(named(answer))
            except (StoreError, RedisError, OSError) as error:
                said = error
                # Who hangs is asked last from then on.
                self._sentinels = (*(other for other in self._sentinels if other != node), node)
            if time.monotonic() - start > CONNECT:
                break
        alone: AbstractConnection | None = None
        for node in self._heard.masters(found):
            try:
                connection, role = self._reached(self._where.named(node))
            except (StoreError, RedisError, OSError) as error:
                said = error
            else:
                if followed(role):
                    if alone is not None:
                        _close(alone)
                    return connection
                if alone is None:
                    alone = connection
                else:
                    _close(connection)
            if time.monotonic() - start > CONNECT:
                break
        if alone is None:
            raise said
        doubt = doubted(len(found), len(self._sentinels))
        if doubt is not None:
            _close(alone)
            raise doubt
        return alone

    def _reached(self, where: Where) -> tuple[AbstractConnection, Any]:
        """Connect to a server, unless it hangs yet; return what :meth:`_opened` does."""
        if self._hangs:
            _close(self._opened(replace(where, last=(b"PING",)), (CONNECT, GREET))[0])
        return self._opened(where)

    def _opened(
        self, where: Where, within: tuple[float, float] | None = None
    ) -> tuple[AbstractConnection, Any]:
        """Return a connection, and the last answer to its greeting."""
        connect, answers = within or (CONNECT, ANSWER)
        kind: Callable[..., AbstractConnection]
        more: dict[str, Any]
        if where.path:
            kind, more = _Unix, {"path": where.path}
        else:
            kind, more = Connection, {"host": where.host, "port": where.port}
        if where.tls:
            kind = SSLConnection
            more["ssl_ca_certs"] = where.authority or None
        connection = kind(
            db=where.database,
            username=where.user or None,
            password=where.password or None,
            socket_timeout=answers,
            socket_connect_timeout=connect,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            health_check_interval=0,
            protocol=2,
            # Two round trips less: nobody reads what a connection says of itself.
            driver_info=None,
            **more,
        )
        connection.connect()  # type: ignore[no-untyped-call] # redis-py's
        if not where.last:
            return connection, None
        packed = pack_command(where.last)  # type: ignore[arg-type] # it takes any number
        (answer,) = _exchange(connection, [packed])
        try:
            if isinstance(answer, Refused):
                raise where.refused(answer.code)
            where.greeted(answer)
        except StoreError:
            _close(connection)
            raise
        return connection, answer

    def _renew(self) -> None:
        # Connections of the process that forked are its own: they are neither used nor closed here.
        if self._pid:
            self._left.append(self._idle)
        self._idle: list[tuple[AbstractConnection, float]] = []
        self._free = threading.BoundedSemaphore(MOST)
        self._pid = os.getpid()


def _exchange(connection: AbstractConnection, packed: list[bytes]) -> list[Any]:
    """Send commands and read an answer to each; a connection that fails is closed."""
    answers: list[Any] = []
    try:
        connection.send_packed_command(packed, check_health=False)  # type: ignore[no-untyped-call] # redis-py's
        for _ in packed:
            try:
                answers.append(connection.read_response(disable_decoding=True))
            except ResponseError as error:
                # redis-py takes the first word away where it knows it.
                answers.append(Refused(f"{error.status_code or ''} {error}".lstrip()))
    except BaseException:
        _close(connection)
        raise
    return answers


def _close(connection: AbstractConnection) -> None:
    connection.disconnect()  # type: ignore[no-untyped-call] # redis-py's


def _why(error: Exception) -> str:
    """Say what failed; what a driver says may repeat what was sent."""
    if isinstance(error, StoreError):
        return str(error)
    if isinstance(error, TimedOut):
        return "Redis did not answer in time"
    if isinstance(error, OSError) and not isinstance(error, RedisError):
        return f"Redis can't be reached: {type(error).__name__}"
    return f"Redis can't be asked: {type(error).__name__}"

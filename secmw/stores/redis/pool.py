"""A few blocking connections to a Redis, each used by one thread at a time; redis-py's, without its second tries."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as TimedOut
from redis.retry import Retry

from secmw.errors import StoreError
from secmw.stores.redis.asking import Ask, Refused

if TYPE_CHECKING:
    from secmw.stores.redis.where import Where

CONNECT: Final = 0.25
"""Seconds that a server has to take a connection."""

ANSWER: Final = 0.5
"""Seconds that a server has to answer."""

MOST: Final = 64
"""Connections that are open at most; who needs one more waits for as long as for an answer."""


_Unix: Final[Callable[..., AbstractConnection]] = UnixDomainSocketConnection


class Pool:
    """Hold connections; nothing that was connected before a fork is used after it."""

    def __init__(self, where: Where) -> None:
        self._where = where
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
            return self._ask(asked)
        except (RedisError, OSError) as error:
            raise _failed(error) from None
        finally:
            free.release()

    def close(self) -> None:
        """Close the connections that are in nobody's use."""
        if self._pid == os.getpid():
            while self._idle:
                _close(self._idle.pop())

    def _ask(self, asked: Ask) -> list[Any]:
        connection, used = self._connected()
        packed = [pack_command(command) for command in asked.commands]  # type: ignore[arg-type] # it takes any number
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
        self._idle.append(connection)
        return answers

    def _connected(self) -> tuple[AbstractConnection, bool]:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._made(), False
            try:
                # Nothing is to be read: neither an answer that is somebody else's, nor an end.
                if not connection.can_read():
                    return connection, True
            except (RedisError, OSError):
                pass
            _close(connection)

    def _made(self) -> AbstractConnection:
        where = self._where
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
            socket_timeout=ANSWER,
            socket_connect_timeout=CONNECT,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            health_check_interval=0,
            protocol=2,
            # Two round trips less: nobody reads what a connection says of itself.
            driver_info=None,
            **more,
        )
        connection.connect()  # type: ignore[no-untyped-call] # redis-py's
        return connection

    def _renew(self) -> None:
        # Connections of the process that forked are its own: they are neither used nor closed here.
        if self._pid:
            self._left.append(self._idle)
        self._idle: list[AbstractConnection] = []
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
            except NoScriptError:
                answers.append(Refused("NOSCRIPT"))
            except ResponseError as error:
                answers.append(Refused(_code(error)))
    except BaseException:
        _close(connection)
        raise
    return answers


def _close(connection: AbstractConnection) -> None:
    connection.disconnect()  # type: ignore[no-untyped-call] # redis-py's


def _code(error: Exception) -> str:
    # redis-py takes the first word away where it knows it.
    return str(error) if type(error) is ResponseError else type(error).__name__


def _failed(error: Exception) -> StoreError:
    """Return what is raised for a failure; what a driver says may repeat what was sent."""
    if isinstance(error, TimedOut):
        return StoreError("Redis did not answer in time")
    if isinstance(error, OSError) and not isinstance(error, RedisError):
        return StoreError(f"Redis can't be reached: {type(error).__name__}")
    return StoreError(f"Redis can't be asked: {type(error).__name__}")

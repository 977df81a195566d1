"""What a Redis costs its client: one connection for an event loop against redis-py's, and the bytes of a session.

python -m benchmarks.connections                 starts a Redis of its own
python -m benchmarks.connections --count 20000

Each way reads the same sessions, at 1, 16 and 64 at a time, and every answer is looked at. The last two rows are a store's
own methods, which make a record of each answer; the others hand out bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.memory import AGENT, PAYLOAD
from secmw.clock import system
from secmw.sessions import codec
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create, Touch, Written
from secmw.stores import AsyncRedisStore, RedisStore
from tests.services.redis import RedisServer, serve_redis

CONCURRENT: Final = (1, 16, 64)
_SESSIONS: Final = 1_000

Read = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Say what one operation costs, in microseconds: half are faster than ``p50``, ``cpu`` is the client's own."""

    p50: float
    p99: float
    cpu: float
    rate: float


def record(number: int, user: str | None = None) -> Record:
    """Return a session with as much data as in the other benchmarks."""
    now = system.now()
    owner = written(Identity(user, "Jane Doe", now, "192.0.2.7", AGENT)) if user else b""
    data = codec.join({"x": codec.encode("x", "x" * (PAYLOAD - 5))})
    return Record(
        f"{number:022}", 0, now, now, now + 86_400, now + 28_800, 28_800, bytes(range(32)), data, owner
    )


async def measured(read: Read, concurrent: int, count: int) -> Cost:
    """Read sessions, so many at a time."""
    took: list[float] = []

    async def some(first: int, many: int) -> None:
        for number in range(first, first + many):
            start = time.perf_counter()
            found = await read(f"{number % _SESSIONS:022}")
            took.append(time.perf_counter() - start)
            assert found is not None

    await asyncio.gather(*[some(0, 20) for _ in range(concurrent)])
    took.clear()
    each = count // concurrent
    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*[some(number * each, each) for number in range(concurrent)])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    took.sort()
    done = len(took)
    return Cost(
        p50=took[done // 2] * 1e6, p99=took[done * 99 // 100] * 1e6, cpu=cpu / done * 1e6, rate=done / wall
    )


class Gathered:
    """Send what one turn of the loop asks as one pipeline of redis-py's."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asked: list[tuple[bytes, asyncio.Future[Any]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: bytes) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._send)
        self._asked.append((key, answer))
        return await answer

    def _send(self) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(self._asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._asked = []

    async def _ask(self, asked: list[tuple[bytes, asyncio.Future[Any]]]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for key, _ in asked:
            pipeline.get(key)
        for (_, answer), found in zip(asked, await pipeline.execute(), strict=True):
            answer.set_result(found)


async def ways(server: RedisServer, count: int) -> dict[str, list[Cost]]:
    """Measure each way at each number of requests at a time."""
    import redis.asyncio

    store = AsyncRedisStore(server.url)
    for number in range(_SESSIONS):
        assert isinstance(await store.write(Create(record=record(number))), Written)
    client = redis.asyncio.Redis(host="127.0.0.1", port=server.port, protocol=2)
    gathered = Gathered(client)
    mux = store._connection()
    from secmw.stores.redis.asking import Ask

    async def over_mux(selector: str) -> object:
        answer: asyncio.Future[Any] = mux.loop.create_future()
        mux.ask(Ask([(b"GET", b"secmw:s:" + selector.encode())], reading=True), answer.set_result)
        return await answer

    async def touch(selector: str) -> object:
        return await store.write(Touch(selector=selector, at=system.now()))

    reads: dict[str, Read] = {
        "redis-py": lambda selector: client.get(b"secmw:s:" + selector.encode()),
        "redis-py, gathered": lambda selector: gathered.get(b"secmw:s:" + selector.encode()),
        "one connection": over_mux,
        "store: load": store.load,
        "store: touch": touch,
    }
    costs = {
        name: [await measured(read, concurrent, count) for concurrent in CONCURRENT]
        for name, read in reads.items()
    }
    await store.close()
    await client.aclose()
    return costs


def blocking(server: RedisServer, count: int) -> Cost:
    """Measure the blocking store, one request at a time."""
    store = RedisStore(server.url)
    took: list[float] = []
    store.load(f"{0:022}")
    cpu, begin = time.process_time(), time.perf_counter()
    for number in range(count):
        start = time.perf_counter()
        assert store.load(f"{number % _SESSIONS:022}") is not None
        took.append(time.perf_counter() - start)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - begin
    store.close()
    took.sort()
    return Cost(
        p50=took[count // 2] * 1e6,
        p99=took[count * 99 // 100] * 1e6,
        cpu=cpu / count * 1e6,
        rate=count / wall,
    )


def sizes(server: RedisServer) -> dict[str, int]:
    """Return the bytes of a session, by the server's own account."""
    store = RedisStore(server.url)
    names = {"anonymous": 5_001, "signed in": 5_002}
    store.write(Create(record=record(names["anonymous"])))
    store.write(Create(record=record(names["signed in"], "42"), user_id="42", checked_at=system.now()))
    store.close()
    found = {name: server.ask("MEMORY", "USAGE", f"secmw:s:{number:022}") for name, number in names.items()}
    found["index of a user"] = server.ask("MEMORY", "USAGE", "secmw:u:42")
    return {name: size for name, size in found.items() if isinstance(size, int)}


def main(words: Sequence[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--server", choices=["redis", "valkey"], default="redis")
    told = parser.parse_args(words)
    with serve_redis(told.server) as server:
        costs = asyncio.run(ways(server, told.count))
        costs["store: load, blocking"] = [blocking(server, told.count)]
        print(f"{'us':24}{'at once':>8}{'p50':>8}{'p99':>8}{'CPU':>8}{'a second':>10}")
        for name, row in costs.items():
            for concurrent, cost in zip(CONCURRENT, row, strict=False):
                print(
                    f"{name:24}{concurrent:8}{cost.p50:8.0f}{cost.p99:8.0f}{cost.cpu:8.1f}{cost.rate:10.0f}"
                )
        for name, size in sizes(server).items():
            print(f"{name}: {size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

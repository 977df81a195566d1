"""One connection for an event loop: no answer ever goes to another request, and what an outage looks like."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Create, End, Touch, Update, Written
from secmw.stores.redis.async_store import AsyncRedisStore
from secmw.stores.redis.mux import Mux
from secmw.testing import FrozenClock
from tests.forks import beside
from tests.patience import aback, waiting
from tests.servers import make_tls
from tests.services.redis import RedisServer, serve_redis
from tests.stores.redis.stepping import NOW, create, record

pytestmark = pytest.mark.server

ZERO = f"{0:022}"


def made(url: str) -> AsyncRedisStore:
    return AsyncRedisStore(url, clock=FrozenClock(NOW))


@asynccontextmanager
async def proxied(port: int, chance: random.Random) -> AsyncIterator[tuple[int, list[int]]]:
    """Stand between, and now and then take a while, hand on half an answer, or cut the connection."""
    cuts: list[int] = []
    tasks: set[asyncio.Task[None]] = set()

    async def hand_on(source: asyncio.StreamReader, to: asyncio.StreamWriter, *, cutting: bool) -> None:
        try:
            while data := await source.read(300 if cutting else 65_536):
                if cutting and chance.random() < 0.1:
                    await asyncio.sleep(chance.random() * 0.01)
                if cutting and chance.random() < 0.02:
                    to.write(data[: chance.randrange(len(data))])
                    cuts.append(1)
                    break
                to.write(data)
        except ConnectionError:
            pass
        finally:
            to.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        for one in (hand_on(reader, back, cutting=False), hand_on(there, writer, cutting=True)):
            task = asyncio.create_task(one)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], cuts
    server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # Transports close in the next turns of the loop.
    await asyncio.sleep(0.05)


def test_it_works_on_uvloop_whose_transports_are_not_asyncios(redis: RedisServer) -> None:
    async def main(url: str) -> bool:
        store = made(url)
        await store.write(create())
        found = await store.load(ZERO)
        await store.close()
        return isinstance(found, Record)

    for url in (redis.url, f"redis+unix://{redis.path}?db=0"):
        assert uvloop.run(main(url))


def test_no_answer_goes_to_another_request_however_many_are_cancelled(redis: RedisServer) -> None:
    """SE-17, RB-02: two thousand, over a line that stutters and breaks; each value says whose it is."""

    async def main() -> tuple[int, int, int, int]:
        chance = random.Random(5)  # noqa: S311 - a test that is the same each time
        store = made(redis.url)
        for number in range(64):
            data = codec.join({"whose": codec.encode("whose", number)})
            await store.write(Create(record=msgspec.structs.replace(record(number), data=data)))
        await store.close()
        async with proxied(redis.port, chance) as (port, cuts):
            store = made(f"redis://127.0.0.1:{port}")
            answered = cancelled = failed = 0

            async def ask(number: int) -> None:
                nonlocal answered, failed
                try:
                    if number % 3:
                        found = await store.load(f"{number:022}")
                    else:
                        outcome = await store.write(Touch(selector=f"{number:022}", at=NOW))
                        assert isinstance(outcome, Written)
                        found = outcome.record
                except StoreError:
                    failed += 1
                    return
                assert isinstance(found, Record)
                assert codec.decode(found.data) == {"whose": number}
                answered += 1

            for _ in range(40):
                tasks = [asyncio.create_task(ask(chance.randrange(64))) for _ in range(50)]
                for task in tasks:
                    if chance.random() < 0.5:
                        asyncio.get_running_loop().call_later(chance.random() * 0.01, task.cancel)
                for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                    if isinstance(outcome, asyncio.CancelledError):
                        cancelled += 1
                    elif isinstance(outcome, BaseException):
                        raise outcome
            await store.close()
            return answered, cancelled, failed, len(cuts)

    answered, cancelled, failed, cuts = asyncio.run(main())
    assert answered + cancelled + failed == 2_000
    assert answered > 500
    assert cancelled > 100
    assert cuts > 2


def test_two_hundred_that_change_one_session_at_once_are_all_there(redis: RedisServer) -> None:
    """SE-09"""

    async def main() -> None:
        store = made(redis.url)
        await store.write(create())
        names = [f"n{number}" for number in range(200)]
        updates = [
            store.write(Update(selector=ZERO, at=NOW, changes={name: codec.encode(name, 1)}))
            for name in names
        ]
        assert all(isinstance(outcome, Written) for outcome in await asyncio.gather(*updates))
        found = await store.load(ZERO)
        assert isinstance(found, Record)
        assert codec.decode(found.data) == dict.fromkeys(names, 1)
        assert found.revision == 200
        await store.close()

    asyncio.run(main())


def test_a_write_that_has_begun_is_carried_out_though_nobody_waits(redis: RedisServer) -> None:
    """SE-08, RB-02: every step of it; Redis does not even know the scripts yet."""

    async def main() -> None:
        store = made(redis.url)
        for number in range(20):
            await store.write(create(number, "jane"))
        redis.ask("SCRIPT", "FLUSH")
        ends = [
            asyncio.create_task(store.write(End(selector=f"{number:022}", at=NOW, reason=Over.LOGGED_OUT)))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for task in ends:
            task.cancel()
        signing_in = asyncio.create_task(store.write(create(30, "joe")))
        await asyncio.sleep(0)
        signing_in.cancel()
        await asyncio.sleep(0.1)
        for number in range(20):
            assert await store.load(f"{number:022}") == Ended(Over.LOGGED_OUT)
        assert redis.ask("HLEN", "secmw:u:jane") == 1
        assert [one.selector for one in await store.of_user("joe")] == [f"{30:022}"]
        await store.close()

    asyncio.run(main())


async def refused(asked: Callable[[], Awaitable[Any]]) -> str:
    """Return what is said of an outage, which takes less than a second."""
    with waiting() as waited:
        with pytest.raises(StoreError) as caught:
            await asked()
        assert waited() < 1.0
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
    return str(caught.value)


@pytest.mark.deadline
def test_a_server_that_hangs_is_a_store_error_within_a_second() -> None:
    """RB-06: for all that wait, and it is asked again as soon as it goes on."""

    async def main(server: RedisServer) -> None:
        store = made(server.url)
        await store.write(create())
        server.hold()
        reads = [refused(lambda: store.load(ZERO)) for _ in range(20)]
        writes = [refused(lambda: store.write(Touch(selector=ZERO, at=NOW))) for _ in range(20)]
        assert set(await asyncio.gather(*reads, *writes)) == {"Redis did not answer in time"}
        assert await refused(lambda: store.load(ZERO)) == "Redis can't be reached: TimeoutError"
        server.go_on()
        assert await aback(lambda: store.load(ZERO)) == record()
        await store.close()

    with serve_redis() as server:
        asyncio.run(main(server))


def test_a_server_that_was_started_again_is_asked_again() -> None:
    """RB-02: within two seconds; it knows none of our scripts."""

    async def main(server: RedisServer) -> None:
        store = made(server.url)
        await store.write(create())
        server.stop()
        assert "can't be reached" in await refused(lambda: store.load(ZERO))
        server.start()
        assert await store.load(ZERO) is None
        assert await store.write(create()) == Written(record())
        server.stop()
        server.start()
        await asyncio.sleep(0.01)
        assert await store.write(create()) == Written(record())
        assert isinstance(await store.write(Touch(selector=ZERO, at=NOW)), Written)
        await store.close()

    with serve_redis() as server:
        asyncio.run(main(server))


def test_a_read_is_asked_once_more_where_the_connection_ends_and_a_write_is_not(redis: RedisServer) -> None:
    """A write may have been carried out."""

    async def main() -> None:
        store = made(redis.url)
        await store.write(create())
        redis.ask("CLIENT", "PAUSE", 60, "ALL")
        reading = asyncio.ensure_future(store.load(ZERO))
        writing = asyncio.ensure_future(store.write(Touch(selector=ZERO, at=NOW)))
        await asyncio.sleep(0.01)
        mux = store._mux
        assert isinstance(mux, Mux)
        assert mux._wire is not None
        assert mux._wire._transport is not None
        mux._wire._transport.abort()
        assert await reading == record()
        with pytest.raises(StoreError, match="has closed the connection"):
            await writing
        await store.close()

    asyncio.run(main())


def test_what_was_not_sent_yet_is_asked_on_the_next_connection(redis: RedisServer) -> None:
    """A write too."""

    async def main() -> None:
        store = made(redis.url)
        await store.write(create())
        writing = asyncio.ensure_future(store.write(Touch(selector=ZERO, at=NOW)))
        await asyncio.sleep(0)
        mux = store._mux
        assert isinstance(mux, Mux)
        assert mux._wire is not None
        assert len(mux._next) == 1
        mux._wire.fail("gone")
        assert isinstance(await writing, Written)
        await store.close()

    asyncio.run(main())


def test_a_store_may_be_closed_while_it_connects() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            store = made(f"redis://127.0.0.1:{silent.getsockname()[1]}")
            waiting = asyncio.ensure_future(store.load(ZERO))
            await asyncio.sleep(0.05)
            await store.close()
            with pytest.raises(StoreError, match="was closed"):
                await waiting
            await asyncio.sleep(0.01)

    asyncio.run(main())


def test_what_is_no_answer_ends_the_connection() -> None:
    """Whatever is behind that port."""

    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"+PONG\r\n")
            await reader.read(100)
            writer.write(said)
            await reader.read(100)
            writer.close()

        for said in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$1\r\nx\r\n$1\r\ny\r\n"):
            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            store = made(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            if said.startswith(b"$"):
                # One answer more than was asked: the first is taken, and nothing after it.
                assert await store.load(ZERO) == Ended(Over.UNREADABLE)
                assert isinstance(store._mux, Mux)
                assert store._mux._wire is None
            else:
                assert await refused(lambda: store.load(ZERO)) == "Redis said what is no answer"  # noqa: B023 - used at once
            await store.close()
            server.close()

    asyncio.run(main())


def test_what_is_asked_in_one_turn_of_the_loop_is_sent_in_one_piece(redis: RedisServer) -> None:
    """Reads and writes, in their order; and what is asked in the next turn goes out with the next."""

    async def main() -> None:
        store = made(redis.url)
        await store.write(create())
        mux = store._mux
        assert isinstance(mux, Mux)
        assert mux._wire is not None
        sent: list[int] = []
        send = mux._wire.send

        def counting(questions: Any) -> None:
            sent.append(len(questions))
            send(questions)

        mux._wire.send = counting  # type: ignore[method-assign] # of this one
        for _ in range(2):
            before = mux.gathering
            asked = [store.load_bytes(ZERO.encode()) for _ in range(3)]
            taking = store._run(store._plans.take("space", "nothing"))
            asked += [store.load_bytes(ZERO.encode()) for _ in range(2)]
            assert (before, mux.gathering) == (False, True)
            assert len(set(await asyncio.gather(*asked))) == 1
            assert await taking is None
        assert sent == [6, 6]
        await store.close()

    asyncio.run(main())


@pytest.mark.deadline
def test_a_loop_that_was_held_up_does_not_blame_the_server(redis: RedisServer) -> None:
    async def main() -> None:
        store = made(redis.url)
        await store.write(create())
        reading = asyncio.ensure_future(store.load(ZERO))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.7)  # noqa: ASYNC251 - it is what the test is about
        assert await reading == record()
        await store.close()

    asyncio.run(main())


@pytest.mark.deadline
def test_a_loop_that_is_always_held_up_gives_up_too() -> None:
    """RB-06"""

    async def main() -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"+PONG\r\n")
            await reader.read()
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        store = made(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        reading = asyncio.ensure_future(store.load(ZERO))
        await asyncio.sleep(0.05)
        for _ in range(8):
            time.sleep(0.12)  # noqa: ASYNC251 - it is what the test is about
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with pytest.raises(StoreError, match="did not answer in time"):
            await asyncio.wait_for(reading, 0.01)
        await store.close()
        server.close()
        await asyncio.sleep(0.01)

    asyncio.run(main())


def test_passwords_are_given_and_never_told() -> None:
    """RB-02"""

    async def main(server: RedisServer) -> None:
        bad = f"redis://:secret@127.0.0.1:{server.port}"
        assert await refused(lambda: made(bad).load(ZERO)) == "Redis refused: WRONGPASS"
        assert await refused(lambda: made(bad.replace(":secret@", "")).load(ZERO)) == "Redis refused: NOAUTH"
        store = made(bad.replace(":secret", "default:right"))
        assert await store.load(ZERO) is None
        await store.close()

    with serve_redis("redis", "--requirepass", "right") as server:
        asyncio.run(main(server))


def test_a_unix_socket_and_a_database_are_reached(redis: RedisServer) -> None:
    async def main() -> None:
        store = made(f"redis+unix://{redis.path}?db=1")
        assert await store.write(create()) == Written(record())
        assert redis.ask("DBSIZE") == 0
        await store.close()
        assert await refused(lambda: made(f"{redis.url[:-1]}99").load(ZERO)) == "Redis refused: ERR"
        assert "can't be reached" in await refused(lambda: made("unix:///nowhere/redis.sock").load(ZERO))

    asyncio.run(main())


@pytest.mark.deadline
def test_tls_leads_there_too_and_strangers_are_not_trusted(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        url = f"rediss://localhost:{server.port}"
        store = made(f"{url}?ca={tmp_path / 'authority.pem'}")
        assert await store.write(create()) == Written(record())
        assert await store.load(ZERO) == record()
        await store.close()
        assert "can't be reached" in await refused(lambda: made(url).load(ZERO))

    with serve_redis(tls=make_tls(tmp_path)) as server:
        asyncio.run(main(server))


@pytest.mark.deadline
def test_a_server_that_takes_connections_and_says_nothing_is_given_up() -> None:
    """RB-06: one attempt for all that wait."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            store = made(f"redis://127.0.0.1:{silent.getsockname()[1]}")
            said = await asyncio.gather(*[refused(lambda: store.load(ZERO)) for _ in range(30)])
            assert set(said) == {"Redis can't be reached: TimeoutError"}
            silent.setblocking(False)
            silent.accept()[0].close()
            with pytest.raises(BlockingIOError):
                silent.accept()
            await store.close()

    asyncio.run(main())


def test_who_waits_is_told_when_the_store_is_closed(redis: RedisServer) -> None:
    async def main() -> None:
        store = made(redis.url)
        waiting = [asyncio.ensure_future(store.load(ZERO)) for _ in range(3)]
        await asyncio.sleep(0)
        await store.close()
        assert await store.load(ZERO) is None
        waiting += [asyncio.ensure_future(store.load(ZERO)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await store.close()
        for one in waiting:
            assert isinstance((await asyncio.gather(one, return_exceptions=True))[0], StoreError)

    asyncio.run(main())


def test_every_loop_has_a_connection_of_its_own(redis: RedisServer) -> None:
    """One store object may be asked in one loop after another."""
    store = made(redis.url)
    for _ in range(3):

        async def main() -> None:
            assert await store.load(ZERO) is None
            await store.close()

        asyncio.run(main())
    assert len(store._muxes) == 1


def test_a_forked_process_has_a_connection_of_its_own(redis: RedisServer) -> None:
    """RB-03, SE-11: and is another holder of leases."""

    async def main() -> bool:
        sound = [await store.load(ZERO) == record() for _ in range(100)]
        return all(sound) and await store.lease("sweep", 60.0)

    store = made(redis.url)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(store.write(create()))
    assert loop.run_until_complete(main())
    with beside(lambda: not asyncio.new_event_loop().run_until_complete(main())):
        assert loop.run_until_complete(main())
    loop.run_until_complete(store.close())
    loop.close()

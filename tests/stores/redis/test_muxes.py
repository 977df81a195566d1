"""Connections of an event loop to the nodes of a Cluster: several at once, cancelled, closed, and one that hangs."""

from __future__ import annotations

import asyncio
import random

import pytest

from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.record import Record
from secmw.sessions.writes import Update, Written
from secmw.stores.redis.async_store import AsyncRedisStore
from secmw.stores.redis.muxes import Muxes
from secmw.stores.redis.where import Node
from tests.patience import aback
from tests.services.redis import Cluster
from tests.stores.redis.stepping import NOW, create
from tests.stores.redis.test_mux import made, refused

pytestmark = pytest.mark.server


async def filled(masters: Cluster, many: int = 30) -> AsyncRedisStore:
    store = made(masters.url)
    await asyncio.gather(*[store.write(create(number)) for number in range(many)])
    return store


def test_no_answer_goes_to_another_when_requests_are_cancelled(masters: Cluster) -> None:
    """SE-17, RB-02: on any node."""

    async def main() -> int:
        chance = random.Random(5)  # noqa: S311 - a test that is the same each time
        store = await filled(masters)
        for number in range(30):
            whose = {"whose": codec.encode("whose", number)}
            assert isinstance(
                await store.write(Update(selector=f"{number:022}", at=NOW, changes=whose)), Written
            )
        answered = 0

        async def ask(number: int) -> None:
            nonlocal answered
            found = await store.load(f"{number:022}")
            assert isinstance(found, Record)
            assert codec.decode(found.data) == {"whose": number}
            answered += 1

        for _ in range(20):
            tasks = [asyncio.create_task(ask(chance.randrange(30))) for _ in range(50)]
            for task in tasks[::2]:
                asyncio.get_running_loop().call_later(chance.random() * 0.003, task.cancel)
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        await store.close()
        return answered

    assert 500 <= asyncio.run(main()) < 1_000


@pytest.mark.deadline
def test_a_node_that_hangs_is_a_store_error_within_a_second_and_the_others_answer(masters: Cluster) -> None:
    """RB-06"""

    async def main() -> None:
        store = await filled(masters)
        names = [f"{number:022}" for number in range(30)]
        silent = masters.owner(f"secmw:s:{names[0]}")
        away = [name for name in names if masters.owner(f"secmw:s:{name}") is silent]
        silent.hold()
        for _ in range(3):
            waiting = [refused(lambda name=name: store.load(name)) for name in away]  # type: ignore[misc] # a default binds it
            answers = [store.load(name) for name in names if name not in away]
            assert all(isinstance(found, Record) for found in await asyncio.gather(*answers))
            await asyncio.gather(*waiting)
        silent.go_on()
        assert isinstance(await aback(lambda: store.load(names[0])), Record)
        await store.close()

    asyncio.run(main())


def test_who_waits_is_told_when_the_store_is_closed(masters: Cluster) -> None:
    async def main() -> None:
        store = await filled(masters)
        waiting = [asyncio.ensure_future(store.load(f"{number:022}")) for number in range(30)]
        await asyncio.sleep(0)
        await store.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, StoreError) for outcome in outcomes)
        assert isinstance(await store.load(f"{0:022}"), Record)
        await store.close()

    asyncio.run(main())


def test_the_connection_to_a_node_that_has_left_is_closed(masters: Cluster) -> None:
    async def main() -> None:
        store = await filled(masters)
        muxes = store._mux
        assert isinstance(muxes, Muxes)
        gone = muxes._muxes[Node("gone", 1)] = muxes._muxes.pop(Node("127.0.0.1", masters.nodes[0].port))
        connected = gone._wire is not None
        await asyncio.gather(*[store.load(f"{number:022}") for number in range(30)])
        assert connected
        assert gone._wire is None
        assert len(muxes._muxes) == 3
        await store.close()

    asyncio.run(main())

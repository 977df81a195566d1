"""The races: each plays one round with a client and returns, or raises Broken with the sentence that is not true.

A round's number chooses who is where: in sixteen rounds every pair of workers meets, the same one included.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from secmw.sessions import codec
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create, Lost, Why, Written
from tests.races.app import BASKET, OWNER
from tests.races.at_once import whatever_the_order
from tests.races.site import WORKERS, Broken, Client, selector_of
from tests.races.tabs import a_browser_with_many_tabs

Scenario = Callable[[Client, int], Awaitable[None]]


def _workers(turn: int) -> tuple[int, int]:
    """Choose two workers; sixteen rounds make every pair."""
    return turn % WORKERS, turn // WORKERS % WORKERS


# --- a logout that was answered stays ---------------------------------------------------------------------------------


async def logout_against_a_slow_writer(client: Client, turn: int) -> None:
    """What a request puts that began before the logout is lost with the session. (SE-08, SE-22)"""
    user = client.name("writer", turn)
    cookie = await client.sign_in(user, worker=turn)
    # What counts is when the answer begins; the application may have put its name long before, or only then.
    steps = ("see&put=late&wait={}", "see&wait={}&put=late", "see&nest=late&wait={}&see")[turn % 3]
    await _held_across_a_logout(client, turn, steps, (user, cookie))


async def logout_against_a_slow_reader(client: Client, turn: int) -> None:
    """A request that only reads, but is due to note that the session is in use, does not bring it back. (SE-08, SE-10)"""
    user = client.name("reader", turn)
    cookie = await _signed_in_a_while_ago(client, user)
    await _held_across_a_logout(client, turn, "see&wait={}", (user, cookie))


async def _held_across_a_logout(client: Client, turn: int, steps: str, who: tuple[str, str]) -> None:
    """Hold requests until a logout was answered, let them finish, and look whether the session is back.

    In every second round others are in flight unheld, so that the logout also falls between their steps.
    """
    user, cookie = who
    here, there = _workers(turn)
    gate = client.gate(turn)
    held = [client.start(steps.format(gate.name), cookie, worker=here, gate=gate) for _ in range(2)]
    await gate.arrived(*held)
    free = steps.replace("&wait={}", "")
    loose = [client.start(free, cookie, worker=there + place) for place in range(WORKERS if turn % 2 else 0)]
    out = await client.done("see&logout", cookie, worker=there)
    if out.view.user != user:
        raise Broken(f"the one who signs out is {out.view.user}, not {user}: {out.view}")
    gate.open()
    late = await asyncio.gather(*held)
    for answer in late:
        if answer.cookie or any(view.user != user for view in answer.views):
            raise Broken(f"a request that began before the logout was answered {answer}")
    # One of these may have begun after the logout: then it is a stranger's, who may get a session, with nothing in it.
    given = {answer.cookie for answer in await asyncio.gather(*loose) if answer.cookie}
    for worker in range(WORKERS):
        view = (await client.done("see", cookie, worker=worker)).view
        if view.user is not None or view.data:
            raise Broken(f"signed out, and in again by a slow request: {view}")
    for place, each in enumerate(given):
        view = (await client.done("see", each, worker=place)).view
        if view.user is not None or selector_of(each) == selector_of(cookie):
            raise Broken(f"signed out, and in again by a cookie of a slow request: {view}")
    await _nothing_lives(client, user, cookie)


async def _nothing_lives(client: Client, user: str, *cookies: str) -> None:
    for cookie in cookies:
        found = await asyncio.to_thread(client.store.load, selector_of(cookie))
        if isinstance(found, Record):
            raise Broken(f"the session is over, and its record is there: {found}")
    listed = await asyncio.to_thread(client.store.of_user, user)
    if listed:
        raise Broken(f"the session is over, and the user's list holds {listed}")


async def _signed_in_a_while_ago(client: Client, user: str, ago: float = 120.0) -> str:
    """Put a session into the store as a sign-in would have two minutes ago: every request is due to touch it."""
    then = time.time() - ago
    made = new_id()
    record = Record(
        selector=made.selector,
        revision=0,
        created=then,
        seen=then,
        expires=then + 86_400,
        idle_until=then + 28_800,
        inactivity=28_800,
        verifier=made.digest,
        data=codec.join({OWNER: codec.encode(OWNER, user)}),
        owner=written(Identity(user_id=user, authenticated=then)),
    )
    create = Create(record=record, user_id=user, checked_at=time.time())
    outcome = await asyncio.to_thread(client.store.write, create)
    # It is there already where the store was asked twice.
    if not isinstance(outcome, Written) and outcome != Lost(Why.EXISTS):
        raise Broken("a new session could not be created")
    return str(made)


async def a_reader_is_noticed(client: Client, turn: int) -> None:
    """The slow reader of the race really writes: without a logout, its note arrives, and moves no data. (SE-10)"""
    cookie = await _signed_in_a_while_ago(client, client.name("noticed", turn))
    before = await asyncio.to_thread(client.store.load, selector_of(cookie))
    await client.done("see", cookie, worker=turn)
    after = await asyncio.to_thread(client.store.load, selector_of(cookie))
    if not isinstance(before, Record) or not isinstance(after, Record):
        raise Broken("a session that nobody ended is over")
    if after.seen < before.seen + 60 or after.data != before.data:
        raise Broken(f"a reader after {time.time() - before.seen:.0f} s was not noticed")


# --- what a rotation replaced stays replaced --------------------------------------------------------------------------


async def rotation_against_a_slow_writer(client: Client, turn: int) -> None:
    """What began before a rotation is merged, and moves neither verifier nor elevation. (SE-04, SE-08, SE-09, SU-02)"""
    here, there = _workers(turn)
    user = client.name("rotated", turn)
    before = await client.sign_in(user, worker=turn)
    gate = client.gate(turn)
    deeds = ("put=late", "rotate")
    held = [
        client.start(f"see&wait={gate.name}&{deed}&see", before, worker=here + place, gate=gate)
        for place, deed in enumerate(deeds)
    ]
    await gate.arrived(*held)
    mover = ("rotate", "sudo")[turn % 2]
    after = (await client.done(f"see&{mover}", before, worker=there)).cookie
    if not after or selector_of(after) != selector_of(before):
        raise Broken(f"{mover} gave the cookie {after and selector_of(after)}")
    gate.open()
    writer, loser = await asyncio.gather(*held)
    if writer.cookie is not None or loser.cookie is not None:
        raise Broken("a request from before the rotation touches the cookie")
    if any(view.user != user or view.sudo for view in writer.views):
        raise Broken(f"a request from before the rotation saw {writer.views}")
    for worker in range(WORKERS):
        view = (await client.done("see", after, worker=worker)).view
        if view.user != user or view.sudo != (mover == "sudo"):
            raise Broken(f"after {mover} the new cookie opens {view}")
        if "late" not in view.data and writer.status == 200:
            raise Broken(f"what was put by a request from before the rotation is lost: {view}")
        old = await client.ask("see", before, worker=worker)
        if old.views and old.view.user is not None:
            raise Broken(f"the verifier from before the rotation opens {old.view}")


# --- nothing is lost --------------------------------------------------------------------------------------------------


async def two_writers_of_different_names(client: Client, turn: int) -> None:
    """Both names are there afterwards, a name one of them removed is not, and what neither named stays. (SE-09)"""
    attempt = 0
    while not await _two_writers(client, turn, f"writers{attempt}"):
        attempt += 1


async def _two_writers(client: Client, turn: int, word: str) -> bool:
    """Play it, and return whether all were let in: a store that is too busy says so, and nothing is to be seen then."""
    here, there = _workers(turn)
    user = client.name(word, turn)
    cookie = await client.sign_in(user, worker=turn)
    await client.done("put=old&put=gone", cookie, worker=turn)
    gates = [client.gate(turn, f"{word}-{number}") for number in range(3)]
    clears = turn % 3 == 2
    deeds = [
        f"see&put=first&wait={gates[0].name}&drop=gone",
        f"see&wait={gates[1].name}&put=second&nest=item",
        # Removes the names that it knew, not those that others put meanwhile.
        f"see&clear&wait={gates[2].name}",
    ][: 3 if clears else 2]
    asked = []
    for deed, gate, worker in zip(deeds, gates, (here, there, turn + 1), strict=False):
        asked.append(client.start(deed, cookie, worker=worker, gate=gate))
        await gate.arrived(asked[-1])
    order = [*gates] if turn % 2 else [*reversed(gates)]
    for gate in order:
        gate.open()
        if turn % 5 == 4:
            await asyncio.sleep(0.002)  # not at the same time, for once
    answers = await asyncio.gather(*asked)
    if any(answer.away for answer in answers):
        client.repeats += 1
        return False
    statuses = [answer.status for answer in answers]
    if statuses != [200] * len(deeds):
        raise Broken(f"writers of different names were answered {statuses}")
    for worker in range(WORKERS):
        data = (await client.done("see", cookie, worker=worker)).view.data
        missing = {"first", "second"} - set(data)
        if missing:
            raise Broken(f"{sorted(missing)} was put and is not there: {data}")
        if "gone" in data:
            raise Broken(f"a name that was removed is there again: {data}")
        if not clears and (data.get("old"), data.get(OWNER), data.get(BASKET)) != (user, user, ["item"]):
            raise Broken(f"what nobody else changed has changed: {data}")
        if clears and "old" in data:
            raise Broken(f"everything was removed, and an old name is there: {data}")
    return True


NAMES: Final = 200


async def two_hundred_names(client: Client, turn: int) -> None:
    """Two hundred requests, as many at once as there are connections: every name is there. (SE-09)"""
    user = client.name("names", turn)
    cookie = await client.sign_in(user, worker=turn)
    gate = client.gate(turn)
    names = iter(range(NAMES))
    first = min(client.width, NAMES)

    # The first have all read the session before any of them writes.
    held = [
        client.start(f"see&wait={gate.name}&put=n{next(names)}", cookie, worker=place, gate=gate)
        for place in range(first)
    ]
    await gate.arrived(*held)
    gate.open()

    async def hand(number: int) -> None:
        answer = await held[number]
        if answer.status != 200:
            client.repeats += 1
            await client.done(f"put=n{number}", cookie, worker=number)
        for name in names:
            await client.done(f"put=n{name}", cookie, worker=number)

    await asyncio.gather(*(hand(number) for number in range(first)))
    data = (await client.done("see", cookie, worker=turn)).view.data
    missing = {f"n{name}" for name in range(NAMES)} - set(data)
    if missing:
        raise Broken(f"{len(missing)} of {NAMES} names are lost: {sorted(missing)}")


SCENARIOS: Final[dict[str, Scenario]] = {
    "logout against a slow writer": logout_against_a_slow_writer,
    "logout against a slow reader": logout_against_a_slow_reader,
    "a reader is noticed": a_reader_is_noticed,
    "rotation against a slow writer": rotation_against_a_slow_writer,
    "two writers of different names": two_writers_of_different_names,
    "two hundred names": two_hundred_names,
    "rotation, sudo, login and logout at once": whatever_the_order,
    "a browser with many tabs": a_browser_with_many_tabs,
}

#: Scenarios that take every connection there is for one round.
WIDE: Final = frozenset({"two hundred names"})

"""What a write asks of Redis: wherever it is cut short, and whoever comes between its steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from secmw.errors import StoreError
from secmw.sessions import codec
from secmw.sessions.identifier import digest
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import End, Lost, Rotate, Swap, Touch, Update, Why, Written, apply
from secmw.stores.redis import commands, layout, scripts
from secmw.stores.redis.reading import Sessions
from secmw.stores.redis.store import RedisStore
from secmw.testing import FrozenClock
from tests.services.redis import RedisServer
from tests.stores.redis.stepping import NOW, create, record, stepping

pytestmark = pytest.mark.server

ZERO = f"{0:022}"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def store(redis: RedisServer, clock: FrozenClock) -> Iterator[RedisStore]:
    store = RedisStore(redis.url, clock=clock)
    yield store
    store.close()


def fields(redis: RedisServer, user_id: str = "jane") -> set[Any]:
    found = redis.ask("HKEYS", f"secmw:u:{user_id}")
    assert isinstance(found, list)
    return {name for name in found if name.startswith(b"s")}


# --- a sign-in that is cut short


@pytest.mark.parametrize("steps", range(7))
def test_a_sign_in_that_is_cut_short_leaves_nothing_that_is_in_the_way(
    redis: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """SE-08, SE-15, SE-16: after each step of it, the next sign-in keeps to the cap, and all can be ended."""
    for number in range(2):
        store.write(create(number, "jane"))
    cut = stepping(store, store._plans.write(create(2, "jane", cap=2)))
    for _ in range(steps):
        if not cut.step():
            break
    # Whoever was about to put its session there never comes.
    monkeypatch.setattr(layout, "PENDING", -1.0)
    outcome = store.write(create(3, "jane", cap=2))
    assert isinstance(outcome, Written)
    living = [one.selector for one in store.of_user("jane")]
    assert len(living) == 2
    assert living[0] == f"{3:022}"
    assert fields(redis) == {b"s" + one.encode() for one in living}
    assert sorted(store.end_all("jane").selectors) == sorted(living)
    assert not any(isinstance(store.load(f"{number:022}"), Record) for number in range(4))
    assert fields(redis) == set()
    # Were it to come all the same, it finds that it is too late.
    if steps == 4:
        assert cut.rest() == Lost(Why.GENERATION)
    assert store.of_user("jane") == []


def test_a_sign_in_that_all_is_ended_under_is_undone(redis: RedisServer, store: RedisStore) -> None:
    """SE-15: it has joined the index, and its session is not there yet."""
    cut = stepping(store, store._plans.write(create(0, "jane"))).steps(3)
    assert fields(redis) == {b"s" + ZERO.encode()}
    assert store.of_user("jane") == []
    assert store.end_all("jane").selectors == ()
    assert cut.rest() == Lost(Why.GENERATION)
    assert store.load(ZERO) == Ended(Over.REVOKED)
    assert fields(redis) == set()


def test_a_sign_in_that_comes_before_its_session_is_there_counts(store: RedisStore) -> None:
    """SE-16: nobody else takes its place."""
    cut = stepping(store, store._plans.write(create(0, "jane"))).steps(3)
    assert store.write(create(1, "jane", cap=1, at_cap="refuse")) == Lost(Why.CAP)
    assert cut.rest() == Written(record(0, "jane"))
    assert [one.selector for one in store.of_user("jane")] == [ZERO]


def test_a_sign_in_may_be_displaced_before_its_session_is_there(store: RedisStore) -> None:
    """SE-16: it was signed in, and is not any more; who displaced it had no session to tell of."""
    cut = stepping(store, store._plans.write(create(0, "jane"))).steps(3)
    assert store.write(create(1, "jane", cap=1)) == Written(record(1, "jane"))
    assert cut.rest() == Written(record(0, "jane"), (ZERO,))
    assert store.load(ZERO) == Ended(Over.REVOKED)
    assert [one.selector for one in store.of_user("jane")] == [f"{1:022}"]


def test_a_sign_in_looks_again_where_another_comes_between(store: RedisStore) -> None:
    """SE-16: the cap was counted without it."""
    cut = stepping(store, store._plans.write(create(1, "jane", cap=1))).steps(2)
    store.write(create(0, "jane"))
    outcome = cut.rest()
    assert outcome == Written(record(1, "jane"), (ZERO,))


def test_a_sign_in_looks_again_where_all_is_ended_between(store: RedisStore) -> None:
    """SE-15"""
    cut = stepping(store, store._plans.write(create(0, "jane"))).steps(2)
    store._plans._now.__self__.move(1)  # type: ignore[attr-defined] # the clock's own
    store.end_all("jane")
    assert cut.rest() == Lost(Why.GENERATION)


def test_a_name_that_is_taken_between_is_taken(redis: RedisServer, store: RedisStore) -> None:
    """SE-01: and the index of who came too late does not hold it."""
    early = stepping(store, store._plans.write(create(0, "joe"))).steps(3)
    store.write(create(0, "jane"))
    assert early.rest() == Lost(Why.EXISTS)
    assert fields(redis, "joe") == set()
    assert [one.selector for one in store.of_user("jane")] == [ZERO]
    twice = stepping(store, store._plans.write(create(1, "jane"))).steps(2)
    store.write(create(1, "jane"))
    assert twice.rest() == Lost(Why.EXISTS)
    assert len(fields(redis)) == 2


def test_a_sign_in_gives_up_where_others_are_always_first(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RB-06"""
    monkeypatch.setattr(commands, "_PATIENCE", 0.0)
    cut = stepping(store, store._plans.write(create(0, "jane"))).steps(2)
    store.end_all("jane")
    with pytest.raises(StoreError, match="busy"):
        cut.rest()
    store.write(create(5))
    presented = Rotate(selector=f"{5:022}", at=NOW, presented=bytes(32), verifier=digest("new"))
    cut = stepping(store, store._plans.write(presented)).steps(1)
    store.write(Touch(selector=f"{5:022}", at=NOW + 1))
    with pytest.raises(StoreError, match="busy"):
        cut.rest()


# --- an end that is cut short


def test_an_end_that_is_cut_short_has_ended_the_session(redis: RedisServer, store: RedisStore) -> None:
    """SE-08: whoever reads the index cleans it."""
    store.write(create(0, "jane"))
    stepping(store, store._plans.write(End(selector=ZERO, at=NOW, reason=Over.LOGGED_OUT))).steps(1)
    assert store.load(ZERO) == Ended(Over.LOGGED_OUT)
    assert fields(redis) == {b"s" + ZERO.encode()}
    assert store.of_user("jane") == []
    assert fields(redis) == set()


# --- who may use a session


@pytest.mark.parametrize("at", [NOW, NOW + 20])
def test_a_secret_is_replaced_though_data_and_times_change_meanwhile(store: RedisStore, at: float) -> None:
    """SE-04, SE-09: what it was worked out from is compared, and worked out again."""
    store.write(create(0, "jane"))
    rotate = Rotate(selector=ZERO, at=at, presented=bytes(32), verifier=digest("new"), sudo=NOW + 60)
    cut = stepping(store, store._plans.write(rotate)).steps(1)
    store.write(Touch(selector=ZERO, at=NOW + 10))
    store.write(Update(selector=ZERO, at=NOW, changes={"one": b"\x01"}))
    before = store.load(ZERO)
    assert isinstance(before, Record)
    assert cut.rest() == apply(before.pack(), rotate)[1]
    after = store.load(ZERO)
    assert isinstance(after, Record)
    assert after.verifier == digest("new")
    assert codec.decode(after.data) == {"one": 1}


def test_of_two_that_replace_a_secret_the_second_loses(store: RedisStore) -> None:
    """SE-04"""
    store.write(create(0))
    late = Rotate(selector=ZERO, at=NOW, presented=bytes(32), verifier=digest("late"))
    cut = stepping(store, store._plans.write(late)).steps(1)
    store.write(Rotate(selector=ZERO, at=NOW, presented=bytes(32), verifier=digest("first")))
    assert cut.rest() == Lost(Why.ROTATED)


def test_an_elevation_that_is_dropped_stays_dropped(store: RedisStore) -> None:
    """It is worked out again where it was granted anew meanwhile."""
    store.write(create(0, "jane"))
    drop = Update(selector=ZERO, at=NOW, changes={"one": b"\x01"}, drop_sudo=True)
    cut = stepping(store, store._plans.write(drop)).steps(1)
    granted = Rotate(selector=ZERO, at=NOW, presented=bytes(32), verifier=digest("new"), sudo=NOW + 60)
    store.write(granted)
    outcome = cut.rest()
    assert isinstance(outcome, Written)
    assert outcome.record.identity.sudo is None
    assert outcome.record.verifier == digest("new")
    assert codec.decode(outcome.record.data) == {"one": 1}
    assert store.load(ZERO) == outcome.record


def test_nobody_changes_who_may_use_a_session_that_ends_meanwhile(store: RedisStore) -> None:
    """SE-08"""
    store.write(create(0))
    rotate = Rotate(selector=ZERO, at=NOW, presented=bytes(32), verifier=digest("new"))
    cut = stepping(store, store._plans.write(rotate)).steps(1)
    store.write(End(selector=ZERO, at=NOW, reason=Over.LOGGED_OUT))
    assert cut.rest() == Lost(Why.ENDED)
    assert store.load(ZERO) == Ended(Over.LOGGED_OUT)


# --- how long Redis keeps it


def test_redis_collects_what_is_over_in_its_own_time(redis: RedisServer, store: RedisStore) -> None:
    """SE-11: with a margin, for clocks differ."""
    store.write(create(0, "jane"))

    def left(key: str) -> float:
        milliseconds = redis.ask("PTTL", key)
        assert isinstance(milliseconds, int)
        return round(milliseconds / 1000)

    assert left(f"secmw:s:{ZERO}") == 3_900
    assert left("secmw:u:jane") == 86_700
    store.write(Touch(selector=ZERO, at=NOW + 60))
    assert left(f"secmw:s:{ZERO}") == 3_900
    store.write(End(selector=ZERO, at=NOW, reason=Over.LOGGED_OUT))
    assert left(f"secmw:s:{ZERO}") == 360
    store.put("space", "key", b"x", 60.0)
    assert left("secmw:v:5:space:key") == 360
    store.count("space", "key", 60.0)
    assert left("secmw:c:5:space:key") == 360
    store.lease("sweep", 60.0)
    assert left("secmw:l:sweep") == 360
    store.end_all("jane")
    assert left("secmw:u:jane") == 0


def test_most_writes_are_one_command(redis: RedisServer, store: RedisStore) -> None:
    """And reading is one that writes nothing."""
    store.write(create(0))
    for plan, many in (
        (store._plans.load_bytes(ZERO.encode(), Sessions().read), 1),
        (store._plans.write(create(1)), 1),
        (store._plans.write(Touch(selector=ZERO, at=NOW)), 1),
        (store._plans.write(Update(selector=ZERO, at=NOW, changes={"one": b"\x01"})), 1),
        (
            store._plans.write(Rotate(selector=ZERO, at=NOW, presented=bytes(32), verifier=digest("new"))),
            2,
        ),
        (store._plans.write(create(2, "jane")), 4),
        (store._plans.write(End(selector=f"{2:022}", at=NOW, reason=Over.REVOKED)), 2),
        (store._plans.write(End(selector=ZERO, at=NOW, reason=Over.REVOKED)), 1),
    ):
        taken: Any = stepping(store, plan)
        count = 0
        while taken.step():
            count += 1
        assert count == many


# --- what replicas must have


def confirmed(store: RedisStore, asked: Any, *, apart: bool = False) -> list[str]:
    """Carry out a plan, and return what of it two replicas must have."""
    plans = commands.Plans(store._plans._keys, store._plans._now, 2, apart=apart)
    named = {
        script.digest: name for name, script in vars(scripts).items() if isinstance(script, scripts.Script)
    }
    plan, given = asked(plans), None
    seen: list[str] = []
    while True:
        try:
            ask = plan.send(given)
        except StopIteration:
            return seen
        assert ask.copies in (0, 2)
        if ask.copies and b"EVAL" not in ask.commands[0]:
            seen += [named.get(command[1], command[0].decode()) for command in ask.commands]
        given = store._pool.ask(ask._replace(copies=0))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (lambda plans: plans.load_bytes(ZERO.encode(), Sessions().read), []),
        (lambda plans: plans.of_user("jane"), []),
        (lambda plans: plans.write(create(5, "jane")), []),
        (lambda plans: plans.write(create(5, "jane", cap=1)), ["BURY", "BURY"]),
        (lambda plans: plans.write(Touch(selector=ZERO, at=NOW)), []),
        (lambda plans: plans.write(Update(selector=ZERO, at=NOW, changes={})), []),
        (lambda plans: plans.write(Update(selector=ZERO, at=NOW, changes={}, drop_sudo=True)), ["UPDATE"]),
        (lambda plans: plans.write(rotate()), ["ROTATE"]),
        (lambda plans: plans.write(swap(takes=False)), []),
        (lambda plans: plans.write(swap(takes=True)), ["SWAP"]),
        (lambda plans: plans.write(End(selector=ZERO, at=NOW, reason=Over.LOGGED_OUT)), ["END"]),
        (lambda plans: plans.write(End(selector=ZERO, at=NOW, reason=Over.REVOKED)), ["END"]),
        # What is over by its own limits needs nobody's word.
        (lambda plans: plans.write(End(selector=ZERO, at=NOW, reason=Over.IDLE)), []),
        (lambda plans: plans.end_all("jane", None, Over.REVOKED), ["BUMP", "BURY", "BURY"]),
        (lambda plans: plans.put("space", "key", b"x", 60.0, once=False), []),
        (lambda plans: plans.put("space", "key", b"x", 60.0, once=True), ["PUT"]),
        (lambda plans: plans.take("space", "key"), ["GETDEL"]),
        (lambda plans: plans.count("space", "key", 60.0), []),
        (lambda plans: plans.sweep(NOW + 90_000, 10), []),
    ],
)
def test_replicas_confirm_what_takes_a_right_away_and_nothing_else(
    store: RedisStore, asked: Any, expected: list[str]
) -> None:
    """SE-15, RB-02"""
    for number in range(2):
        store.write(create(number, "jane"))
    assert confirmed(store, asked) == expected


def test_on_a_cluster_they_confirm_the_place_in_the_index_too(store: RedisStore) -> None:
    """SE-15: or the session might outlive it, and no end of all would find it."""
    assert confirmed(store, lambda plans: plans.write(create(5, "jane")), apart=True) == ["JOIN"]


def rotate() -> Rotate:
    return Rotate(selector=ZERO, at=NOW, presented=record(0, "jane").verifier, verifier=digest("new"))


def swap(*, takes: bool) -> Swap:
    return Swap(at=NOW, before=record(0, "jane"), after=record(0, "jane"), takes=takes)

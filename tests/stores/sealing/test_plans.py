"""A sealed store over time: keys are replaced, others write in between, and somebody else writes to the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from secmw.errors import StoreError
from secmw.keys import KeyRing, new_key
from secmw.sealer import key_id
from secmw.sessions import codec
from secmw.sessions.identifier import digest, new_id
from secmw.sessions.record import FOREVER, Ended, Identity, Over, Record, written
from secmw.sessions.writes import Create, End, Lost, Rotate, Swap, Touch, Update, Why, Write, Written
from secmw.stores import AsyncMemoryStore, MemoryStore, Sealed, SQLiteStore, sealed
from secmw.stores.sealing import KEPT_UNDER, plans
from secmw.testing import FrozenClock

K1, K2, K3 = (new_key() for _ in range(3))
NOW = 1_750_000_000.0
ONE, TWO = codec.encode("one", 1), codec.encode("two", 2)


class Below(MemoryStore):
    """Be the store below, which tells what it is asked, and lets others come between."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(clock=clock)
        self.clock = clock
        self.asked: list[str] = []
        self.before: list[Callable[[Write], object]] = []

    def load(self, selector: str) -> Record | Ended | None:
        self.asked.append("load")
        return super().load(selector)

    def write(self, write: Write) -> Written | Lost:
        self.asked.append(type(write).__name__)
        if self.before:
            self.before.pop(0)(write)
        return super().write(write)

    def with_keys(self, *keys: str) -> Sealed:
        """Return what another process with these keys has."""
        return sealed(self, keys, clock=self.clock)

    def kept(self, selector: str) -> Record:
        """Return what lies there, as it lies there."""
        found = MemoryStore.load(self, selector)
        assert isinstance(found, Record)
        return found

    def put_there(self, record: Record) -> None:
        """Write what the store would not."""
        self._sessions[record.selector.encode()] = record.pack()


@pytest.fixture
def below() -> Below:
    return Below(FrozenClock(NOW))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.ERROR, "secmw")
    return caplog


def record(user_id: str | None = "jane", **values: Any) -> Record:
    data = codec.join({name: codec.encode(name, value) for name, value in values.items()})
    owner = written(Identity(user_id, "Jane Doe", NOW)) if user_id else b""
    return Record(
        new_id().selector, 0, NOW, NOW, NOW + 86_400, NOW + 3_600, 3_600, digest("secret"), data, owner
    )


def created(store: Sealed, user_id: str | None = "jane", **values: Any) -> Record:
    made = record(user_id, **values)
    assert store.write(Create(record=made, user_id=user_id, checked_at=NOW)) == Written(made)
    return made


def id_of(key: str) -> str:
    return key_id(KeyRing([key]).derive("seal")[0]).hex()


# --- keys are replaced


@pytest.mark.parametrize("how", ["update", "touch", "rotate", "strict"])
def test_sessions_in_use_outlive_the_key_that_they_were_sealed_with(below: Below, how: str) -> None:
    """SE-20, SE-15: k1, then k2 and k1, then k2; and their users are found all the way"""
    store = below.with_keys(K1)
    used, idle = created(store, cart=[1], theme="dark"), created(store)
    anonymous = created(store, None, cart=[2])
    assert store.end_all("joe").generation == 1
    assert store.count("space", "key", 60.0) == 1
    store.put("space", "key", b"value", 60.0)

    store = below.with_keys(K2, K1)
    assert store.of_user("jane") == [idle, used]
    at, name = NOW + 1, used.selector
    writes: dict[str, Write] = {
        "update": Update(selector=name, at=at, changes={"one": ONE}),
        "touch": Touch(selector=name, at=at),
        "rotate": Rotate(selector=name, at=at, presented=used.verifier, verifier=digest("new")),
        "strict": Update(selector=name, at=at, changes={"one": ONE}, expected={"one": None}),
    }
    assert isinstance(store.write(writes[how]), Written)
    store.write(Touch(selector=anonymous.selector, at=at))
    assert store.take("space", "key") == b"value"
    newer = created(store)
    assert {one.selector for one in store.of_user("jane")} == {used.selector, idle.selector, newer.selector}

    store = below.with_keys(K2)
    assert {one.selector for one in store.of_user("jane")} == {used.selector, newer.selector}
    found = store.load(used.selector)
    assert isinstance(found, Record)
    assert {"cart": [1], "theme": "dark"}.items() <= codec.decode(found.data).items()
    assert isinstance(store.load(anonymous.selector), Record)
    assert store.load(idle.selector) == Ended(Over.UNREADABLE)
    assert (store.generation("joe"), store.count("space", "key", 60.0)) == (1, 2)
    revoked = store.end_all("jane")
    assert {used.selector, newer.selector} <= set(revoked.selectors)
    for one in (used, newer):
        assert store.load(one.selector) == Ended(Over.REVOKED)


def test_a_change_alone_takes_one_step_unless_something_is_to_be_sealed_anew(below: Below) -> None:
    """SE-09, SE-20"""
    made = created(below.with_keys(K1), cart=[1])
    store = below.with_keys(K2, K1)
    store.load(made.selector)
    update = Update(selector=made.selector, at=NOW, changes={"one": ONE})
    for expected in (["Update", "Swap"], ["Update"]):
        below.asked.clear()
        store.write(update)
        assert below.asked == expected


def test_what_another_writes_while_a_record_is_sealed_anew_is_kept(below: Below) -> None:
    """SE-09, SE-20: then it is theirs, or the next, to seal it anew"""
    made = created(below.with_keys(K1), cart=[1])
    store, other = below.with_keys(K2, K1), below.with_keys(K2, K1)
    for one in (store, other):
        one.load(made.selector)

    def come_between(write: Write) -> None:
        if isinstance(write, Swap):
            below.before.clear()
            other.write(Update(selector=made.selector, at=NOW, changes={"two": TWO}))

    below.before = [come_between] * 2
    outcome = store.write(Update(selector=made.selector, at=NOW, changes={"one": ONE}))
    assert isinstance(outcome, Written)
    found = below.with_keys(K2).load(made.selector)
    assert isinstance(found, Record)
    assert codec.decode(found.data) == {"cart": [1], "one": 1, "two": 2}


def test_a_rotation_takes_in_what_another_writes_meanwhile(below: Below) -> None:
    """SE-04, SE-09"""
    store = below.with_keys(K1)
    made = created(store, cart=[1])
    change = Update(selector=made.selector, at=NOW, changes={"one": ONE})
    below.before = [lambda _: store.write(change), lambda _: None]
    rotate = Rotate(selector=made.selector, at=NOW, presented=made.verifier, verifier=digest("new"))
    outcome = store.write(rotate)
    assert isinstance(outcome, Written)
    assert codec.decode(outcome.record.data) == {"cart": [1], "one": 1}
    assert store.load(made.selector) == outcome.record
    assert outcome.record.verifier == digest("new")


def test_who_is_overtaken_again_and_again_is_told(below: Below, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_PATIENCE", 0.05)
    store = below.with_keys(K1)
    made = created(store)
    change = Update(selector=made.selector, at=NOW, changes={"one": ONE})

    def come_between(write: Write) -> None:
        if isinstance(write, Swap):
            MemoryStore.write(below, store._plans._seals.update(change))
        below.before = [come_between]

    below.before = [come_between]
    with pytest.raises(StoreError, match="busy"):
        store.write(Touch(selector=made.selector, at=NOW + 1))


def test_a_key_that_is_missing_ends_the_session_and_says_what_to_do(
    below: Below, told: pytest.LogCaptureFixture
) -> None:
    """SE-20, SE-14"""
    made = created(below.with_keys(K1), cart=[1])
    store = below.with_keys(K2)
    assert store.load(made.selector) == Ended(Over.UNREADABLE)
    for text in (made.selector, id_of(K1), id_of(K2), "secret_keys", "put that key back"):
        assert text in told.text
    assert K1 not in told.text
    assert store.write(Touch(selector=made.selector, at=NOW)) == Lost(Why.ENDED)
    assert store.write(Update(selector=made.selector, at=NOW, changes={})) == Lost(Why.ENDED)
    assert store.of_user("jane") == []
    bury = End(selector=made.selector, at=NOW, reason=Over.UNREADABLE)
    assert store.write(bury) == Lost(Why.ENDED)
    assert below.load(made.selector) == Ended(Over.UNREADABLE)


def test_with_all_keys_replaced_at_once_everything_begins_anew(below: Below) -> None:
    """SE-20: as after a key was stolen; and what begins then can have its keys replaced like any other"""
    store = below.with_keys(K1)
    old = created(store)
    store = below.with_keys(K2)
    new = created(store)
    assert store.of_user("jane") == [new]
    store = below.with_keys(K3, K2)
    store.write(Touch(selector=new.selector, at=NOW))
    store = below.with_keys(K3)
    assert [one.selector for one in store.of_user("jane")] == [new.selector]
    assert store.load(old.selector) == Ended(Over.UNREADABLE)


# --- the key of the aliases


def again(store: Sealed) -> None:
    """Let a minute go by."""
    store._plans._looked = None


def test_two_processes_that_begin_at_once_call_users_the_same(below: Below) -> None:
    """SE-15"""
    first, second = below.with_keys(K2, K1), below.with_keys(K1, K2)
    below.before = [lambda _: second.of_user("jane")]
    made = created(first)
    assert second.of_user("jane") == [made]


def test_a_key_of_aliases_that_is_lost_is_made_again_of_the_oldest_key(below: Below) -> None:
    """SE-15, SE-20: so long as that one is there, whichever seals now"""
    made = created(below.with_keys(K1))
    del below._sessions[KEPT_UNDER.encode()]
    assert below.with_keys(K2, K1).of_user("jane") == [made]


def test_a_key_of_aliases_that_a_disk_has_spoiled_is_kept_anew(tmp_path: Path) -> None:
    """SE-14: as soon as what is left of it has gone"""
    clock = FrozenClock(NOW)
    below = SQLiteStore(tmp_path / "sessions.db", clock=clock)
    store = sealed(below, [K1], clock=clock)
    made = created(store)
    with below._database.writing(durable=False) as database:
        database.execute("UPDATE sessions SET raw = ? WHERE selector = ?", (b"?", KEPT_UNDER))
    again(store)
    assert store.of_user("jane") == [made]
    assert below.load(KEPT_UNDER) == Ended(Over.UNREADABLE)
    clock.move(60)
    assert below.sweep(clock.now(), 10) == 1
    again(store)
    assert store.of_user("jane") == [made]
    assert isinstance(below.load(KEPT_UNDER), Record)
    below.close()


@pytest.mark.parametrize("how", ["gone", "ended", "garbage", "of other keys"])
def test_a_key_of_aliases_that_is_lost_or_forged_is_kept_anew(
    below: Below, how: str, told: pytest.LogCaptureFixture
) -> None:
    """SE-14: nobody who writes to the store chooses what users are called by"""
    store = below.with_keys(K1)
    made = created(store)
    name = KEPT_UNDER
    found = below.kept(name)
    forged = codec.join({"key": codec.encode("key", b"\x01" + bytes(80))})
    match how:
        case "gone":
            del below._sessions[name.encode()]
        case "ended":
            below.write(End(selector=name, at=NOW, reason=Over.REVOKED))
        case "garbage":
            below.put_there(msgspec.structs.replace(found, data=codec.EMPTY))
        case _:
            below.put_there(msgspec.structs.replace(found, data=forged))
    again(store)
    assert store.of_user("jane") == [made]
    below.clock.move(61)
    below.sweep(below.clock.now(), 100)
    again(store)
    assert store.of_user("jane") == [made]
    assert below.kept(name).data != forged
    assert ("what this store calls users by" in told.text) is (how == "of other keys")
    # Another process finds it, with other keys before this one.
    assert below.with_keys(K2, K1).of_user("jane") == [made]
    assert [one.selector for one in below.with_keys(K2, K1).of_user("jane")] == [made.selector]


def test_a_process_takes_up_what_another_had_to_make_within_a_minute(below: Below) -> None:
    """After a Redis was emptied, say"""
    first = below.with_keys(K1)
    created(first)
    second = below.with_keys(K2, K1)
    second.of_user("jane")
    below._sessions.clear()
    below._users.clear()
    third = below.with_keys(K2)
    made = created(third)
    assert second.load(made.selector) == Ended(Over.UNREADABLE)
    again(second)
    assert second.of_user("jane") == [made]


def test_no_browser_can_name_it(below: Below) -> None:
    """SE-03: and a store asked for it all the same has no session there"""
    store = below.with_keys(K1)
    created(store)
    assert store.load(KEPT_UNDER) == Ended(Over.UNREADABLE)
    from secmw.sessions.identifier import is_selector

    assert not is_selector(KEPT_UNDER)


# --- somebody else writes to the store


def test_a_record_that_was_not_sealed_is_no_session(below: Below, told: pytest.LogCaptureFixture) -> None:
    """SE-14: though whoever put it there knows its secret; it is ended, and never overwritten"""
    store = below.with_keys(K1)
    made = created(store)
    forged = record(None, admin=True)
    below.put_there(forged)
    assert store.load(forged.selector) == Ended(Over.UNREADABLE)
    assert f"{forged.selector} is not as it was sealed" in told.text
    writes: list[Write] = [
        Update(selector=forged.selector, at=NOW, changes={"one": ONE}),
        Touch(selector=forged.selector, at=NOW),
        Rotate(selector=forged.selector, at=NOW, presented=forged.verifier, verifier=digest("new")),
    ]
    for write in writes:
        assert store.write(write) == Lost(Why.ENDED)
    create = Create(record=msgspec.structs.replace(made, selector=forged.selector))
    assert store.write(create) == Lost(Why.EXISTS)
    assert store.write(End(selector=forged.selector, at=NOW, reason=Over.UNREADABLE)) == Lost(Why.ENDED)
    assert store.load(forged.selector) == Ended(Over.UNREADABLE)
    assert store.load(made.selector) == made


def test_a_session_is_over_by_its_own_times_whatever_the_clear_ones_say(below: Below) -> None:
    """SE-05, SE-06: and can be ended for it"""
    store = below.with_keys(K1)
    made = created(store)
    kept = below.kept(made.selector)
    below.put_there(msgspec.structs.replace(kept, idle_until=FOREVER, expires=FOREVER))
    assert store.load(made.selector) == made
    below.clock.move(3_600)
    assert store.of_user("jane") == []
    at = below.clock.now()
    assert store.write(Touch(selector=made.selector, at=at)) == Lost(Why.ENDED)
    outcome = store.write(End(selector=made.selector, at=at, reason=Over.IDLE))
    assert outcome == Written(made)
    assert store.load(made.selector) == Ended(Over.IDLE)


def test_a_limit_that_is_not_reached_ends_no_session(below: Below) -> None:
    store = below.with_keys(K1)
    made = created(store)
    assert store.write(End(selector=made.selector, at=NOW, reason=Over.IDLE)) == Lost(Why.CONFLICT)
    assert store.load(made.selector) == made


def test_a_value_that_was_tampered_with_is_none(below: Below, told: pytest.LogCaptureFixture) -> None:
    store = below.with_keys(K1)
    for number, how in enumerate(("turned", "moved", "too late")):
        store.put("space", "key", b"value", 60.0)
        store.put("space", "other", b"other", 60.0)
        (key, other) = list(below._values)[-2:]
        first, until, box = below._values[key]
        match how:
            case "turned":
                below._values[key] = (first, until, box[:-1] + bytes([box[-1] ^ 1]))
            case "moved":
                below._values[key] = below._values[other]
            case _:
                below._values[key] = (first, until + 1_000, box)
                below.clock.move(60)
        assert store.take("space", "key") is None, how
        assert len(told.records) == min(number + 1, 2)
        below._values.clear()


def test_nothing_that_is_told_a_sealed_store_lies_in_its_file(tmp_path: Path) -> None:
    """SE-17: what people keep, what it is called, who they are, and what they carry"""
    store = sealed(SQLiteStore(tmp_path / "sessions.db"), [K1])
    plain = SQLiteStore(tmp_path / "plain.db")
    for one in (store, plain):
        words = Identity("jane@example.org", "Jane Doe", NOW, "192.0.2.77", "Firefox on Linux", "version-9")
        made = record(None, draft="dear diary")
        made = msgspec.structs.replace(made, owner=written(words), expires=FOREVER, idle_until=FOREVER)
        one.write(Create(record=made, user_id="jane@example.org", checked_at=NOW))
        one.write(
            Update(selector=made.selector, at=NOW, changes={"telephone": codec.encode("t", "555-0199")})
        )
        one.end_all("joe@example.org")
        one.put("tickets", "a-ticket-of-jane", b"POST /transfer", 1e9)
        one.count("attempts", "203.0.113.9", 1e9)
        one.close()
    secrets = [
        "jane@",
        "Jane",
        "Firefox",
        "version-9",
        "192.0.2.77",
        "dear",
        "draft",
        "telephone",
        "555-0199",
        "joe@",
        "a-ticket",
        "transfer",
        "203.0.113",
    ]
    kept, others = (
        b"".join(path.read_bytes() for path in tmp_path.glob(f"{name}*")) for name in ("sessions", "plain")
    )
    assert [word for word in secrets if word.encode() not in others] == []
    assert [word for word in secrets if word.encode() in kept] == []
    assert digest("secret") in others
    assert digest("secret") not in kept


# --- outages and cancellation


def test_the_store_below_is_told_what_takes_a_right_from_somebody(below: Below) -> None:
    """SE-08: so that it does not forget that in a power cut, or when a replica takes over"""
    store = below.with_keys(K1)
    made = created(store)
    swaps: list[bool] = []
    below.before = [lambda write: swaps.append(isinstance(write, Swap) and write.takes)] * 5
    name = made.selector
    writes: list[Write] = [
        Touch(selector=name, at=NOW),
        Update(selector=name, at=NOW, changes={"one": ONE}, expected={"one": None}),
        Update(selector=name, at=NOW, changes={}, drop_sudo=True),
        Rotate(selector=name, at=NOW, presented=made.verifier, verifier=digest("new")),
    ]
    for write in writes:
        assert isinstance(store.write(write), Written)
    found = store.load(name)
    assert isinstance(found, Record)
    store.write(Swap(at=NOW, before=found, after=msgspec.structs.replace(found, revision=9), takes=True))
    assert swaps == [False, False, True, True, True]


def test_a_session_that_could_not_be_sealed_anew_was_changed_all_the_same(
    below: Below, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method that raises has done nothing, and this one has done what it was asked"""
    made = created(below.with_keys(K1))
    store = below.with_keys(K2, K1)
    store.load(made.selector)

    def fails(write: Write) -> None:
        if isinstance(write, Swap):
            raise StoreError("away")

    below.before = [fails, fails]
    assert isinstance(store.write(Update(selector=made.selector, at=NOW, changes={"one": ONE})), Written)


def test_an_outage_is_an_outage(below: Below, monkeypatch: pytest.MonkeyPatch) -> None:
    """RB-01"""
    store = below.with_keys(K1)

    def fails(*_: object, **__: object) -> None:
        raise StoreError("away")

    for name in ("load", "write", "of_user", "take"):
        monkeypatch.setattr(below, name, fails)
    for call in (
        lambda: store.load("x"),
        lambda: store.of_user("jane"),
        lambda: store.take("space", "key"),
        lambda: created(store),
    ):
        with pytest.raises(StoreError, match="away"):
            call()


def test_an_outage_is_one_on_an_event_loop_too() -> None:
    """RB-01: in the first step or in a later one, and whether or not anybody still asks"""

    class Away(AsyncMemoryStore):
        async def write(self, write: Write) -> Written | Lost:
            raise StoreError("away")

    async def main() -> None:
        store = sealed(Away(), [K1])
        for call in (store.load("x"), store.write(Touch(selector="x", at=NOW)), store.take("space", "key")):
            with pytest.raises(StoreError, match="away"):
                await call

    asyncio.run(main())


def test_a_seal_without_a_key_is_none() -> None:
    with pytest.raises(ValueError, match="needs a secret key"):
        sealed(MemoryStore(), [])


def test_a_write_that_was_begun_is_carried_out_though_the_request_is_gone() -> None:
    """SE-08: a rotation takes two steps, and nobody stays between them"""

    class Slow(AsyncMemoryStore):
        async def load(self, selector: str) -> Record | Ended | None:
            found = await super().load(selector)
            begun.set()
            for _ in range(20):
                await asyncio.sleep(0)
            return found

    begun = asyncio.Event()

    async def main() -> None:
        slow = Slow(clock=FrozenClock(NOW))
        store = sealed(slow, [K1], clock=FrozenClock(NOW))
        made = record()
        await store.write(Create(record=made, user_id="jane", checked_at=NOW))
        begun.clear()
        rotate = Rotate(selector=made.selector, at=NOW, presented=made.verifier, verifier=digest("new"))
        request = asyncio.create_task(store.write(rotate))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        # Which waits for what was begun.
        await store.close()
        found = sealed(slow.blocking, [K1], clock=FrozenClock(NOW)).load(made.selector)
        assert isinstance(found, Record)
        assert found.verifier == digest("new")

    asyncio.run(main())


def test_a_store_of_either_colour_is_swept_through_the_one_below() -> None:
    store = sealed(AsyncMemoryStore(), [K1])
    assert store.blocking is store.store.blocking  # type: ignore[attr-defined]
    assert not hasattr(sealed(MemoryStore(), [K1]), "blocking")

"""A store in forty lines that nobody could get wrong, and the search for a history in which another store differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from secmw.sessions import codec
from secmw.sessions.identifier import digest
from secmw.sessions.record import Ended, Identity, Over, Record, forgotten, opened, tombstone, written
from secmw.sessions.writes import (
    REMEMBERED,
    Create,
    End,
    Lost,
    Revoked,
    Rotate,
    Swap,
    Touch,
    Update,
    Why,
    Write,
    Written,
    apply,
)
from secmw.stores.base import Store
from secmw.testing.contract.asking import Asking, same
from secmw.testing.frozen_clock import FrozenClock

#: Few of each, so that histories meet.
SELECTORS: Final = tuple(f"{number:022}" for number in range(3))
USERS: Final = ("jane", "joe")
_DIGESTS: Final = tuple(digest(f"secret {number}") for number in range(3))


class Asked(Protocol):
    """What the search asks of a store."""

    def load(self, selector: str) -> Record | Ended | None: ...
    def write(self, write: Write) -> Written | Lost: ...
    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = ...) -> Revoked: ...
    def sweep(self, now: float, limit: int) -> int: ...
    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool: ...
    def take(self, space: str, key: str) -> bytes | None: ...
    def count(self, space: str, key: str, ttl: float) -> int: ...


class Model:
    """Keep everything in plain dicts, look at all of it each time, and forget nothing but in a sweep."""

    def __init__(self, clock: FrozenClock) -> None:
        self.now = clock.now
        self.raws: dict[str, bytes] = {}
        self.users: dict[str, str] = {}
        self.ends: dict[str, list[float]] = {}
        self.kept: dict[tuple[str, str], tuple[bytes, float]] = {}
        self.counts: dict[tuple[str, str], tuple[int, float]] = {}

    def living(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        found = [
            opened(selector, self.raws[selector], 0.0)
            for selector, user in self.users.items()
            if user == user_id
        ]
        records = [one for one in found if isinstance(one, Record) and one.over(self.now()) is None]
        records.reverse()
        records.sort(key=lambda record: -record.identity.authenticated)
        return records

    def load(self, selector: str) -> Record | Ended | None:
        return opened(selector, self.raws.get(selector), self.now())

    def write(self, write: Write) -> Written | Lost:
        raw, outcome = apply(self.raws.get(write.selector), write)
        displaced: list[str] = []
        if raw is not None and isinstance(write, Create) and write.user_id is not None:
            for number, at in enumerate(self.ends.get(write.user_id, []), 1):
                if at > write.checked_at and number != write.generation:
                    return Lost(Why.GENERATION)
            while write.cap and len(living := self.living(write.user_id)) >= write.cap:
                if write.at_cap == "refuse":
                    return Lost(Why.CAP)
                self._bury(living[-1].selector, Over.REVOKED)
                displaced.insert(0, living[-1].selector)
            self.users[write.selector] = write.user_id
            outcome = Written(write.record, tuple(displaced))
        if raw is not None:
            self.raws[write.selector] = raw
        if isinstance(write, End) and isinstance(outcome, Written):
            self.users.pop(write.selector, None)
        return outcome

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        self.ends.setdefault(user_id, []).append(self.now())
        living = [record.selector for record in self.living(user_id)]
        for selector in [one for one, user in self.users.items() if user == user_id and one != except_]:
            self._bury(selector, reason)
        ended = tuple(selector for selector in living if selector != except_)
        return Revoked(len(self.ends[user_id]), ended)

    def sweep(self, now: float, limit: int) -> int:
        del limit
        over = [selector for selector, raw in self.raws.items() if forgotten(raw, now)]
        for selector in over:
            del self.raws[selector]
            self.users.pop(selector, None)
        old = [key for key, (_, until) in self.kept.items() if until <= now]
        stale = [key for key, (_, until) in self.counts.items() if until <= now]
        for key in old:
            del self.kept[key]
        for key in stale:
            del self.counts[key]
        return len(over) + len(old) + len(stale)

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        if once and self.now() < self.kept.get((space, key), (b"", 0.0))[1]:
            return False
        self.kept[space, key] = (value, self.now() + ttl)
        return True

    def take(self, space: str, key: str) -> bytes | None:
        value, until = self.kept.pop((space, key), (None, 0.0))
        return value if self.now() < until else None

    def count(self, space: str, key: str, ttl: float) -> int:
        number, until = self.counts.get((space, key), (0, 0.0))
        if self.now() >= until:
            number, until = 0, self.now() + ttl
        self.counts[space, key] = (number + 1, until)
        return number + 1

    def _bury(self, selector: str, reason: Over) -> None:
        self.raws[selector] = tombstone(reason, self.now() + REMEMBERED)
        self.users.pop(selector, None)


class ModelPromises(Asking):
    """Search for a history in which a store does other than the model."""

    def test_a_store_does_what_a_plain_dict_would_do(self) -> None:
        """SE-23: whatever is asked of it, in whatever order, as time goes on; searched with hypothesis."""
        from hypothesis import given

        @given(_histories())
        def search(history: list[_Step]) -> None:
            self.setup_method()
            try:
                store, model = self.store(), Model(self.clock)
                for step in history:
                    same(_plain(step(store, self.clock)), _plain(step(model, self.clock)), str(step))
                    self._compare(store, model)
            finally:
                self.teardown_method()

        search()

    def _compare(self, store: Store, model: Model) -> None:
        for selector in SELECTORS:
            same(store.load(selector), model.load(selector), f"the session {selector}")
        for user in USERS:
            same(store.of_user(user), model.living(user), f"the sessions of {user}")
            same(store.generation(user), len(model.ends.get(user, [])), f"the generation of {user}")


class _Step:
    """Be one thing to ask of a store and of the model; shows itself in the history that was found."""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.told.items())
        return f"{type(self).__name__[1:]}({told})"

    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        raise NotImplementedError


class _Move(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        # Both are asked this; the clock moves with the second.
        if isinstance(store, Model):
            clock.move(self.told["seconds"])
        return None


class _Create(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        now, told = clock.now(), self.told
        user, inactivity = told["user"], told["inactivity"]
        identity = Identity(user, "", now - told["since"]) if user else Identity()
        record = Record(
            selector=told["selector"],
            revision=0,
            created=now,
            seen=now,
            expires=now + told["lifetime"],
            idle_until=now + inactivity if inactivity else float("inf"),
            inactivity=inactivity,
            verifier=_DIGESTS[0],
            data=codec.EMPTY,
            owner=written(identity),
        )
        return store.write(
            Create(
                record=record,
                user_id=user,
                checked_at=now - told["since"],
                generation=told["generation"],
                cap=told["cap"],
                at_cap=told["at_cap"],
            )
        )


class _Change(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        make: Callable[..., Write] = self.told["kind"]
        told = {name: value for name, value in self.told.items() if name != "kind"}
        if "sudo" in told and told["sudo"] is not None:
            told["sudo"] += clock.now()
        return store.write(make(at=clock.now(), **told))


class _Swap(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        selector, verifier = self.told["selector"], self.told["verifier"]
        found = store.load(selector)
        if not isinstance(found, Record):
            return found
        before = msgspec.structs.replace(found, revision=found.revision + self.told["stale"])
        after = msgspec.structs.replace(found, revision=found.revision + 1, verifier=verifier)
        return store.write(Swap(at=clock.now(), before=before, after=after))


class _EndAll(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        del clock
        return store.end_all(self.told["user"], self.told["except_"])


class _Sweep(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        return store.sweep(clock.now(), 1_000)


class _Put(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        del clock
        return store.put(
            "space", self.told["key"], self.told["value"], self.told["ttl"], once=self.told["once"]
        )


class _Take(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        del clock
        return store.take("space", self.told["key"])


class _Count(_Step):
    def __call__(self, store: Asked, clock: FrozenClock) -> object:
        del clock
        return store.count("space", self.told["key"], self.told["ttl"])


def _plain(answer: object) -> object:
    """Leave out the order in which sessions ended together."""
    if isinstance(answer, Revoked):
        return Revoked(answer.generation, tuple(sorted(answer.selectors)))
    if isinstance(answer, Written):
        return Written(answer.record, tuple(sorted(answer.displaced)))
    return answer


def _histories() -> Any:
    from hypothesis import strategies as st

    selectors, users, keys = (
        st.sampled_from(SELECTORS),
        st.sampled_from(USERS),
        st.sampled_from(["one", "two"]),
    )
    digests, flags = st.sampled_from(_DIGESTS), st.booleans()
    names = st.sampled_from("xyz")
    some_values = st.sampled_from([codec.encode("x", 1), codec.encode("x", "text"), None])
    times = st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 60.0])
    return st.lists(
        st.one_of(
            st.builds(
                _Create,
                selector=selectors,
                user=st.none() | users,
                since=times,
                generation=st.integers(0, 2),
                cap=st.integers(0, 2),
                at_cap=st.sampled_from(["oldest", "refuse"]),
                lifetime=st.sampled_from([5.0, 100.0]),
                inactivity=st.sampled_from([0, 4, 50]),
            ),
            st.builds(
                _Change,
                kind=st.just(Update),
                selector=selectors,
                changes=st.dictionaries(names, some_values, max_size=2),
                expected=st.dictionaries(names, some_values, max_size=1),
                limit=st.sampled_from([8, 16_384]),
                drop_sudo=flags,
            ),
            st.builds(_Change, kind=st.just(Touch), selector=selectors),
            st.builds(
                _Change,
                kind=st.just(Rotate),
                selector=selectors,
                presented=digests,
                verifier=digests,
                grace=st.sampled_from([0.0, 10.0]),
                sudo=st.none() | times,
                close=flags,
            ),
            st.builds(
                _Change,
                kind=st.just(End),
                selector=selectors,
                reason=st.sampled_from([Over.LOGGED_OUT, Over.EXPIRED, Over.IDLE, Over.UNREADABLE]),
            ),
            st.builds(_Swap, selector=selectors, verifier=digests, stale=st.integers(0, 1)),
            st.builds(_EndAll, user=users, except_=st.none() | selectors),
            st.builds(_Move, seconds=times),
            st.builds(_Sweep),
            st.builds(_Put, key=keys, value=st.binary(max_size=2), ttl=times, once=flags),
            st.builds(_Take, key=keys),
            st.builds(_Count, key=keys, ttl=times),
        ),
        min_size=5,
        max_size=60,
    )

"""What a middleware needs besides its plans, and everything that can be wrong with it, said at start-up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import secmw.asgi
import secmw.wsgi
from secmw.agreeing import Agreeing, AsyncAgreeing
from secmw.assembly import AsyncParts, Parts, assemble
from secmw.audit.recorder import AsyncRecorder, Recorder
from secmw.config.settings import Sessions
from secmw.errors import ConfigError
from secmw.hooks import NONE, Hooks
from secmw.policy import Policy
from secmw.stores import (
    AsyncMemoryStore,
    AsyncSealed,
    AsyncSQLiteStore,
    MemoryStore,
    Sealed,
    SQLiteStore,
    sealed,
)
from secmw.testing import FrozenClock
from tests.making import KEY, URL, policy


def site(**settings: Any) -> Policy:
    return policy(**{"sessions": "on", "store": "memory://", **settings})


def parts(made: Policy, **given: Any) -> Parts:
    found = assemble(
        made,
        **{"hooks": NONE, "store": None, "sinks": (), "clock": FrozenClock(), "asynchronous": False, **given},
    )
    assert isinstance(found, Parts)
    return found


def async_parts(made: Policy, **given: Any) -> AsyncParts:
    found = assemble(
        made,
        **{"hooks": NONE, "store": None, "sinks": (), "clock": FrozenClock(), "asynchronous": True, **given},
    )
    assert isinstance(found, AsyncParts)
    return found


def becomes(store: Any) -> Any:
    """Return the store that is left once those who share it have agreed."""
    return store.store if isinstance(store, Agreeing | AsyncAgreeing) else store


def problems(made: Policy, **given: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        (async_parts if given.get("asynchronous") else parts)(made, **given)
    return {problem.setting: problem.message for problem in caught.value.problems}


# --- what is made


def test_a_policy_without_sessions_and_trail_needs_nothing() -> None:
    found = parts(policy(sessions=None))
    assert (found.store, found.recorder, found.sweeper) == (None, None, None)
    assert async_parts(policy(sessions=None))[:2] == (None, None)


def test_the_store_and_the_trail_come_in_the_colour_that_is_asked_for() -> None:
    sync, later = parts(site()), async_parts(site())
    assert (type(sync.store), type(sync.recorder)) == (MemoryStore, Recorder)
    assert (type(later.store), type(later.recorder)) == (AsyncMemoryStore, AsyncRecorder)
    assert sync.sweeper is not None
    assert later.sweeper is not None


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    made = site(store=f"sqlite:///{tmp_path}/deep/sessions.db")
    assert isinstance(becomes(parts(made).store), SQLiteStore)
    assert isinstance(becomes(async_parts(made).store), AsyncSQLiteStore)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, "MemoryTrail"),
        ({"store": "sqlite:sessions.db"}, "SQLiteTrail"),
        ({"trail": "sqlite:trail.db"}, "SQLiteTrail"),
        ({"store": "sqlite:sessions.db", "trail": "memory://"}, "MemoryTrail"),
        ({"sessions": None, "store": None, "trail": "memory://"}, "MemoryTrail"),
    ],
)
def test_the_trail_is_the_policys_or_beside_the_sessions(settings: Any, kind: str) -> None:
    """AU-01"""
    recorder = parts(site(**settings)).recorder
    assert recorder is not None
    assert type(recorder.trail).__name__ == kind
    later = async_parts(site(**settings)).recorder
    assert later is not None
    assert type(later.trail).__name__ == f"Async{kind}"


def test_a_store_that_is_handed_over_wins_over_the_url() -> None:
    mine = MemoryStore()
    assert parts(site(), store=mine).store is mine
    assert parts(site(store=None), store=mine).store is mine


def test_a_store_of_somebody_elses_needs_no_blocking_twin() -> None:
    class Theirs:
        async def load(self, selector: str) -> None: ...

    found = async_parts(site(), store=Theirs())
    assert type(becomes(found.store)).__name__ == "Theirs"


def test_a_policy_that_screens_nothing_opens_no_store() -> None:
    assert parts(site(screening=False)).store is None


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_policy_may_have_everything_sealed(asynchronous: bool) -> None:
    """SE-20"""
    made = site(sessions=Sessions(seal=True))
    given = AsyncMemoryStore() if asynchronous else MemoryStore()
    for found in (
        (async_parts if asynchronous else parts)(made),
        (async_parts if asynchronous else parts)(made, store=given),
        (async_parts if asynchronous else parts)(made, store=sealed(given, [KEY])),
    ):
        assert type(found.store) is (AsyncSealed if asynchronous else Sealed)
        assert type(found.store.store).__name__.endswith("MemoryStore")
        assert found.sweeper is not None


# --- what is wrong


def test_a_seal_needs_a_key() -> None:
    """SE-20"""
    with pytest.raises(
        ConfigError, match=r"sessions\.seal = True: needs a key in secret_keys, which is empty"
    ):
        site(sessions=Sessions(seal=True), secret_keys=(), xsrf=None)


def test_a_seal_needs_what_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("store", "async_store"):
        monkeypatch.setitem(sys.modules, f"secmw.stores.sealing.{name}", None)
    for asynchronous in (False, True):
        found = problems(site(sessions=Sessions(seal=True)), asynchronous=asynchronous)
        assert list(found) == ["sessions.seal"]
        assert "pip install 'secmw[crypto]'" in found["sessions.seal"]


def test_sessions_have_to_live_somewhere() -> None:
    for asynchronous in (False, True):
        found = problems(site(store=None), asynchronous=asynchronous)
        assert list(found) == ["store"]
        for word in ("sqlite:///var/lib/app/sessions.db", "memory://", "installed", "sessions=None"):
            assert word in found["store"]


@pytest.mark.parametrize("module", [secmw.asgi, secmw.wsgi])
def test_the_middleware_says_so_when_it_is_made_and_not_on_the_first_request(module: Any) -> None:
    made = Policy.recommended(secret_keys=[KEY], public_url=URL)
    with pytest.raises(ConfigError, match=r"store: is not set, and sessions have to live somewhere"):
        module.Middleware(lambda *_: None, made)
    module.Middleware(lambda *_: None, Policy.recommended(secret_keys=[KEY], public_url=URL, sessions=None))


@pytest.mark.parametrize("url", ["", "memory", "what://ever:s3cret@host/db", "sqlite://host/file.db"])
def test_an_address_of_no_store_says_what_to_write_and_shows_no_password(url: str) -> None:
    """SE-18"""
    found = problems(site(store=url, trail="memory://"))
    assert "sqlite:///var/lib/app/sessions.db" in found["store"]
    assert "s3cret" not in str(found)


def test_an_address_of_no_trail_says_what_to_write() -> None:
    found = problems(site(trail="what://ever:s3cret@host"))
    assert list(found) == ["trail"]
    assert "s3cret" not in str(found)
    assert list(problems(site(trail="what://ever"), asynchronous=True)) == ["trail"]


@pytest.mark.parametrize(
    ("store", "asynchronous", "said"),
    [
        (AsyncMemoryStore(), False, "AsyncMemoryStore has the wrong colour; give a Store; this is WSGI"),
        (MemoryStore(), True, "MemoryStore has the wrong colour; give an AsyncStore; this is ASGI"),
        ("memory://", False, "is a str, which is no store; a URL is the policy's"),
        (object(), True, "is a object, which is no store"),
    ],
    ids=["async", "sync", "url", "object"],
)
def test_what_is_no_store_for_this_interface_is_said(store: Any, asynchronous: bool, said: str) -> None:
    assert said in problems(site(), store=store, asynchronous=asynchronous)["store"]


def test_web_sudo_that_was_asked_for_needs_somebody_who_knows_passwords() -> None:
    found = problems(site(sudo={"duration": "10m"}))
    assert "hooks=Hooks(verify=...)" in found["sudo"]
    parts(site(sudo={"duration": "10m"}), hooks=Hooks(verify=lambda user_id, password: False))
    parts(site(sudo={"enabled": False}))
    parts(site())


def test_everything_that_is_wrong_is_said_at_once() -> None:
    async def verify(user_id: str, password: str) -> bool:
        return False

    found = problems(site(store="what://ever", trail="what://ever"), hooks=Hooks(verify=verify))
    assert list(found) == ["store", "trail", "hooks.verify"]

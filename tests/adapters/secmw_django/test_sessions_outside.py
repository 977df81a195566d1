"""``SessionStore`` outside of requests: in a shell, in a management command, in a test."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import Settings, settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

import tests.adapters.secmw_django.site  # noqa: F401 - it sets Django up
from secmw.keys import new_key
from secmw.sessions.identifier import new_id
from secmw.testing import FrozenClock
from secmw_django import conf
from secmw_django.sessions import SessionStore
from secmw_django.sessions.naming import agree
from secmw_django.sessions.place import place
from tests.adapters.secmw_django.site import apart

_SECMW: dict[str, Any] = {"public_url": "https://app.example.org", "secret_keys": [new_key()]}


@pytest.fixture(params=["memory", "sqlite"], autouse=True)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/sessions.db"
    with override_settings(SECMW={**_SECMW, "store": url}):
        yield conf.store()


def kept(**values: Any) -> SessionStore:
    session = SessionStore()
    session.update(values)
    session.save()
    return session


def test_what_is_saved_is_there_under_the_whole_id_alone() -> None:
    session = kept(cart=[1, 2])
    key = session.session_key
    assert key is not None
    assert SessionStore(key)["cart"] == [1, 2]
    selector, verifier = key.split(".")
    assert SessionStore(selector).get("cart") is None
    forged = f"{selector}.{verifier[::-1]}"
    assert SessionStore(forged).get("cart") is None
    assert not SessionStore().exists(forged)
    SessionStore().delete(forged)
    assert SessionStore(key)["cart"] == [1, 2], "whoever guesses ends nothing"


def test_an_id_that_is_no_sessions_is_never_adopted() -> None:
    for key in (str(new_id()), "x" * 32, "", "../../etc/passwd"):
        session = SessionStore(key)
        assert session.load() == {}
        assert not session.session_key
        session["a"] = 1
        session.save()
        assert session.session_key not in (key, None)
        assert SessionStore(key).get("a") is None


def test_an_empty_session_can_be_kept_and_shows_nothing() -> None:
    session = SessionStore()
    assert not session.session_key
    assert session.is_empty()
    session.create()
    assert session.session_key is not None
    assert session.exists(session.session_key)
    again = SessionStore(session.session_key)
    assert list(again.keys()) == []
    assert not again.has_key("_secmw_begun")
    assert not again.is_empty()


def test_two_that_save_different_names_keep_both_and_a_nested_change_is_noticed() -> None:
    key = kept(cart={"items": [1]}, theme="dark").session_key
    one, other = SessionStore(key), SessionStore(key)
    one["cart"]["items"].append(2)
    other["theme"] = "light"
    one.save()
    other.save()
    assert SessionStore(key).load() == {"cart": {"items": [1, 2]}, "theme": "light"}


def test_a_session_that_has_ended_is_not_brought_back() -> None:
    key = kept(a=1).session_key
    session = SessionStore(key)
    assert session["a"] == 1
    SessionStore(key).flush()
    session["a"] = 2
    with pytest.raises(UpdateError):
        session.save()
    assert session.load() == {}
    assert not SessionStore().exists(key)
    unchanged = SessionStore(kept(a=1).session_key)
    assert unchanged["a"] == 1
    SessionStore(unchanged.session_key).delete()
    with pytest.raises(UpdateError):
        unchanged.save()


def test_what_is_there_is_not_created_again() -> None:
    session = kept(a=1)
    with pytest.raises(CreateError):
        SessionStore(session.session_key).save(must_create=True)


def test_a_new_key_takes_the_place_of_the_old_one() -> None:
    session = kept(a=1)
    old = session.session_key
    session.cycle_key()
    assert session.session_key != old
    assert not session.exists(old)
    assert SessionStore(session.session_key)["a"] == 1
    assert SessionStore(old).get("a") is None


def test_a_session_is_ended_by_key_and_by_selector_and_exists_until_then() -> None:
    for cut in (66, 22):
        key = str(kept(a=1).session_key)
        assert SessionStore().exists(key[:cut])
        SessionStore().delete(key[:cut])
        assert not SessionStore().exists(key[:cut])
        assert SessionStore(key).get("a") is None
    assert not SessionStore().exists(None)
    SessionStore().delete("nothing")


def test_flushing_ends_it_and_what_is_saved_next_has_another_key() -> None:
    session = kept(a=1)
    old = session.session_key
    session.flush()
    assert not session.session_key
    assert session.get("a") is None
    session["b"] = 2
    session.save()
    assert session.session_key not in (old, None)
    assert SessionStore(session.session_key).load() == {"b": 2}


def test_data_that_claim_a_user_sign_nobody_in() -> None:
    from secmw.sessions import codec
    from secmw.sessions.identifier import digest
    from secmw.sessions.record import Record
    from secmw.sessions.writes import Create

    name, there = new_id(), conf.store()
    assert there is not None
    claims = {"_auth_user_id": "1", "_auth_user_hash": "h", "_auth_user_backend": "b", "a": 1}
    data = codec.join({key: codec.encode(key, value) for key, value in claims.items()})
    now = timezone.now().timestamp()
    record = Record(name.selector, 1, now, now, now + 600, now + 600, 600, digest(name.verifier), data)
    there.write(Create(record=record))
    session = SessionStore(str(name))
    assert session.load() == {"a": 1}
    for claim in ("_auth_user_id", "_auth_user_hash", "_auth_user_backend"):
        assert claim not in session
        with pytest.raises(KeyError):
            session[claim]


def test_two_of_the_three_names_are_no_sign_in() -> None:
    session = kept(a=1)
    session["_auth_user_id"] = "1"
    session["_auth_user_backend"] = "b"
    session.save()
    assert "_auth_user_id" not in SessionStore(session.session_key)
    session["_auth_user_hash"] = "h"
    session.save()
    again = SessionStore(session.session_key)
    assert (again["_auth_user_id"], again["_auth_user_backend"], again["_auth_user_hash"]) == ("1", "b", "h")
    assert again["a"] == 1
    assert sorted(again.keys()) == ["_auth_user_backend", "_auth_user_hash", "_auth_user_id", "a"]


@pytest.mark.parametrize("name", ["_auth_user_id", "_auth_user_backend", "_auth_user_hash"])
def test_removing_one_of_the_three_signs_out(name: str) -> None:
    session = kept(_auth_user_id="1", _auth_user_backend="b", _auth_user_hash="h")
    key = session.session_key
    del session[name]
    session.save()
    assert not session.exists(key)
    assert "_auth_user_id" not in session


def test_emptying_a_session_in_which_somebody_is_signed_in_ends_it() -> None:
    session = kept(_auth_user_id="1", _auth_user_backend="b", _auth_user_hash="h", a=1)
    key = session.session_key
    session.clear()
    session.save()
    assert not session.exists(key)
    assert session.load() == {}


def test_an_expiry_ends_a_session_sooner_and_never_later() -> None:
    session = kept(a=1)
    limit = 28_800
    assert limit - 5 <= session.get_expiry_age() <= limit
    session.set_expiry(600)
    session.save()
    again = SessionStore(session.session_key)
    assert again.get_expiry_age() == 600
    wanted = timezone.now() + dt.timedelta(seconds=600)
    assert abs((again.get_expiry_date() - wanted).total_seconds()) < 5
    again.set_expiry(dt.timedelta(days=900))
    assert limit - 5 <= again.get_expiry_age() <= limit
    again.set_expiry(timezone.now() + dt.timedelta(seconds=50))
    assert 45 <= again.get_expiry_age() <= 50
    again.set_expiry(None)
    assert limit - 5 <= again.get_expiry_age() <= limit


@pytest.mark.parametrize("value", [-1, dt.timedelta(seconds=-1), "sideways"])
def test_a_session_past_its_expiry_is_gone(value: Any) -> None:
    session = kept(a=1)
    key = session.session_key
    if value == "sideways":
        session["_session_expiry"] = value
    else:
        session.set_expiry(value)
    session.save()
    assert not SessionStore().exists(key)
    assert SessionStore(key).get("a") is None
    there = conf.store()
    assert there is not None
    assert type(there.load(str(key)[:22])).__name__ == "Ended"


def test_a_session_that_ends_with_the_browser_says_so() -> None:
    session = kept(a=1)
    assert session.get_expire_at_browser_close(), "the policy's cookies are not persistent"
    with override_settings(SECMW={**_SECMW, "store": "memory://", "sessions": {"persistent": True}}):
        session = kept(a=1)
        assert not session.get_expire_at_browser_close()
        session.set_expiry(0)
        assert session.get_expire_at_browser_close()
        assert session.get_expiry_age() > 600


def test_what_is_over_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    SessionStore(kept(a=1).session_key).flush()
    there = place()
    assert there is not None
    later = there._replace(clock=FrozenClock(timezone.now().timestamp() + 3_600))
    monkeypatch.setattr("secmw_django.sessions.engine.place", lambda: later)
    call_command("clearsessions")
    assert there.store.sweep(later.clock.now(), 10) == 0


def test_everything_can_be_waited_for() -> None:
    async def play() -> None:
        session = SessionStore()
        await session.aset("a", 1)
        await session.aupdate({"b": [1]})
        await session.asave()
        key = session.session_key
        again = SessionStore(key)
        assert await again.aget("a") == 1
        assert await again.aload() == {"a": 1, "b": [1]}
        assert await again.ahas_key("b")
        assert sorted(await again.akeys()) == ["a", "b"]
        assert await again.apop("a") == 1
        await again.asave()
        await again.acycle_key()
        assert await again.aexists(again.session_key)
        assert not await again.aexists(key)
        await again.aset_expiry(600)
        assert await again.aget_expiry_age() == 600
        assert (await again.aget_expiry_date()).tzinfo is not None
        assert await again.aget_expire_at_browser_close()
        await again.asave()
        await again.aflush()
        assert again.session_key is None
        await again.acreate()
        await again.adelete(again.session_key)
        assert again.session_key is None
        await SessionStore.aclear_expired()

    asyncio.run(play())


def test_nothing_of_a_secret_is_shown() -> None:
    session = kept(a=1)
    assert str(session.session_key)[23:] not in repr(session)


def test_without_sessions_everybody_is_a_stranger_and_who_writes_is_told() -> None:
    from secmw.errors import SessionError

    with override_settings(SECMW={**_SECMW, "sessions": None}):
        session = SessionStore()
        assert session.get("a") is None
        session.flush()
        with pytest.raises(SessionError, match="no sessions"):
            session["a"] = 1


def test_the_setting_says_what_the_cookie_is_called_and_the_project_has_not_said_so() -> None:
    with apart():
        holder: Any = settings
        holder._wrapped = Settings("tests.adapters.secmw_django.settings")
        assert settings.SESSION_COOKIE_NAME == "sessionid"
        with override_settings(DEBUG=True):
            agree("__Host-id")
            assert settings.SESSION_COOKIE_NAME == "__Host-id"
        assert settings.SESSION_COOKIE_NAME == "__Host-id"
        assert not settings.is_overridden("SESSION_COOKIE_NAME")
    assert settings.SESSION_COOKIE_NAME == "sessionid"
    agree("__Host-other")
    assert settings.SESSION_COOKIE_NAME == "sessionid", "what a project configures by hand stays"

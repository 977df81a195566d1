"""django.contrib.auth on sessions of secmw: it knows nothing of them, and everything it promises holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import override_settings

from secmw_django import conf
from secmw_django.auth import verify, version
from secmw_django.sessions import SessionStore
from secmw_django.sessions.place import place
from tests.adapters.secmw_django.people import (
    COOKIE,
    PASSWORD,
    STORES,
    AsyncBrowser,
    Browser,
    account,
    cookie_lines,
    site,
)


@pytest.fixture(params=(*STORES, "sealed"), autouse=True)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with site(request.param, tmp_path):
        yield


def signed_in(name: str = "jane") -> Any:
    person = Browser()
    assert person.post("/in", {"username": name, "password": PASSWORD}).status_code == 200
    return person


def of(user: Any) -> Any:
    """Return the living sessions of a user, from whatever store there is."""
    there = place()
    assert there is not None
    return there.store.of_user(str(user.pk))


def test_a_sign_in_is_one_to_django_and_to_secmw() -> None:
    user = account()
    person = Browser()
    assert person.get("/who").json()["django"] == ""
    answer = person.post("/in", {"username": "jane", "password": PASSWORD})
    assert answer.status_code == 200
    found = person.get("/who").json()
    assert (found["django"], found["secmw"], found["described"]) == ("jane", str(user.pk), "jane")
    assert found["key"] == answer.content.decode() == person.cookies[COOKIE].value[:22]


def test_one_cookie_goes_out_and_it_is_secmws() -> None:
    account()
    person = Browser()
    lines = cookie_lines(person.post("/in", {"username": "jane", "password": PASSWORD}))
    ours = [line for line in lines if line.startswith(f"{COOKIE}=")]
    assert len(ours) == 1
    assert [line for line in lines if "session" in line.lower()] == []
    assert len(ours[0].partition(";")[0]) == len(COOKIE) + 1 + 66
    assert {"HttpOnly", "Secure", "Path=/"} <= {part.strip() for part in ours[0].split(";")}
    assert cookie_lines(person.get("/put?a=1")) == []


def test_what_a_visitor_had_is_kept_at_the_sign_in_under_another_id() -> None:
    account()
    person = Browser()
    person.get("/put?cart=7")
    before = person.cookies[COOKIE].value
    person.post("/in", {"username": "jane", "password": PASSWORD})
    assert person.get("/who").json()["data"] == {"cart": "7"}
    assert person.cookies[COOKIE].value != before
    assert not SessionStore().exists(before)


def test_of_another_users_session_nothing_is_left() -> None:
    account()
    account("joe")
    person = signed_in()
    person.get("/put?cart=7")
    first = person.cookies[COOKIE].value
    person.post("/in", {"username": "joe", "password": PASSWORD})
    found = person.get("/who").json()
    assert (found["django"], found["data"]) == ("joe", {})
    assert not SessionStore().exists(first)


def test_a_sign_out_ends_the_session_for_every_copy_of_its_id() -> None:
    account()
    person = signed_in()
    copied = Browser()
    copied.cookies[COOKIE] = person.cookies[COOKIE].value
    answer = person.post("/out")
    assert [line for line in cookie_lines(answer) if line.startswith(f"{COOKIE}=;") or f'{COOKIE}=""' in line]
    assert copied.get("/who").json()["secmw"] is None
    assert person.get("/who").json()["django"] == ""


def test_a_changed_password_ends_all_other_sessions_and_keeps_this_one() -> None:
    user = account()
    one, other = signed_in(), signed_in()
    before = one.cookies[COOKIE].value
    assert other.get("/who").json()["django"] == "jane"
    assert one.post("/password", {"password": "another one"}).status_code == 200
    assert len(of(user)) == 1, "at once, not when it is asked next"
    assert one.cookies[COOKIE].value != before
    found = one.get("/who").json()
    assert (found["django"], found["secmw"]) == ("jane", str(user.pk))
    gone = other.get("/who").json()
    assert (gone["django"], gone["secmw"]) == ("", None)


def test_a_password_changed_elsewhere_ends_the_session_too() -> None:
    user = account()
    person = signed_in()
    user.set_password("set on the command line")
    user.save()
    assert person.get("/who").json()["django"] == ""


def test_who_is_not_active_any_more_is_out() -> None:
    user = account()
    person = signed_in()
    user.is_active = False
    user.save()
    assert version(str(user.pk)) is None
    assert not verify(str(user.pk), PASSWORD)
    assert person.get("/who").json()["django"] == ""


def test_another_secret_key_signs_nobody_out_while_the_old_one_is_a_fallback(tmp_path: Path) -> None:
    user = account()
    one, other = signed_in(), signed_in()
    old = settings.SECRET_KEY
    kept = conf.store(), conf.async_store()
    keys = {
        "SECRET_KEY": "a new key, as long as Django wants its keys to be, and longer",
        "SECRET_KEY_FALLBACKS": [old],
    }
    with pytest.MonkeyPatch.context() as patch, override_settings(**keys):
        patch.setattr(conf, "store", lambda: kept[0])
        patch.setattr(conf, "async_store", lambda: kept[1])
        for person in (one, other, one):
            found = person.get("/who").json()
            assert (found["django"], found["secmw"]) == ("jane", str(user.pk))
        hashes = [record.identity.credentials for record in of(user)]
        assert hashes == [user.get_session_auth_hash()] * 2
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(SECRET_KEY="a third key, as long as Django wants its keys to be, and longer"),
    ):
        patch.setattr(conf, "store", lambda: kept[0])
        assert one.get("/who").json()["django"] == ""


def test_the_passwords_that_secmw_asks_for_are_djangos() -> None:
    user = account()
    assert verify(str(user.pk), PASSWORD)
    assert not verify(str(user.pk), "wrong")
    assert not verify("999999", PASSWORD)
    assert not verify("not a number", PASSWORD)
    assert not verify("", "")
    hooks = conf.hooks(asynchronous=True)
    assert hooks.verify is not None
    found: Any = hooks.verify
    assert async_to_sync(found)(str(user.pk), PASSWORD)


def test_three_names_in_the_data_of_an_application_do_not_sign_in_with_a_wrong_hash() -> None:
    user = account()
    person = Browser()
    query = f"_auth_user_id={user.pk}&_auth_user_backend=django.contrib.auth.backends.ModelBackend&_auth_user_hash=guessed"
    person.get(f"/put?{query}")
    found = person.get("/who").json()
    assert (found["django"], found["secmw"]) == ("", None)


def test_who_signs_in_without_contrib_auth_is_somebody_to_django_too() -> None:
    account()
    person = Browser()
    person.post("/cores", {"password": PASSWORD})
    assert person.get("/who").json()["django"] == "jane"


def test_a_response_that_streams_still_has_the_session() -> None:
    account()
    person = signed_in()
    person.get("/fill")
    assert person.get("/streamed").getvalue() == b"jane"
    assert person.get("/who").json()["data"] == {"list": ["first", "late"]}


def test_djangos_own_test_client_signs_in_and_out() -> None:
    user = account()
    for how in ("password", "force"):
        person = Browser()
        if how == "password":
            assert person.login(username="jane", password=PASSWORD)
        else:
            person.force_login(user)
        assert person.get("/who").json()["django"] == "jane"
        session = person.session
        session["kept"] = [1]
        session.save()
        assert person.get("/who").json()["data"] == {"kept": [1]}
        key = person.cookies[COOKIE].value
        person.logout()
        assert not SessionStore().exists(key)
        assert person.get("/who").json()["django"] == ""


def test_it_all_works_on_an_event_loop() -> None:
    user = account()

    @async_to_sync
    async def play() -> None:
        person, other = AsyncBrowser(), AsyncBrowser()
        for each in (person, other):
            wrong = await each.post("/ain", {"username": "jane", "password": "wrong"})
            assert wrong.status_code == 401
            assert (await each.post("/ain", {"username": "jane", "password": PASSWORD})).status_code == 200
        found = (await person.get("/awho")).json()
        assert (found["django"], found["secmw"]) == ("jane", str(user.pk))
        assert (await person.get("/who")).json()["django"] == "jane"
        assert (await person.post("/apassword", {"password": "another one"})).status_code == 200
        assert (await person.get("/awho")).json()["django"] == "jane"
        assert (await other.get("/awho")).json()["secmw"] is None
        await person.post("/aout")
        assert (await person.get("/awho")).json()["secmw"] is None
        await user.arefresh_from_db()
        await other.aforce_login(user)
        assert (await other.get("/awho")).json()["django"] == "jane"
        await other.alogout()
        assert (await other.get("/awho")).json()["django"] == ""

    play()

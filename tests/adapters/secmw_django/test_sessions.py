"""``request.session`` inside requests: a face of the session of the exchange, with Django's SessionMiddleware left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.wsgi import get_wsgi_application
from django.test import override_settings

from secmw.testing import Client
from secmw_django import conf
from secmw_django.sessions import SessionStore
from secmw_django.sessions.place import place
from secmw_django.wsgi import protect
from tests.adapters.secmw_django.people import (
    COOKIE,
    PASSWORD,
    SECMW,
    STORES,
    AsyncBrowser,
    Browser,
    account,
    cookie_lines,
    site,
)


@pytest.fixture(params=STORES, autouse=True)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with site(request.param, tmp_path):
        yield


def twin(person: Any) -> Browser:
    """Return another tab of the same browser."""
    other = Browser()
    other.cookies[COOKIE] = person.cookies[COOKIE].value
    return other


def visitor() -> Browser:
    """Return a browser with something in its session."""
    person = Browser()
    person.get("/fill")
    return person


def data(person: Any) -> Any:
    return person.get("/who").json()["data"]


def test_only_what_changed_is_written_so_two_tabs_keep_what_both_did() -> None:
    person = visitor()
    other = twin(person)
    person.get("/put?theme=dark")
    other.get("/put")
    other.get("/put?lang=de")
    assert data(person) == {"list": ["first", "more"], "theme": "dark", "lang": "de"}


def test_a_session_is_loaded_once_and_not_at_all_for_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    person = visitor()
    asked: list[str] = []
    store: Any = type(conf.store())
    load = store.load

    def counted(self: Any, selector: str) -> Any:
        asked.append(selector)
        return load(self, selector)

    monkeypatch.setattr(store, "load", counted)
    person.get("/put")
    person.get("/who")
    # A store in memory hands out what it has without being asked.
    assert asked in ([], [person.cookies[COOKIE].value[:22]] * 2)
    asked.clear()
    Browser().get("/who")
    assert asked == []


def test_a_failed_request_changes_nothing() -> None:
    person = visitor()
    person.raise_request_exception = False
    assert person.get("/fails").status_code == 500
    assert data(person) == {"list": ["first"]}


@pytest.mark.parametrize("every", [False, True])
def test_djangos_middleware_sets_and_deletes_no_cookie(every: bool) -> None:
    with override_settings(SESSION_SAVE_EVERY_REQUEST=every):
        person = Browser()
        assert cookie_lines(person.get("/who")) == []
        (line,) = cookie_lines(person.get("/fill"))
        assert line.startswith(f"{COOKIE}={person.cookies[COOKIE].value};")
        assert len(person.cookies[COOKIE].value) == 66
        for path in ("/put", "/who", "/put?a=1"):
            assert cookie_lines(person.get(path)) == []
        SessionStore(person.cookies[COOKIE].value).flush()
        # The cookie of a sign-in in another tab may be on its way: it is not deleted for that.
        assert cookie_lines(person.get("/who")) == []


def test_behind_a_layer_around_django_nothing_else_sets_our_cookies_either() -> None:
    with override_settings(SECMW={**settings.SECMW, "xsrf": {}}):
        browser = Client(protect(get_wsgi_application()), interface="wsgi")
        browser.get("/ensured")
        assert len(browser.cookies["csrftoken"].value) == 64, "Django's have 32 letters"
        browser.get("/fill")
        before = browser.cookies[COOKIE].value
        SessionStore(before).flush()
        assert browser.get("/who").json()["data"] == {}
        assert browser.cookies[COOKIE].value == before


def test_a_response_that_depends_on_the_session_says_so() -> None:
    answer = visitor().get("/who")
    assert "Cookie" in answer.headers["Vary"]
    assert "no-store" in answer.headers["Cache-Control"] or "private" in answer.headers["Cache-Control"]


def test_an_empty_session_begins_when_somebody_wants_its_key_and_keeps_it() -> None:
    person = Browser()
    key = person.get("/begin").content.decode()
    assert len(key) == 22
    assert person.cookies[COOKIE].value.startswith(f"{key}.")
    assert person.get("/begin").content.decode() == key
    assert data(person) == {}


def test_the_key_that_an_application_sees_opens_nothing() -> None:
    person = visitor()
    key = person.get("/who").json()["key"]
    assert key == person.cookies[COOKIE].value[:22]
    thief = Browser()
    thief.cookies[COOKIE] = key
    assert data(thief) == {}
    assert SessionStore(key).load() == {}


def test_a_session_ended_elsewhere_is_not_brought_back_and_nothing_breaks() -> None:
    person = visitor()
    SessionStore(person.cookies[COOKIE].value).flush()
    answer = person.get("/put?a=1")
    assert answer.status_code == 200
    assert data(person) == {"a": "1"}


def test_two_cookies_that_differ_are_none() -> None:
    one, other = visitor().cookies[COOKIE].value, visitor().cookies[COOKIE].value
    person = Browser(headers={"cookie": f"{COOKIE}={one}; {COOKIE}={other}"})
    assert person.get("/who").json()["data"] == {}


def test_messages_wait_in_the_session_for_the_next_page() -> None:
    storage = "django.contrib.messages.storage.session.SessionStorage"
    with override_settings(MESSAGE_STORAGE=storage):
        person = Browser()
        person.get("/say")
        assert person.get("/hear").content == b"hello <you>"
        assert person.get("/hear").content == b""


def test_what_is_said_after_a_sign_out_waits_in_a_session_of_its_own() -> None:
    account()
    with override_settings(MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage"):
        person = Browser()
        person.post("/in", {"username": "jane", "password": PASSWORD})
        before = person.cookies[COOKIE].value
        person.post("/bye")
        assert person.cookies[COOKIE].value not in ("", before)
        assert person.get("/hear").content == b"bye"
        assert person.get("/who").json()["secmw"] is None
        assert not SessionStore().exists(before)


@pytest.mark.parametrize(("seconds", "stays"), [(3_600, True), (-1, False)])
def test_an_expiry_asked_for_at_the_sign_in_holds(seconds: int, stays: bool) -> None:
    user = account()
    person = Browser()
    person.post(f"/in?{seconds}", {"username": "jane", "password": PASSWORD})
    there: Any = place()
    (record,) = there.store.of_user(str(user.pk))
    assert record.inactivity == max(1, seconds)
    assert (person.get("/who").json()["secmw"] is not None) is stays


def test_a_sign_in_that_is_not_to_be_remembered_gets_a_cookie_that_goes_with_the_browser(
    tmp_path: Path,
) -> None:
    with site("sqlite", tmp_path, SECMW={"sessions": {"persistent": True}}):
        account()
        for query, lasting in (("", True), ("?0", False)):
            person = Browser()
            answer = person.post(f"/in{query}", {"username": "jane", "password": PASSWORD})
            (line,) = [line for line in cookie_lines(answer) if line.startswith(COOKIE)]
            assert ("Max-Age" in line) is lasting


def test_another_key_than_the_requests_is_another_session(where: None) -> None:
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    stored = SessionStore()
    stored["whose"] = "somebody else's"
    stored.save()

    def look(request: HttpRequest) -> HttpResponse:
        found = SessionStore(stored.session_key)
        assert found["whose"] == "somebody else's"
        found["seen"] = True
        found.save()
        other = SessionStore.apart()
        other["a"] = 1
        other.save()
        assert SessionStore().session_key == request.session.session_key != other.session_key
        found.delete(other.session_key)
        return HttpResponse(str(SessionStore().exists(other.session_key)))

    with override_settings(ROOT_URLCONF=(path("look", look),)):
        person = Browser()
        assert person.get("/look").content == b"False"
        assert COOKIE not in person.cookies
    assert SessionStore(stored.session_key)["seen"] is True


def test_where_the_policy_has_no_sessions_everybody_is_a_stranger() -> None:
    with override_settings(SECMW={**SECMW, "sessions": None}):
        person = Browser(raise_request_exception=False)
        assert person.get("/late").content == b"AnonymousUser"
        assert person.get("/put?a=1").status_code == 500


def test_on_an_event_loop_it_is_the_same_session() -> None:
    @async_to_sync
    async def play() -> None:
        person = AsyncBrowser()
        key = (await person.get("/begin")).content.decode()
        assert (await person.get("/awho")).json()["key"] == key
        await person.get("/fill")
        await person.get("/put")
        assert (await person.get("/who")).json()["data"] == {"list": ["first", "more"]}
        session = await person.asession()
        assert await session.aget("list") == ["first", "more"]

    play()


def test_it_has_everything_that_djangos_own_sets_on_a_session() -> None:
    # It is made without SessionBase's constructor, which a version of Django may give more to do.
    store = SessionStore()
    # Its key is in the home.
    assert {name for name in vars(SessionBase()) if not hasattr(store, name)} <= {"_SessionBase__session_key"}
    assert (store.accessed, store.modified) == (False, False)
    assert store.decode(store.encode({"a": 1})) == {"a": 1}

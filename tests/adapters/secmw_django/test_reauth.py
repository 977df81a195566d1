"""The page that asks for the password once more, with django.contrib.auth behind it: every backend that knows passwords counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from secmw.audit import open_trail
from secmw_django.decorators import sudo_required
from tests.adapters.secmw_django.people import PASSWORD, AsyncBrowser, Browser, account, site
from tests.adapters.secmw_django.people_urls import urlpatterns as others

_PAGE = "/_secmw/sudo"
_FORM = "application/x-www-form-urlencoded"


@sudo_required
def danger(request: HttpRequest) -> HttpResponse:
    """Do what is dangerous."""
    return HttpResponse("done")


_OURS = "tests.adapters.secmw_django.people_backends"
_URLS = (*others, path("danger", danger))
_BACKENDS = [f"{_OURS}.Links", "django.contrib.auth.backends.ModelBackend", f"{_OURS}.Directory"]


@pytest.fixture(params=("sqlite",), autouse=True)
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    url = f"sqlite:///{tmp_path}/audit.db"
    with site(
        request.param, tmp_path, SECMW={"trail": url}, ROOT_URLCONF=_URLS, AUTHENTICATION_BACKENDS=_BACKENDS
    ):
        opened = open_trail(url)
        yield opened
        opened.close()


def told(trail: Any) -> list[tuple[str, str, str]]:
    return [(event.action, event.outcome, event.user_description) for event in reversed(trail.recent(50))]


def asks(person: Any) -> bool:
    answer = person.get("/danger", headers={"accept": "text/html", "sec-fetch-mode": "navigate"})
    if answer.status_code == 200:
        return False
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{_PAGE}?next=/danger"
    return True


def test_the_password_once_more_opens_what_is_dangerous(trail: Any) -> None:
    account()
    person = Browser()
    person.post("/in", {"username": "jane", "password": PASSWORD})
    assert asks(person)
    assert b"jane" in person.get(_PAGE).content
    answer = person.post(_PAGE, urlencode({"password": PASSWORD, "next": "/danger"}), _FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/danger")
    assert not asks(person)
    assert ("web_sudo", "success", "jane") in told(trail)


def test_every_backend_that_knows_passwords_is_asked(trail: Any) -> None:
    account()
    person = Browser()
    person.post("/in", {"username": "jane", "password": PASSWORD})
    person.post(_PAGE, urlencode({"password": "as in the directory", "next": "/danger"}), _FORM)
    assert not asks(person)


def test_a_wrong_password_opens_nothing_and_is_recorded_once(trail: Any) -> None:
    account()
    account("joe", is_active=False)
    heard: list[Any] = []

    def hear(**given: Any) -> None:
        heard.append(given["request"])

    user_login_failed.connect(hear)
    try:
        person = Browser()
        person.post("/in", {"username": "jane", "password": PASSWORD})
        before = len(told(trail))
        assert (
            person.post(_PAGE, urlencode({"password": "wrong", "next": "/danger"}), _FORM).status_code == 403
        )
    finally:
        user_login_failed.disconnect(hear)
    assert asks(person)
    assert told(trail)[before:][0] == ("web_sudo", "failure", "jane")
    assert "authn_login_fail" not in {action for action, _, _ in told(trail)}
    assert len(heard) == 1, "what counts attempts hears of this one too"


def test_nobodys_password_is_none_of_anybody_elses(trail: Any) -> None:
    account()
    account("joe").set_password("joe's")
    person = Browser()
    person.post("/in", {"username": "jane", "password": PASSWORD})
    for password in ("joe's", "joe's in the directory"):
        given = urlencode({"password": password, "username": "joe"})
        assert person.post(_PAGE, given, _FORM).status_code == 403
    assert asks(person)


def test_it_is_the_same_on_an_event_loop(trail: Any) -> None:
    account()

    @async_to_sync
    async def play() -> None:
        person = AsyncBrowser()
        await person.post("/ain", {"username": "jane", "password": PASSWORD})
        assert (await person.post(_PAGE, urlencode({"password": "wrong"}), _FORM)).status_code == 403
        assert (
            await person.post(_PAGE, urlencode({"password": PASSWORD, "next": "/danger"}), _FORM)
        ).status_code == 303
        assert (await person.get("/danger")).content == b"done"

    play()
    assert [action for action, _, _ in told(trail)].count("web_sudo") == 2


def test_a_refused_sign_in_is_recorded_with_the_account_and_never_with_what_was_typed(trail: Any) -> None:
    user = account()
    person = Browser()
    for name in ("jane", "pa$$word typed here", "\x00"):
        assert person.post("/in", {"username": name, "password": "wrong"}).status_code == 401
    events = trail.recent(10)
    assert [(event.action, event.outcome) for event in events] == [("authn_login_fail", "failure")] * 3
    assert [(event.user_id, event.user_description) for event in reversed(events)] == [
        (str(user.pk), "jane"),
        ("", ""),
        ("", ""),
    ]
    assert "typed" not in repr(events)


def test_a_sign_in_and_a_sign_out_are_recorded_once(trail: Any) -> None:
    account()
    person = Browser()
    person.post("/in", {"username": "jane", "password": PASSWORD})
    person.post("/out")
    assert told(trail) == [("user_login", "success", "jane"), ("session_logged_out", "success", "jane")]


def test_where_sudo_is_off_nobody_is_asked(trail: Any) -> None:
    account()
    with override_settings(
        SECMW={
            "public_url": "https://testserver",
            "xsrf": "off",
            "store": "memory://",
            "sudo": {"enabled": False},
        }
    ):
        person = Browser()
        person.post("/in", {"username": "jane", "password": PASSWORD})
        assert not asks(person)

"""Django's admin behind secmw, tokens and all; and the two pages that secmw adds to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import override_settings

from secmw.audit import open_trail
from tests.adapters.secmw_django.people import COOKIE, PASSWORD, Browser, account, cookie_lines, site

_LIST = "/admin/secmw/session/"
_REVOKE = "/admin/secmw/session/revoke/"
_TRAIL = "/admin/secmw/auditevent/"
_FORM = "application/x-www-form-urlencoded"


@pytest.fixture(params=("memory", "sealed"), autouse=True)
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    url = f"sqlite:///{tmp_path}/audit.db"
    with site(request.param, tmp_path, SECMW={"trail": url, "xsrf": {}}):
        opened = open_trail(url)
        yield opened
        opened.close()


class Person(Browser):
    """Be a browser that has to show the tokens of the pages it was given, as every browser."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True, headers={"origin": "https://testserver"})

    def send(self, page: str, where: str = "", **fields: str) -> Any:
        """Open a page, and send its form."""
        html = self.get(page).content.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
        assert found is not None, html
        return self.post(where or page, {"csrfmiddlewaretoken": found[1], **fields})


def staff(*permissions: str, name: str = "boss") -> Person:
    """Return a member of staff, signed in."""
    from django.contrib.auth.models import Permission

    user = account(name, staff=True)
    for permission in permissions:
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label="secmw", codename=permission)
        )
    person = Person()
    answer = person.send("/admin/login/", username=name, password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/profile/")
    return person


def elevated(*permissions: str) -> Person:
    """Return a member of staff who gave the password a moment ago."""
    person = staff(*permissions)
    html = person.get("/_secmw/sudo").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    assert found is not None
    body = f"csrfmiddlewaretoken={found[1]}&password={PASSWORD.replace(' ', '+')}&next=%2F"
    assert person.post("/_secmw/sudo", body, _FORM).status_code == 303
    return person


def jane() -> Browser:
    account()
    person = Browser()
    assert person.post("/in", {"username": "jane", "password": PASSWORD}).status_code == 200
    return person


def test_the_admin_works_with_secmws_tokens_in_place_of_djangos() -> None:
    account("root", staff=True, is_superuser=True)
    get_user_model()._default_manager.filter(username="made").delete()
    person = Person()
    assert person.send("/admin/login/?next=/admin/", username="root", password=PASSWORD).status_code == 302
    assert person.get("/admin/").status_code == 200
    answer = person.send(
        "/admin/auth/user/add/",
        username="made",
        password1=PASSWORD,
        password2=PASSWORD,
        usable_password="true",
    )
    assert answer.status_code == 302, answer.content
    made = get_user_model()._default_manager.get(username="made")
    person.send(
        f"/admin/auth/user/{made.pk}/password/",
        password1="a new battery staple",
        password2="a new battery staple",
    )
    made.refresh_from_db()
    assert made.check_password("a new battery staple")
    assert person.post("/admin/auth/user/add/", {"username": "other"}).status_code == 403
    answer = person.send("/admin/", "/admin/logout/")
    assert answer.status_code == 200
    assert person.get("/admin/").status_code == 302
    assert not [name for name in person.cookies if name == "sessionid"]


def test_who_asks_for_djangos_token_in_a_cookie_gets_secmws() -> None:
    person = Person()
    for _ in range(2):
        person.get("/ensured")
    token = person.cookies["csrftoken"].value
    assert len(token) == 64, "Django's have 32 letters"
    assert person.post("/protected", headers={"x-csrftoken": token}).content == b"protected"
    assert person.post("/protected").status_code == 403
    member = staff()
    assert cookie_lines(member.get("/ensured")) == []
    token = member.cookies["csrftoken"].value
    assert member.post("/protected", headers={"x-csrftoken": token}).content == b"protected"


def test_a_password_changed_in_the_admin_keeps_ones_own_session() -> None:
    person = staff()
    page = "/admin/password_change/"
    answer = person.send(
        page,
        old_password=PASSWORD,
        new_password1="a new battery staple",
        new_password2="a new battery staple",
    )
    assert answer.status_code == 302
    assert person.get("/admin/").status_code == 200


def test_sessions_are_shown_to_staff_who_may_see_them_and_to_nobody_else() -> None:
    other = jane()
    assert jane().get(_LIST).status_code == 302
    assert staff().get(_LIST).status_code == 403
    person = staff("view_session")
    mine = person.get(_LIST).content.decode()
    assert person.cookies[COOKIE].value[:22] in mine
    assert "(this one)" in mine
    html = person.get(f"{_LIST}?user=jane").content.decode()
    account_id = get_user_model()._default_manager.get(username="jane").pk
    assert html.count('<th scope="row">') == len(re.findall(r"<code>", html))
    assert other.cookies[COOKIE].value[23:] not in html
    assert person.get(f"{_LIST}?user={account_id}").status_code == 200
    assert "There is none" in person.get(f"{_LIST}?user=%00nobody%3Cb%3E").content.decode()
    assert "revoke/" not in html
    assert person.get("/admin/").content.decode().count(_LIST) >= 1


def test_to_end_a_session_takes_the_permission_the_password_and_a_token(trail: Any) -> None:
    other = jane()
    user_id = str(get_user_model()._default_manager.get(username="jane").pk)
    fields = {"user_id": user_id, "selector": other.cookies[COOKIE].value[:22]}
    page = f"{_LIST}?user=jane"
    person = staff("view_session", "delete_session")
    answer = person.send(page, _REVOKE, **fields)
    assert answer.status_code in (303, 401), "the password first"
    assert other.get("/who").json()["secmw"] == user_id
    person = elevated("view_session", "delete_session")
    assert person.post(_REVOKE, fields).status_code == 403, "without a token"
    assert person.get(_REVOKE).status_code == 405
    wrong = {**fields, "user_id": "12345"}
    person.send(page, _REVOKE, **wrong)
    assert other.get("/who").json()["secmw"] == user_id, "of another user"
    assert person.send(page, _REVOKE, **fields).headers["Location"] == f"{_LIST}?user={user_id}"
    assert other.get("/who").json()["secmw"] is None
    (event,) = [event for event in trail.recent(20) if event.action == "session_revoked"]
    assert (event.user_description, event.extra) == ("boss", {"whose": user_id, "ended": fields["selector"]})
    only_sees = elevated("view_session")
    assert only_sees.send("/admin/", _REVOKE, **fields).status_code == 403


def test_all_sessions_of_somebody_are_ended_and_of_ones_own_all_others() -> None:
    one = jane()
    user_id = str(get_user_model()._default_manager.get(username="jane").pk)
    person = elevated("view_session", "delete_session")
    person.send(f"{_LIST}?user=jane", _REVOKE, user_id=user_id)
    assert one.get("/who").json()["secmw"] is None
    mine = str(get_user_model()._default_manager.get(username="boss").pk)
    twin = Browser()
    twin.post("/in", {"username": "boss", "password": PASSWORD})
    person.send(_LIST, _REVOKE, user_id=mine)
    assert twin.get("/who").json()["secmw"] is None
    assert person.get(_LIST).status_code == 200
    person.send(_LIST, _REVOKE, user_id=mine, selector=person.cookies[COOKIE].value[:22])
    assert person.get(_LIST).status_code == 302


def test_the_audit_trail_is_shown_to_staff_who_may_read_it() -> None:
    jane().post("/out")
    assert staff("view_session").get(_TRAIL).status_code == 403
    person = staff("view_auditevent")
    html = person.get(_TRAIL).content.decode()
    assert "session_logged_out" in html
    assert "boss" in html
    of_jane = person.get(f"{_TRAIL}?user=jane").content.decode()
    assert "user_login" in of_jane
    assert "<td>boss</td>" not in of_jane
    assert "There is none" in person.get(f"{_TRAIL}?before=1").content.decode()
    assert person.get(f"{_TRAIL}?before=sideways").status_code == 200


def test_a_trail_in_memory_is_said_to_be_out_of_sight(tmp_path: Path) -> None:
    with site("memory", tmp_path, SECMW={"trail": "memory://", "xsrf": {}}):
        assert b"SECMW[&#x27;trail&#x27;]" in staff("view_auditevent").get(_TRAIL).content


@pytest.mark.parametrize("page", [_LIST, _TRAIL])
def test_the_pages_do_without_inline_scripts_and_styles(page: str) -> None:
    html = elevated("view_session", "delete_session", "view_auditevent").get(page).content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)[^>]*>(?!\s*</script>)", html)


def test_nothing_that_a_client_says_of_itself_is_markup() -> None:
    account()
    person = Browser(headers={"user-agent": "<b>\x85bold"})
    person.post("/in", {"username": "jane", "password": PASSWORD})
    html = staff("view_session").get(f"{_LIST}?user=jane%3Cb%3E").content.decode()
    assert "<b>" not in html


def test_with_djangos_own_tokens_the_pages_use_those() -> None:
    before, first, *rest = settings.MIDDLEWARE
    policy = {name: value for name, value in settings.SECMW.items() if name != "xsrf"}
    chain = [before, first, "django.middleware.csrf.CsrfViewMiddleware", *rest]
    with override_settings(MIDDLEWARE=chain, SECMW=policy):
        other = jane()
        user_id = str(get_user_model()._default_manager.get(username="jane").pk)
        person = staff("view_session", "delete_session")
        assert person.post(_REVOKE, {"user_id": user_id}).status_code == 403
        assert person.send(f"{_LIST}?user=jane", _REVOKE, user_id=user_id).status_code == 401
        body = f"password={PASSWORD.replace(' ', '+')}&next=%2F"
        assert person.post("/_secmw/sudo", body, _FORM).status_code == 303
        assert person.send(f"{_LIST}?user=jane", _REVOKE, user_id=user_id).status_code == 302
        assert other.get("/who").json()["secmw"] is None

"""Flask, Django and FastAPI on one store: in on one is in on all, out on one is out on all, and data are each one's own."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from django.core.signals import setting_changed

from secmw.audit import open_trail
from secmw.sessions import codec
from secmw.sessions.record import Record
from secmw.stores import SQLiteStore
from secmw.testing import Client
from tests.adapters.secmw_django.site import apart

EXAMPLE: Final = Path(__file__).parents[2] / "docs" / "examples" / "sharing"
MODULES: Final = ("serve", "common", "shop", "forum", "desk")
NAMES: Final = ("shop", "forum", "desk")
#: What contrib.auth takes for a sign-in, and what others' names look like where they are kept.
NAUGHTY: Final = (
    "_auth_user_id",
    "_auth_user_backend",
    "_auth_user_hash",
    "_user_id",
    "user_id",
    "forum/items",
    "forum/_auth_user_id",
    "../forum/items",
    "desk/items",
    "/theme",
)
EACH: Final = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Import the example, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.syspath_prepend(EXAMPLE)
    with apart():
        look_again()
        yield importlib.import_module("serve")
    look_again()
    for name in MODULES:
        del sys.modules[name]


def look_again() -> None:
    """Have the Django adapter read its settings anew."""
    setting_changed.send(sender=None, setting="SECMW", value=None, enter=True)


@pytest.fixture
def jane(serve: ModuleType) -> Client:
    """Be Jane's browser."""
    return Client(serve.app, base_url="http://localhost:8000")


def sign_in(client: Client, name: str = "jane", password: str = "correct horse") -> None:
    client.get("/shop/sign-in")
    assert client.post("/shop/sign-in", form={"name": name, "password": password}).status == 303


def do(client: Client, path: str, **form: str) -> None:
    client.get(path.rpartition("/")[0] + "/")
    assert client.post(path, form=form).status in (302, 303)


def who(client: Client, name: str) -> str:
    found = re.search('<span id="who">(.*?)</span>', client.get(f"/{name}/").text)
    assert found is not None
    return found[1]


def shown(client: Client, name: str) -> tuple[list[str], str]:
    """Return what an application keeps, and the theme."""
    page = client.get(f"/{name}/").text
    return re.findall("<li>(.*?)</li>", page), page.partition('id="theme">')[2].partition("<")[0]


@EACH
def test_who_signs_in_on_one_is_known_on_all(jane: Client, name: str) -> None:
    assert who(jane, name) == "nobody"
    sign_in(jane)
    assert who(jane, name) == "Jane Doe"


@EACH
def test_who_signs_out_on_one_is_out_on_all(jane: Client, serve: ModuleType, name: str) -> None:
    sign_in(jane)
    kept = Client(serve.app, base_url="http://localhost:8000")
    cookie = {"Cookie": f"id={jane.cookies['id'].value}"}
    assert "Jane Doe" in kept.get("/desk/", headers=cookie).text
    do(jane, f"/{name}/sign-out")
    for other in NAMES:
        assert who(jane, other) == "nobody"
        assert "Jane Doe" not in kept.get(f"/{other}/", headers=cookie).text


def test_each_keeps_its_own_under_the_same_name_and_the_theme_is_everybodys(jane: Client) -> None:
    for name in NAMES:
        do(jane, f"/{name}/items", item=f"of the {name}")
    do(jane, "/forum/theme", theme="dark")
    sign_in(jane)
    do(jane, "/desk/items", item="more")
    assert shown(jane, "shop") == (["of the shop"], "dark")
    assert shown(jane, "forum") == (["of the forum"], "dark")
    assert shown(jane, "desk") == (["of the desk", "more"], "dark")


def test_somebody_else_gets_nothing_of_it(jane: Client) -> None:
    sign_in(jane)
    for name in NAMES:
        do(jane, f"/{name}/items", item="hers")
    sign_in(jane, "bob", "battery staple")
    for name in NAMES:
        assert who(jane, name) == "Bob Roe"
        assert shown(jane, name) == ([], "light")


def test_there_is_one_audit_trail(jane: Client, tmp_path: Path) -> None:
    for name in NAMES:
        sign_in(jane)
        do(jane, f"/{name}/sign-out")
    jane.get("/shop/sign-in")
    assert jane.post("/shop/sign-in", form={"name": "eve", "password": "?"}).status == 403
    trail = open_trail(f"sqlite:///{tmp_path}/sessions.db")
    told = [(event.action, event.user_id) for event in reversed(trail.recent(20))]
    trail.close()
    assert told == [("user_login", "42"), ("session_logged_out", "42")] * 3 + [("authn_login_fail", "")]
    sign_in(jane)
    assert jane.get("/desk/audit").json()[-1] == ["user_login", "Jane Doe"]


def test_the_trail_is_for_people_who_are_signed_in(jane: Client) -> None:
    assert jane.get("/desk/audit").status == 401


@EACH
def test_the_token_of_ones_page_is_good_on_another(jane: Client, name: str) -> None:
    sign_in(jane)
    token = jane.get(f"/{name}/").text.partition('name="xsrf_token" value="')[2].partition('"')[0]
    for other in NAMES:
        sent = Client(jane.app, base_url="http://localhost:8000")
        cookies = "; ".join(f"{each}={jane.cookies[each].value}" for each in jane.cookies)
        answer = sent.post(
            f"/{other}/items", form={"item": "x", "xsrf_token": token}, headers={"Cookie": cookies}
        )
        assert answer.status in (302, 303)
        assert shown(jane, other)[0] == ["x"]


def test_no_name_that_one_writes_reaches_another_or_who_somebody_is(
    jane: Client, serve: ModuleType, tmp_path: Path
) -> None:
    """SE-17"""
    shop: Any = serve.shop

    def put() -> str:
        shop.session.update(dict.fromkeys(NAUGHTY, "43"))
        return "done"

    shop.app.post("/shop/put")(put)
    sign_in(jane)
    do(jane, "/forum/items", item="hers")
    before = {each: shown(jane, each) for each in NAMES}
    assert jane.post("/shop/put").text == "done"
    assert {each: shown(jane, each) for each in NAMES} == before
    assert [who(jane, each) for each in NAMES] == ["Jane Doe"] * 3
    store = SQLiteStore(tmp_path / "sessions.db")
    kept = store.load(jane.cookies["id"].value.partition(".")[0])
    store.close()
    assert isinstance(kept, Record)
    assert kept.user_id == "42"
    assert set(codec.decode(kept.data)) == {"forum/items", *(f"shop/{each}" for each in NAUGHTY)}

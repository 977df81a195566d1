"""`manage.py secmw`: the verbs of the `secmw` command, asked of the policy of a project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from secmw_django import conf
from tests.adapters.secmw_django.people import COOKIE, PASSWORD, Browser, account, site


@pytest.fixture(autouse=True)
def where(tmp_path: Path) -> Iterator[None]:
    with site("sqlite", tmp_path):
        yield


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("secmw", *arguments, stdout=out)
    return out.getvalue()


def signed_in() -> Browser:
    person = Browser()
    person.post("/in", {"username": "jane", "password": PASSWORD})
    return person


def test_a_path_is_explained_by_the_projects_policy() -> None:
    text = said("explain", "/admin/")
    assert "GET /admin/" in text
    assert "the settings of this project" in text


def test_what_is_weak_about_the_policy_is_said_and_ends_with_one() -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("secmw", "check", stdout=out)
    assert ended.value.code == 1
    assert "xsrf is off" in out.getvalue()


def test_sessions_are_listed_and_ended() -> None:
    user = account()
    one, other = signed_in(), signed_in()
    lines = said("sessions", "list", "--user", str(user.pk)).splitlines()
    selectors = {person.cookies[COOKIE].value[:22] for person in (one, other)}
    assert {line.split("\t")[0] for line in lines} == selectors
    assert one.cookies[COOKIE].value[23:] not in "".join(lines)
    said("sessions", "revoke", one.cookies[COOKIE].value[:22])
    assert one.get("/who").json()["secmw"] is None
    assert other.get("/who").json()["secmw"] == str(user.pk)
    said("sessions", "revoke", "--user", str(user.pk))
    assert other.get("/who").json()["secmw"] is None
    with pytest.raises(SystemExit):
        said("sessions", "revoke", one.cookies[COOKIE].value[:22])


def test_tables_are_made_and_what_is_over_is_removed() -> None:
    account()
    signed_in()
    assert "nothing to make" in said("sessions", "init")
    assert "Removed" in said("sessions", "sweep")


def test_the_audit_trail_is_printed_oldest_first() -> None:
    user = account()
    signed_in().post("/out")
    events = [json.loads(line) for line in said("audit").splitlines()]
    assert [event["action"] for event in events] == ["user_login", "session_logged_out"]
    assert [json.loads(line)["action"] for line in said("audit", "--limit", "1").splitlines()] == [
        "session_logged_out"
    ]
    assert said("audit", "--user", "nobody") == ""
    assert len(said("audit", "--user", str(user.pk)).splitlines()) == 2


def test_what_can_not_be_done_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="whole id") as whole:
        said("sessions", "revoke", "a" * 22 + "." + "b" * 43)
    assert "bbbb" not in str(whole.value)
    with pytest.raises(CommandError, match="sesions"):
        said("sesions")
    with site("memory", tmp_path), pytest.raises(CommandError, match="memory of the process"):
        said("audit")
    with override_settings(SECMW={"public_url": 7, "hops": "many"}), pytest.raises(CommandError) as found:
        said("check")
    assert "public_url" in str(found.value)
    assert "hops" in str(found.value)


def test_help_names_every_verb() -> None:
    text = said()
    for verb in ("check", "explain", "sessions", "sharing", "audit"):
        assert f"  {verb} " in text


def test_djangos_own_command_sweeps() -> None:
    account()
    signed_in().post("/out")
    call_command("clearsessions")
    there: Any = conf.store()
    assert there is not None

"""Stacks do what their rows say before they are timed. Other people's libraries are not installed here: stand-ins take their place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

import secmw.asgi
from benchmarks import requests
from benchmarks.probe import WrongAnswerError
from benchmarks.sessions import policy
from benchmarks.stacks import asgi, django, flask, side_by_side, stack
from benchmarks.stacks.side_by_side import Family, Wanted, report
from benchmarks.stacks.stack import KINDS, Guest, Stack, measure
from secmw.stores import AsyncMemoryStore

BARE: Final = Stack(name="bare", app=asgi.application())


def ours(app: Any = None, **changes: Any) -> Stack:
    if app is None:
        app = asgi.application(
            lambda scope: scope["secmw"].session,
            sign_in=asgi._sign_in,
            token=lambda scope: scope["secmw"].xsrf_token(),
        )
    wrapped = secmw.asgi.Middleware(app, policy(), store=AsyncMemoryStore())
    found = Stack(name="ours", app=wrapped, sessions=True, header="x-xsrf-token", foreign=True, adds=12)
    return replace(found, **changes)


def test_a_guest_signs_in_and_posts_with_a_token_of_their_own() -> None:
    guest = Guest(ours())
    guest.prove()
    (_, stranger), (_, known), (method, post) = (guest.headers(kind) for kind in KINDS)
    assert (len(stranger), len(known), len(post), method) == (11, 12, 17, "POST")
    assert b"__Host-id=" in dict(known)[b"cookie"]
    assert dict(post)[b"x-xsrf-token"].decode() == guest.token


@pytest.mark.parametrize("framework", ["flask", "secmw on ASGI", "Starlette's own"])
def test_rows_that_need_no_other_library_hold(framework: str) -> None:
    rows: dict[str, Callable[[], list[Stack]]] = {
        "flask": flask.those_of_ours,
        "secmw on ASGI": lambda: [ours()],
        "Starlette's own": lambda: [
            Stack(name="host", app=asgi.trusted_host(asgi.application())),
            Stack(name="redirect", app=asgi.redirect(asgi.application())),
            Stack(
                name="cookie",
                app=asgi.signed_cookie(asgi.application(lambda scope: scope["session"])),
                sessions=True,
            ),
        ],
    }
    for row in rows[framework]():
        Guest(row).prove()
    assert asgi.trusted_host(asgi.application()).__class__ is TrustedHostMiddleware
    assert asgi.signed_cookie(asgi.application()).__class__ is SessionMiddleware


async def _forgetful(scope: Any, receive: Any, send: Any) -> None:
    await asgi.application(token=lambda _: "same")(scope, receive, send)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Stack(name="x", app=_forgetful, sessions=True), "the body is"),
        (Stack(name="x", app=_forgetful, header="x-token"), "another's token: expected 403"),
        (Stack(name="x", app=_forgetful, foreign=True), "another site's POST: expected 403"),
        (Stack(name="x", app=_forgetful, adds=1), "too few headers"),
    ],
    ids=["no session", "any token", "any site", "no header"],
)
def test_a_row_that_does_less_than_it_says_is_not_timed(broken: Stack, said: str) -> None:
    with pytest.raises(WrongAnswerError, match=said):
        measure([BARE, broken], ours="x", rounds=1, count=1)


def test_every_row_is_measured_on_every_kind_and_secmw_is_the_unit() -> None:
    table = measure([BARE, ours()], ours="ours", rounds=2, count=5)
    assert list(table) == ["no-op wrapper", "ours"]
    for cells in table.values():
        assert list(cells) == list(KINDS)
    assert {cells.times.median for cells in table["ours"].values()} <= {1, None}
    assert json.dumps(stack.plain(table), allow_nan=False)


def test_a_stack_without_sessions_is_asked_by_somebody_with_other_peoples_cookies() -> None:
    (_, known), (_, post) = (Guest(BARE).headers(kind) for kind in KINDS[1:])
    assert dict(known)[b"cookie"] == dict(post)[b"cookie"] == requests.FOREIGN_COOKIES
    assert len(post) == 16


#: Django can be set up once in a process.
DJANGO: Final = """
import runpy, sys
from pathlib import Path
runpy.run_path(sys.argv[1])
from benchmarks.stacks import django
from benchmarks.stacks.stack import Guest
django.set_up(Path(sys.argv[2]))
for row in django.stacks(csp=False):
    Guest(row).prove()
    print(row.name)
"""


def test_the_rows_of_django_hold(tmp_path: Path) -> None:
    conftest = Path(__file__).with_name("conftest.py")
    program = [sys.executable, "-P", "-c", DJANGO, str(conftest), str(tmp_path)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60)
    names = done.stdout.splitlines()
    assert names[:2] == [django.BARE, django.OURS]
    assert len(names) == 2 + len(django.ENGINES)


# --- the section


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> list[Family]:
    """Make a framework of two rows, the second of which is to add three times as much."""
    monkeypatch.setattr(side_by_side, "WANTED", (Wanted("Some", "other", (0.001, 1e9, 0.001)),))

    def make(folder: Path) -> list[Stack]:
        assert folder.is_dir()
        return [BARE, ours(), ours(name="other", lacks="all the rest", packages=("starlette",))]

    return [Family("Some", "ours", make, "a bare application")]


def test_the_section_has_each_row_with_what_it_does_not_do(families: list[Family]) -> None:
    section = report(quick=True, families=families)
    lines = section.text.splitlines()
    assert sum(line.startswith("| **ours** |") for line in lines) == 1
    (other,) = (line for line in lines if line.startswith("| other |"))
    assert other.endswith("| all the rest |")
    assert "Added to a bare application, with starlette " in section.text
    assert set(section.plots) == {"some"}
    assert json.loads(json.dumps(section.data, allow_nan=False))["ours"] == {"Some": "ours"}


def test_a_ratio_that_is_wanted_is_said_to_be_met_or_not(families: list[Family]) -> None:
    (line,) = (
        line
        for line in report(quick=True, families=families).text.splitlines()
        if line.startswith("| Some: other |")
    )
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == "0.001 / 1e+09 / 0.001"
    assert cells[-1].split(" / ")[1] in ("**no**", "—")


def test_what_is_wanted_is_a_budget_for_each_kind_of_request(families: list[Family]) -> None:
    budgets = report(quick=True, families=families).budgets
    assert [budget.what for budget in budgets] == [f"Some, other, {kind}" for kind in KINDS]
    assert [budget.bound for budget in budgets] == ["at least 0.001", "at least 1e+09", "at least 0.001"]
    assert budgets[1].met in ("**no**", "—")

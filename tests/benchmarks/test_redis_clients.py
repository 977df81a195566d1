"""Sessions in a Redis: round trips are as designed, wrong answers stop the run, and the table is whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import page, redis_clients, requests, served
from benchmarks.probe import WrongAnswerError, ask_asgi
from tests.services.redis import RedisServer, serve_redis

pytestmark = pytest.mark.server

OURS = (served.BARE, served.NOOP, served.MEMORY, served.SECMW_REDIS)


@pytest.fixture(scope="module")
def section() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served, "stack_versions", lambda: None)
        return redis_clients.report(quick=True)


def test_every_application_has_its_row_and_round_trips_are_as_designed(section: Any) -> None:
    """SE-09: one to read, none for a stranger, none for who is refused."""
    rows = {row["variant"]: row for row in section.data["rows"]}
    assert tuple(rows) == OURS
    assert list(rows[served.SECMW_REDIS]["trips"].values()) == [1, 0, 0]
    assert all(row["trips"] is None for name, row in rows.items() if name != served.SECMW_REDIS)
    assert all(figure > 0 for row in rows.values() for kind in ("cpu", "wall") for figure in row[kind])
    assert all(any(line.startswith(f"| {name} | ") for line in section.text.splitlines()) for name in OURS)
    assert json.dumps(section.data, allow_nan=False)
    assert list(section.plots) == ["added"]


def test_stacks_that_are_not_installed_are_left_out_and_said(section: Any) -> None:
    assert "The stacks were left out, for they need starlette, secure, starlette-csrf" in section.text
    assert section.data["ratio"] is None


def row(variant: str, added: float) -> redis_clients.Row:
    return redis_clients.Row(variant=variant, cpu=(1, 1), wall=(1, 1), added=added, trips=None)


def test_the_verdict_compares_what_both_add() -> None:
    rows = [row(served.SECMW_REDIS, 20.0), row(served.STACK_B, 210.0)]
    assert redis_clients.ratio(rows) == 10.5
    assert [budget.met for budget in redis_clients._budgets(rows)] == ["yes"]
    short = [row(served.SECMW_REDIS, 20.0), row(served.STACK_B, 150.0)]
    assert [budget.met for budget in redis_clients._budgets(short)] == ["**no**"]
    assert "10.5 times as much as secmw, Redis (budget 8 at least; met: yes)" in redis_clients._verdict(rows)


def test_other_round_trips_than_designed_stop_the_run() -> None:
    redis_clients.designed(redis_clients.DESIGNED)
    with pytest.raises(redis_clients.WrongTripsError, match="2"):
        redis_clients.designed({**redis_clients.DESIGNED, redis_clients.AUTHENTICATED: 2})


async def _open_to_all(scope: Any, receive: Any, send: Any) -> None:
    """Be an application that knows everybody, and refuses nothing."""
    headers = [*requests.RESPONSE_HEADERS, (b"set-cookie", b"id=1; Path=/")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


async def _takes_any_token(scope: Any, receive: Any, send: Any) -> None:
    known = any(name == b"cookie" for name, _ in scope["headers"]) or scope["path"] == served.SIGN_IN
    if known:
        await _open_to_all(scope, receive, send)
    else:
        await send({"type": "http.response.start", "status": 403, "headers": []})


async def _knows_nobody(scope: Any, receive: Any, send: Any) -> None:
    status = 200 if scope["path"] == served.SIGN_IN else 403
    await send({"type": "http.response.start", "status": status, "headers": []})


@pytest.mark.parametrize(
    ("app", "fault"),
    [
        (_open_to_all, "a stranger: expected 403"),
        (_takes_any_token, "a wrong token: expected 403"),
        (_knows_nobody, "secmw, Redis: expected 200"),
    ],
)
def test_an_application_that_does_not_do_its_job_stops_the_run(app: Callable[..., Any], fault: str) -> None:
    with pytest.raises(WrongAnswerError, match=fault):
        asyncio.run(redis_clients.check(app, served.SECMW_REDIS))


def test_the_applications_are_signed_in_to_where_they_say(redis: RedisServer) -> None:
    """One in memory leaves nothing in the Redis."""

    async def keys_after(variant: str) -> object:
        async with redis_clients.living(served.asgi(variant, redis.url)) as app:
            person = await redis_clients.check(app, variant)
            assert (await ask_asgi(app, person.get())).status == 200
        return redis.ask("DBSIZE")

    assert asyncio.run(keys_after(served.MEMORY)) == 0
    assert asyncio.run(keys_after(served.SECMW_REDIS)) != 0


@pytest.fixture
def redis() -> Any:
    with serve_redis() as server:
        yield server


def test_there_are_no_other_applications() -> None:
    for make in (served.asgi, served.wsgi):
        with pytest.raises(ValueError, match="there is no 'secmw, nowhere'; there are bare; "):
            make("secmw, nowhere")


def test_the_command_prints_and_writes_only_when_told(
    section: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(redis_clients, "report", lambda **_: section)
    monkeypatch.setattr(page, "publish", written.append)
    redis_clients.main(["--quick"])
    assert (written, capsys.readouterr().out.strip()) == ([], section.text.strip())
    redis_clients.main(["--write"])
    assert written == [section]

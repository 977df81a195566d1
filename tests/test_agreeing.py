"""Applications that share a store: one that differs is told so, signs nobody in, and spoils nothing for the others."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.agreeing import METHODS, Agreeing, AsyncAgreeing
from secmw.config.settings import Sessions
from secmw.errors import ConfigError, StoreError
from secmw.keys import new_key
from secmw.sessions import agreement
from secmw.sessions.agreement import KEPT_UNDER, Terms
from secmw.sessions.record import Record
from secmw.stores import AsyncMemoryStore, AsyncSQLiteStore, MemoryStore, SQLiteStore, open_store, sealed
from secmw.testing import Client, FrozenClock
from tests.services.shared import Kind, shared

SITE: Final = "https://app.example.org"
KEY: Final = new_key()
BOTH: Final = pytest.mark.parametrize("interface", ["wsgi", "asgi"])
pytestmark = pytest.mark.anyio


def policy(folder: Path, **settings: Any) -> Policy:
    return Policy.recommended(
        **{
            "secret_keys": [KEY],
            "public_url": SITE,
            "store": f"sqlite:///{folder}/sessions.db",
            "trail": "memory://",
            **settings,
        }
    )


def act(exchange: Any) -> str:
    if exchange.path == "/in":
        exchange.session.login("ann", "Ann")
    elif exchange.path == "/who":
        return str(exchange.session.user_id)
    return "done"


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    said = act(environ["secmw"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [said.encode()]


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    said = act(scope["secmw"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": said.encode()})


def served(interface: str, made: Policy, **how: Any) -> Client:
    app: Any = (
        secmw.wsgi.Middleware(wsgi_app, made, **how)
        if interface == "wsgi"
        else secmw.asgi.Middleware(asgi_app, made, **how)
    )
    return Client(app, base_url=SITE)


def sign_in(client: Client) -> str:
    assert client.get("/in").status == 200
    return client.cookies["__Host-id"].value


def agreed(folder: Path) -> agreement.Terms:
    store = SQLiteStore(folder / "sessions.db")
    found = store.load(KEPT_UNDER)
    store.close()
    assert isinstance(found, Record)
    return agreement.read(found)


# --- who agrees


@pytest.mark.parametrize(("first", "second"), [("wsgi", "asgi"), ("asgi", "wsgi")])
def test_who_is_known_to_one_application_is_known_to_the_other(
    tmp_path: Path, first: str, second: str
) -> None:
    made = policy(tmp_path)
    one, other = served(first, made), served(second, made)
    cookie = sign_in(one)
    assert other.get("/who", headers={"Cookie": f"__Host-id={cookie}"}).text == "ann"
    assert agreed(tmp_path) == agreement.terms(made)


@BOTH
def test_nothing_is_asked_before_a_session_is_needed(tmp_path: Path, interface: str) -> None:
    """Servers fork after they have made the application."""
    client = served(interface, policy(tmp_path))
    assert client.get("/").status == 200
    assert client.get("/who").text == "None"
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_once_agreed_a_request_costs_what_the_store_costs(tmp_path: Path, interface: str) -> None:
    made = policy(tmp_path)
    app: Any = (
        secmw.wsgi.Middleware(wsgi_app, made)
        if interface == "wsgi"
        else secmw.asgi.Middleware(asgi_app, made)
    )
    sign_in(Client(app, base_url=SITE))
    store = app.guard.store
    assert isinstance(store, Agreeing | AsyncAgreeing)
    assert all(getattr(store, name) == getattr(store.store, name) for name in METHODS)


@pytest.mark.parametrize("store", [MemoryStore, AsyncMemoryStore])
def test_in_memory_there_is_nobody_to_agree_with(store: Any) -> None:
    made = Policy.recommended(secret_keys=[KEY], public_url=SITE)
    middleware: Any = secmw.wsgi.Middleware if store is MemoryStore else secmw.asgi.Middleware
    mine = store()
    assert middleware(None, made, store=mine).guard.store is mine
    locked = sealed(mine, [KEY])
    assert middleware(None, made, store=locked).guard.store is locked


def test_threads_that_come_first_together_agree(tmp_path: Path) -> None:
    client = served("wsgi", policy(tmp_path))
    cookie = f"__Host-id={sign_in(client)}"
    for _ in range(5):
        app: Any = secmw.wsgi.Middleware(wsgi_app, policy(tmp_path, secret_keys=[KEY, new_key()]))
        together = threading.Barrier(8)

        def visit(_: int, app: Any = app, together: Any = together) -> str:
            together.wait(10)
            return Client(app, base_url=SITE).get("/who", headers={"Cookie": cookie}).text

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(visit, range(8))) == {"ann"}
        app.guard.close()


async def test_tasks_that_come_first_together_agree(tmp_path: Path) -> None:
    store = AsyncAgreeing(AsyncSQLiteStore(tmp_path / "sessions.db"), policy(tmp_path), FrozenClock())
    assert await asyncio.gather(*(store.load("nobody") for _ in range(8))) == [None] * 8
    await store.close()


# --- who does not


DIFFERENT: Final = {"cookies": {"same_site": "Strict"}}


@BOTH
def test_who_differs_turns_sessions_away_serves_strangers_and_says_why_once(
    tmp_path: Path, interface: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RB-01: the others' sessions stay as they are"""
    home = served("wsgi", policy(tmp_path))
    cookie = {"Cookie": f"__Host-id={sign_in(home)}"}
    stranger = served(interface, policy(tmp_path, **DIFFERENT))
    with caplog.at_level(logging.ERROR, "secmw"):
        for _ in range(3):
            refused = stranger.get("/who", headers=cookie)
            assert (refused.status, refused.all("Set-Cookie")) == (503, [])
            assert stranger.get("/").status == 200
            assert stranger.get("/in").status == 503
    said = [entry.getMessage() for entry in caplog.records if "cookies.same_site" in entry.getMessage()]
    assert len(said) == 1
    assert "'Strict'" in said[0]
    assert "'Lax'" in said[0]
    assert home.get("/who").text == "ann"


@BOTH
def test_who_has_no_key_in_common_signs_nobody_in(tmp_path: Path, interface: str) -> None:
    cookie = {"Cookie": f"__Host-id={sign_in(served('wsgi', policy(tmp_path)))}"}
    other = served(interface, policy(tmp_path, secret_keys=[new_key()]))
    assert other.get("/who", headers=cookie).status == 503


@BOTH
def test_who_seals_does_not_end_the_sessions_of_those_who_do_not(tmp_path: Path, interface: str) -> None:
    home = served("wsgi", policy(tmp_path))
    cookie = {"Cookie": f"__Host-id={sign_in(home)}"}
    other = served(interface, policy(tmp_path, sessions=Sessions(seal=True)))
    assert other.get("/who", headers=cookie).status == 503
    assert home.get("/who").text == "ann"


@BOTH
def test_who_seals_with_no_key_in_common_does_not_end_the_sessions_of_others(
    tmp_path: Path, interface: str
) -> None:
    seals = Sessions(seal=True)
    home = served("wsgi", policy(tmp_path, sessions=seals))
    cookie = {"Cookie": f"__Host-id={sign_in(home)}"}
    other = served(interface, policy(tmp_path, sessions=seals, secret_keys=[new_key()]))
    assert other.get("/who", headers=cookie).status == 503
    assert home.get("/who").text == "ann"


@BOTH
def test_after_the_others_gave_way_it_heals_by_itself(tmp_path: Path, interface: str) -> None:
    clock = FrozenClock(1_750_000_000.0)
    home = served("wsgi", policy(tmp_path), clock=clock)
    cookie = {"Cookie": f"__Host-id={sign_in(home)}"}
    other = served(interface, policy(tmp_path, **DIFFERENT), clock=clock)
    assert other.get("/who", headers=cookie).status == 503
    store = SQLiteStore(tmp_path / "sessions.db")
    write = agreement.forget(store.load(KEPT_UNDER), clock.now())
    assert write is not None
    store.write(write)
    assert other.get("/who", headers=cookie).status == 503
    clock.move(20)
    assert other.get("/who", headers=cookie).text == "ann"
    assert agreed(tmp_path).settings["cookies.same_site"] == "'Strict'"


def test_a_store_that_is_away_is_asked_again_with_the_next_request(tmp_path: Path) -> None:
    class Away(SQLiteStore):
        away = True

        def load(self, selector: str) -> Any:
            if self.away:
                raise StoreError("away")
            return super().load(selector)

    store = Away(tmp_path / "sessions.db")
    client = served("wsgi", policy(tmp_path), store=store)
    assert client.get("/in").status == 503
    store.away = False
    assert client.get("/in").status == 200


def test_a_developer_may_change_the_cookie(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    where = {"store": f"sqlite:///{tmp_path}/sessions.db", "trail": "memory://", "secret_keys": [KEY]}
    for same_site in ("Lax", "Strict"):
        made = Policy.development(**where, cookies={"secure": False, "same_site": same_site})
        client = Client(secmw.wsgi.Middleware(wsgi_app, made), base_url="http://localhost")
        assert client.get("/in").status == 200
        assert agreed(tmp_path).settings["cookies.same_site"] == repr(same_site)
    assert "cookies.same_site" in caplog.text


# --- at start-up


async def lifespan(app: Any) -> list[Any]:
    told = iter(("lifespan.startup", "lifespan.shutdown"))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": next(told)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    return sent


async def test_an_application_that_agrees_starts_and_stops_as_without_us(tmp_path: Path) -> None:
    sent = await lifespan(secmw.asgi.Middleware(asgi_app, policy(tmp_path)))
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert agreed(tmp_path) == agreement.terms(policy(tmp_path))


async def test_an_application_that_differs_does_not_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await lifespan(secmw.asgi.Middleware(asgi_app, policy(tmp_path)))
    (failed,) = await lifespan(secmw.asgi.Middleware(asgi_app, policy(tmp_path, **DIFFERENT)))
    assert failed["type"] == "lifespan.startup.failed"
    assert "cookies.same_site = 'Strict'" in failed["message"]
    assert failed["message"] in caplog.text


async def test_an_application_starts_while_its_store_is_away(tmp_path: Path) -> None:
    """RB-01"""

    class Away(AsyncSQLiteStore):
        async def load(self, selector: str) -> Any:
            raise StoreError("away")

    made = policy(tmp_path)
    sent = await lifespan(secmw.asgi.Middleware(asgi_app, made, store=Away(tmp_path / "sessions.db")))
    assert sent[0] == {"type": "lifespan.startup.complete"}


async def test_an_application_that_knows_no_lifespan_fails_at_it_as_before(tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError(scope["type"])

    with pytest.raises(NotImplementedError):
        await lifespan(secmw.asgi.Middleware(app, policy(tmp_path)))


def test_it_is_said_as_any_other_problem_of_a_policy(tmp_path: Path) -> None:
    clock = FrozenClock()
    store = SQLiteStore(tmp_path / "sessions.db")
    Agreeing(store, policy(tmp_path), clock).agree()
    other = policy(tmp_path, **DIFFERENT, secret_keys=[new_key()])
    with pytest.raises(ConfigError, match="2 problems"):
        Agreeing(store, other, clock).agree()
    store.close()


# --- wherever it is kept


@pytest.mark.server
@pytest.mark.parametrize("kind", ["redis", "cluster", "postgresql", "mariadb"])
async def test_every_store_that_processes_share_keeps_it_for_good(tmp_path: Path, kind: Kind) -> None:
    """The times of a session are none of it: no sweep removes it."""
    with shared(kind) as server:
        first, clock = policy(tmp_path, store=server.url), FrozenClock()
        later = policy(tmp_path, store=server.url, secret_keys=[KEY, new_key()])
        store = open_store(server.url)
        awaited = open_store(server.url, asynchronous=True, clock=clock)
        try:
            Agreeing(store, first, clock).agree()
            await AsyncAgreeing(awaited, later, clock).agree()
            assert store.sweep(clock.now() + 10 * 365 * 86_400, 1000) == 0
            found = store.load(KEPT_UNDER)
            assert isinstance(found, Record)
            assert agreement.read(found) == Terms(
                settings=agreement.terms(later).settings, keys=tuple(sorted(agreement.terms(later).keys))
            )
            for other in (policy(tmp_path, **DIFFERENT), policy(tmp_path, secret_keys=[new_key()])):
                with pytest.raises(ConfigError):
                    await AsyncAgreeing(awaited, other, clock).agree()
                with pytest.raises(ConfigError):
                    Agreeing(store, other, clock).agree()
            assert store.load(KEPT_UNDER) == found
            write = agreement.forget(found, clock.now())
            assert write is not None
            store.write(write)
            await AsyncAgreeing(awaited, policy(tmp_path, **DIFFERENT), clock).agree()
        finally:
            store.close()
            await awaited.close()

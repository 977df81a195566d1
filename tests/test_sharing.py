"""One middleware serves many requests at once: threads share it, and none holds up an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.testing import Client

SITE: Final = "https://app.example.org"
THREADS: Final = 8
TURNS: Final = 40


def policy() -> Policy:
    return Policy.recommended(
        secret_keys=["AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="], public_url=SITE, sessions=None
    )


def wsgi_page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    exchange = environ["secmw"]
    text = exchange.xsrf_token() if exchange.method == "GET" else exchange.path
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Path", exchange.path)])
    return [text.encode()]


async def asgi_page(scope: Any, receive: Any, send: Any) -> None:
    exchange = scope["secmw"]
    body = exchange.xsrf_token() if exchange.method == "GET" else exchange.path
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})


def test_threads_share_a_middleware_and_nothing_of_a_request() -> None:
    """RB-06."""
    app = secmw.wsgi.Middleware(wsgi_page, policy())
    together = threading.Barrier(THREADS)

    def visit(number: int) -> set[str]:
        client = Client(app, base_url=SITE)
        together.wait(20)
        visits = set()
        for turn in range(TURNS):
            path = f"/{number}/{turn}"
            token = client.get(path).text
            answer = client.post(path, headers={"X-XSRF-TOKEN": token})
            assert (answer.status, answer.text, answer.header("X-Path")) == (200, path, path)
            visits.add(client.cookies["__Host-visit"].value)
        return visits

    with ThreadPoolExecutor(THREADS) as pool:
        visits = list(pool.map(visit, range(THREADS)))
    assert [len(found) for found in visits] == [1] * THREADS
    assert len(set().union(*visits)) == THREADS


def test_a_token_of_another_threads_visitor_is_refused() -> None:
    """RB-06."""
    app = secmw.wsgi.Middleware(wsgi_page, policy())
    one, other = Client(app, base_url=SITE), Client(app, base_url=SITE)
    tokens = [client.get("/").text for client in (one, other)]
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(
            lambda client, token: client.post("/", headers={"X-XSRF-TOKEN": token}).status,
            [one, other] * TURNS,
            tokens[::-1] * TURNS,
        )
        assert set(answers) == {403}


def test_no_request_holds_up_the_event_loop_for_a_millisecond() -> None:
    """RB-06: the fastest of many, since the machine may be busy; what a request needs is the same each time."""
    app = secmw.asgi.Middleware(asgi_page, policy())
    client = Client(app, base_url=SITE)
    token = client.get("/").text
    cookie = f"__Host-visit={client.cookies['__Host-visit'].value}"
    lines = [("host", "app.example.org"), ("cookie", cookie), ("x-xsrf-token", token), ("origin", SITE)]

    async def once() -> float:
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "https",
            "path": "/",
            "headers": [(name.encode(), value.encode()) for name, value in lines],
            "client": ("192.0.2.1", 40000),
        }
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        start = time.perf_counter()
        await app(scope, receive, send)
        taken = time.perf_counter() - start
        assert sent[0]["status"] == 200
        return taken

    async def fastest() -> float:
        return min([await once() for _ in range(200)])

    assert asyncio.run(fastest()) < 0.001

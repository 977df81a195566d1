from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from secmw.cli.bench.driving import Answer, AsgiDriver, Request, WsgiDriver, sent

ASKED = Request(
    method="POST",
    scheme="https",
    host="app.example.org",
    target="/caf%C3%A9?q=1",
    headers=(("x-one", "1"),),
    body=b"{}",
)


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    text = f"{scope['path']} {scope['query_string'].decode()} {message['body'].decode()}"
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"b")]})
    await send({"type": "http.response.body", "body": text.encode()})


def wsgi_app(environ: Any, start_response: Any) -> Any:
    path = environ["PATH_INFO"].encode("latin-1").decode()
    text = f"{path} {environ['QUERY_STRING']} {environ['wsgi.input'].read().decode()}"
    start_response("201 Created", [("X-A", "b")])
    return [text.encode()]


def test_an_asgi_application_is_asked_as_a_server_asks() -> None:
    with AsgiDriver() as driver:
        answer = driver.ask(asgi_app, driver.made(ASKED), ASKED.body)
    assert answer == Answer(201, (("x-a", "b"),), "/café q=1 {}".encode())
    assert answer.size == len("x-a: b\r\n")


def test_a_wsgi_application_is_asked_as_a_server_asks() -> None:
    with WsgiDriver() as driver:
        answer = driver.ask(wsgi_app, driver.made(ASKED), ASKED.body)
    assert answer == Answer(201, (("X-A", "b"),), "/café q=1 {}".encode())


def test_each_request_is_made_of_new_objects() -> None:
    """One that was used before has its hash cached, which flatters whatever looks for it."""
    with AsgiDriver() as driver:
        (one, *_), (other, *_) = (driver.made(ASKED)["headers"] for _ in range(2))
    assert one == other
    assert one[0] is not other[0]
    first, second = (WsgiDriver().made(ASKED) for _ in range(2))
    assert first["HTTP_HOST"] == second["HTTP_HOST"]
    assert first["HTTP_HOST"] is not second["HTTP_HOST"]


@pytest.mark.parametrize(("driver", "app"), [(AsgiDriver(), asgi_app), (WsgiDriver(), wsgi_app)])
def test_a_sample_says_how_long_each_took_and_what_it_answered(driver: Any, app: Any) -> None:
    with driver:
        took, statuses = driver.sample(app, [driver.made(ASKED) for _ in range(3)], ASKED.body)
    assert len(took) == 3
    assert min(took) > 0
    assert statuses == [201, 201, 201]


def test_the_garbage_collector_waits_for_the_end_of_a_sample() -> None:
    seen = []

    def app(environ: Any, start_response: Any) -> Any:
        seen.append(gc.isenabled())
        return wsgi_app(environ, start_response)

    driver = WsgiDriver()
    driver.sample(app, [driver.made(ASKED)], b"")
    assert seen == [False]
    assert gc.isenabled()


def test_the_body_of_a_wsgi_response_is_read_and_closed() -> None:
    done = []

    class Body:
        def __iter__(self) -> Any:
            yield b"a"
            done.append("read")

        def close(self) -> None:
            done.append("closed")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body()

    driver = WsgiDriver()
    driver.sample(app, [driver.made(ASKED)], b"")
    assert done == ["read", "closed"]


def test_an_application_is_started_and_stopped_on_the_loop_that_serves_it() -> None:
    loops = []
    told = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        loops.append(asyncio.get_running_loop())
        if scope["type"] == "lifespan":
            for what in ("startup", "shutdown"):
                await receive()
                told.append(what)
                await send({"type": f"lifespan.{what}.complete"})
            return
        told.append("request")
        await asgi_app(scope, receive, send)

    with AsgiDriver() as driver:
        driver.start(app)
        driver.ask(app, driver.made(ASKED), b"")
    assert told == ["startup", "request", "shutdown"]
    assert loops[0] is loops[1]


def test_whoever_waits_for_the_client_to_go_waits_until_it_has_its_answer() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        gone = asyncio.create_task(receive())
        await asyncio.sleep(0)
        assert not gone.done()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        assert (await gone)["type"] == "http.disconnect"

    with AsgiDriver() as driver:
        assert driver.ask(app, driver.made(ASKED), b"").status == 204


def test_the_host_comes_first_and_a_post_says_how_long_its_body_is() -> None:
    assert sent(ASKED) == [("host", "app.example.org"), ("x-one", "1"), ("content-length", "2")]

"""Bodies that take their time: when they begin, what they still write, and how they end."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path

import secmw.testing
from secmw.errors import SessionError
from secmw.outliving import ConnectionOverError
from secmw_django import conf
from tests.adapters.secmw_django.pages import HOST, over_asgi, project

HERE = "tests.adapters.secmw_django.test_streams"
FILE = Path(__file__)

DID: list[str] = []


def fails_at_once(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Broken())


class Broken:
    """Be a body that has no first piece."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        raise RuntimeError("on purpose")


def breaks_off(request: HttpRequest) -> StreamingHttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # what the middleware sets

    def body() -> Iterator[bytes]:
        yield b"one"
        session["lost"] = True
        raise RuntimeError("on purpose")

    return StreamingHttpResponse(body())


def begins_before_its_head(request: HttpRequest) -> StreamingHttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same

    def body() -> Iterator[bytes]:
        session["first"] = True
        yield b"one"

    return StreamingHttpResponse(body())


def file(_request: HttpRequest) -> FileResponse:
    return FileResponse(FILE.open("rb"))


def too_much(request: HttpRequest) -> StreamingHttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same
    session["all"] = []
    session["all"].append("x" * 100_000)  # which nobody notices before the response starts
    return StreamingHttpResponse(Closed())


def too_much_and_out(request: HttpRequest) -> HttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same
    session.logout()
    session["all"] = []
    session["all"].append("x" * 100_000)
    return HttpResponse("out")


class Closed:
    """Be a body that says when it is closed."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"one"])

    def close(self) -> None:
        DID.append("closed")


async def goes_on(request: HttpRequest) -> StreamingHttpResponse:
    """Go on until somebody ends it."""
    request.secmw.session.get("user")  # type: ignore[attr-defined] # the same

    async def body() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b"."
            await asyncio.sleep(0.01)

    return StreamingHttpResponse(body())


def sign_in(request: HttpRequest) -> HttpResponse:
    request.secmw.session.login("42")  # type: ignore[attr-defined] # the same
    return HttpResponse("in")


async def signs_out_and_waits(request: HttpRequest) -> HttpResponse:
    session = request.secmw.session  # type: ignore[attr-defined] # the same
    session["lost"] = True
    session.logout()
    await asyncio.sleep(60)
    return HttpResponse("never")


def data(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join(request.secmw.session))  # type: ignore[attr-defined] # the same


urlpatterns = [
    path("fails", fails_at_once),
    path("breaks", breaks_off),
    path("begins", begins_before_its_head),
    path("file", file),
    path("too-much", too_much),
    path("too-much-and-out", too_much_and_out),
    path("goes-on", goes_on),
    path("in", sign_in),
    path("signs-out", signs_out_and_waits),
    path("data", data),
]


@pytest.fixture
def client() -> Iterator[secmw.testing.Client]:
    with project(ROOT_URLCONF=HERE):
        yield secmw.testing.Client(WSGIHandler(), base_url=f"https://{HOST}")


def test_a_body_that_fails_at_once_is_a_failed_request(client: secmw.testing.Client) -> None:
    """Half a head would have been sent, and a server would have to say something without our headers."""
    response = client.get("/fails")
    assert (response.status, response.header("X-Frame-Options")) == (500, "DENY")


def test_what_a_body_does_with_its_first_piece_goes_with_the_head(client: secmw.testing.Client) -> None:
    response = client.get("/begins")
    assert (response.text, response.status) == ("one", 200)
    assert [line.partition("=")[0] for line in response.all("Set-Cookie")] == ["__Host-id"]
    assert client.get("/data").text == "first"


def test_a_session_that_is_too_large_is_signed_out_all_the_same() -> None:
    """Even where Django passes the error on, and nobody is answered. (SE-08)"""
    with project(ROOT_URLCONF=HERE, DEBUG_PROPAGATE_EXCEPTIONS=True):
        client = secmw.testing.Client(WSGIHandler(), base_url=f"https://{HOST}")
        client.get("/in")
        with pytest.raises(SessionError):
            client.get("/too-much-and-out")
        store: Any = conf.store()
        assert store.of_user("42") == []


def test_a_body_that_breaks_off_changes_nothing(client: secmw.testing.Client) -> None:
    client.get("/begins")
    assert client.get("/breaks").error is not None
    assert client.get("/data").text == "first"


def test_a_file_is_sent_by_the_server_where_it_can() -> None:
    with project(ROOT_URLCONF=HERE):
        wrapped: list[Any] = []

        def file_wrapper(file: Any, size: int) -> Any:
            wrapped.append(size)
            with file:
                return [file.read()]

        environ = Client()._base_environ(PATH_INFO="/file", **{"wsgi.url_scheme": "https"})  # type: ignore[attr-defined] # Django's own tests use it
        environ |= {"HTTP_HOST": HOST, "wsgi.file_wrapper": file_wrapper}
        started: list[Any] = []
        handler: Any = WSGIHandler()
        body = handler(environ, lambda status, headers: started.append((status, dict(headers))))
        assert b"".join(body) == FILE.read_bytes()
        assert (started[0][0], started[0][1]["X-Frame-Options"], len(wrapped)) == ("200 OK", "DENY", 1)


def test_a_body_that_another_answer_replaces_is_closed(client: secmw.testing.Client) -> None:
    DID.clear()
    assert client.get("/too-much").status == 500
    assert DID == ["closed"]


def test_a_stream_ends_with_its_session() -> None:
    """Somebody who was signed out elsewhere reads no further. (RP-03)"""
    policy = {"sessions": {"recheck": 0.1}}
    with project(ROOT_URLCONF=HERE, SECMW=policy):
        app = ASGIHandler()
        head = over_asgi(app, "/in")[0]["headers"]
        line = next(value for name, value in head if value.startswith(b"__Host-id="))
        cookie = line.partition(b";")[0]
        sent: list[Any] = []
        told = ""

        async def ended_meanwhile(scope: Any, receive: Any, send: Any) -> None:
            async def watched(message: Any) -> None:
                sent.append(message)
                if len(sent) == 3:
                    store: Any = conf.store()
                    store.end_all("42")
                await send(message)

            await app(scope, receive, watched)

        with warnings.catch_warnings():
            # Django leaves the file open that it has put the body into.
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                over_asgi(ended_meanwhile, "/goes-on", headers=[(b"cookie", cookie)])
            except ConnectionOverError as error:
                told = str(error)
            gc.collect()
        assert "session" in told
        assert 3 < len(sent) < 400
        assert sent[-1]["more_body"]


def test_who_leaves_while_a_view_signs_them_out_is_signed_out() -> None:
    """A request that is cancelled has failed, and an ending is carried out whatever becomes of its request. (SE-08)"""
    with project(ROOT_URLCONF=HERE):
        app = ASGIHandler()
        head = over_asgi(app, "/in")[0]["headers"]
        line = next(value for name, value in head if value.startswith(b"__Host-id="))
        cookie = line.partition(b";")[0]

        async def left(scope: Any, receive: Any, send: Any) -> None:
            came: list[Any] = []

            async def leaving() -> Any:
                if came:
                    await asyncio.sleep(0.05)
                    return {"type": "http.disconnect"}
                came.append(await receive())
                return came[0]

            await app(scope, leaving, send)

        assert over_asgi(left, "/signs-out", headers=[(b"cookie", cookie)]) == []
        store: Any = conf.store()
        assert store.of_user("42") == []

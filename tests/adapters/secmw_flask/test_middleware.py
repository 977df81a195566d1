from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, Response, after_this_request, send_file, session, stream_with_context
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import ClosingIterator

from secmw_flask.middleware import whole
from tests.adapters.secmw_flask.apps import application, client_of, relaxed

#: What happened, in order, of the request of one test.
Told = list[str]
View = Callable[[Told], Any]


class Closing(list[bytes]):
    """Be chunks that want to be told of their end."""

    def __init__(self, told: Told) -> None:
        super().__init__([b"one", b"two"])
        self.told = told

    def close(self) -> None:
        self.told.append("chunks closed")


class Ends(Response):
    """Be a response with an end of its own."""

    told: Told

    def close(self) -> None:
        super().close()
        self.told.append("response closed")


class Encodes(Response):
    """Be a response with chunks of its own."""

    def iter_encoded(self) -> Iterator[bytes]:
        yield b"encoded"


class Wraps(Response):
    """Be a response with a body of its own."""

    def get_app_iter(self, environ: Any) -> Iterable[bytes]:
        return ClosingIterator([b"wrapped"], super().get_app_iter(environ).close)  # type: ignore[attr-defined]


def closed(told: Told) -> Response:
    response = Response("closed")
    response.call_on_close(lambda: told.append("told of the close"))
    return response


def closed_afterwards(told: Told) -> str:
    @after_this_request
    def tell(response: Response) -> Response:
        response.call_on_close(lambda: told.append("told of the close"))
        return response

    return "closed"


def chunks(told: Told) -> Iterator[str]:
    try:
        yield "one"
        told.append("between")
        yield "two"
    finally:
        told.append("chunks closed")


def in_context(told: Told) -> Response:
    def within() -> Iterator[str]:
        yield str(session.get("a"))
        yield from chunks(told)

    return Response(stream_with_context(within()))


def made_a_sequence(told: Told) -> Response:
    class Feed:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one", b"two"])

        def close(self) -> None:
            told.append("feed closed")

    response = Response(Feed())
    response.make_sequence()
    return response


def own_end(told: Told) -> Response:
    response = Ends("own end")
    response.told = told
    return response


def patched_end(told: Told) -> Response:
    response = Response("patched")
    response.close = lambda: told.append("patched close")  # type: ignore[method-assign]
    return response


VIEWS: dict[str, View] = {
    "text": lambda _: "text",
    "JSON": lambda _: {"a": 1},
    "pieces": lambda _: Response(["a", "ü"]),
    "a tuple": lambda _: Response(("a", "b")),
    "nothing": lambda _: Response(),
    "no content": lambda _: ("", 204),
    "not modified": lambda _: ("text", 304),
    "a stream": lambda told: Response(chunks(told)),
    "a stream with the context": in_context,
    "a file": lambda _: send_file(BytesIO(b"file"), mimetype="text/plain"),
    "a list that is told of its end": lambda told: Response(Closing(told)),
    "a generator that was made a list": made_a_sequence,
    "who asked to be told": closed,
    "who asked to be told after the view": closed_afterwards,
    "an end of its own": own_end,
    "an end that was put in its place": patched_end,
    "chunks of its own": lambda _: Encodes("not this"),
    "a body of its own": lambda _: Wraps("not this"),
}


def started(*_: Any) -> Callable[[bytes], object]:
    return bytes


def played(app: Flask, view: View, method: str) -> Told:
    """Ask an application as a server does, and return what was sent and what happened, in order."""
    told: Told = []
    environ = EnvironBuilder(base_url="http://localhost", method=method).get_environ()
    body = site(app, view, told)(environ, started)
    for chunk in body:
        told.append(f"sent {chunk!r}")
    told.append("sent")
    if hasattr(body, "close"):
        body.close()
    return told


def site(app: Flask, view: View, told: Told) -> Flask:
    app.config["SECRET_KEY"] = "of no use but to Flask's own sessions"
    app.add_url_rule("/", "home", lambda: view(told))
    app.teardown_request(lambda _: told.append("torn down"))
    return app


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", VIEWS)
def test_a_response_is_sent_and_ends_as_it_does_without_us(kind: str, method: str) -> None:
    alone, behind = played(Flask("shop"), VIEWS[kind], method), played(application(), VIEWS[kind], method)
    assert behind == alone
    assert "torn down" in behind


@pytest.mark.parametrize("kind", ["text", "JSON", "pieces", "nothing"])
def test_chunks_that_are_all_there_become_a_list(kind: str) -> None:
    # Fails where another Werkzeug makes its bodies otherwise: then everything still works, and takes longer.
    app = site(Flask("shop"), VIEWS[kind], [])
    body = app(EnvironBuilder().get_environ(), started)
    assert type(body) is ClosingIterator
    assert type(whole(body)) is list


def test_a_body_of_another_werkzeug_stays_as_it_is() -> None:
    body = ClosingIterator(Response("text").iter_encoded(), lambda: None)
    del body._callbacks
    assert whole(body) is body


@pytest.mark.parametrize("more", [0, 1, 2])
def test_a_body_somebody_else_wants_to_end_stays_as_it_is(more: int) -> None:
    told: Told = []
    response = AnyResponse("text")
    ends: list[Callable[[], None]] = [response.close, lambda: told.append("cleaned up")]
    body = ClosingIterator(response.iter_encoded(), [*ends[:more], ends[1], *ends[: 2 - more]])
    same = whole(body)
    assert list(same) == [b"text"]
    same.close()  # type: ignore[attr-defined]
    assert "cleaned up" in told


def test_a_stream_that_ends_with_a_response_of_flasks_stays_one() -> None:
    body = ClosingIterator((chunk.encode() for chunk in chunks([])), Response("text").close)
    assert whole(body) is body


def test_what_a_teardown_puts_into_the_session_is_written() -> None:
    app = application(relaxed())
    app.add_url_rule("/", "home", lambda: "home")

    @app.teardown_request
    def remember(_: BaseException | None) -> None:
        session["seen"] = True

    client = client_of(app)
    assert client.get("/").text == "home"
    with client.session_transaction() as after:
        assert after["seen"] is True


def test_an_async_view_is_sent_like_any_other() -> None:
    app = application()

    @app.get("/")
    async def home() -> str:
        session["seen"] = True
        return "home"

    client = client_of(app)
    assert client.get("/").text == "home"
    with client.session_transaction() as after:
        assert after["seen"] is True


def test_a_client_that_keeps_the_context_sees_the_session_of_the_request() -> None:
    app = site(application(), lambda _: str(session.setdefault("seen", 1)), [])
    with app.test_client() as client:
        assert client.get("/").text == "1"
        assert session["seen"] == 1


def test_an_error_of_a_chunk_that_is_there_is_seen_by_whoever_tests() -> None:
    class Broken(str):
        __slots__ = ()

        def encode(self, *_: Any) -> bytes:
            raise ZeroDivisionError

    app = application()
    app.testing = True
    app.add_url_rule("/", "home", lambda: Response([Broken()]))
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")

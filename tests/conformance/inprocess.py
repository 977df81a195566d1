"""Speak to an application in process, through the client that secmw offers its users."""

from __future__ import annotations

import asyncio
import io
import logging
import warnings
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from wsgiref.validate import WSGIWarning

from asgiref.sync import ThreadSensitiveContext

from secmw.testing import Client, Response, WebSocketResult
from tests.conformance.client import Headers, Host, Sent, Site
from tests.conformance.doing import MEANWHILE
from tests.conformance.policies import HOST

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack

logging.getLogger("secmw").addHandler(logging.NullHandler())


class InProcess(Site):
    """Be a site whose application runs right here; WSGI, where wanted, with the standard library's validator around it."""

    def __init__(self, stack: Stack, name: str, app: Any, **settings: Any) -> None:
        super().__init__(stack, name)
        self.app = app
        self._clients = {
            scheme: Client(app, base_url=f"{scheme}://{HOST}", interface=stack.interface, **settings)
            for scheme in ("https", "http")
        }
        # One event loop for all requests of a client, as on a server.
        for client in self._clients.values():
            client.__enter__()

    def close(self) -> None:
        for client in self._clients.values():
            client.__exit__(None, None, None)

    def send(self, sent: Sent) -> Response:
        client = self._clients[sent.scheme]
        client.cookies.clear()
        lines = with_host(sent.headers, sent.host)
        with warnings.catch_warnings():
            # The validator knows eight methods; there are more.
            warnings.filterwarnings("ignore", "Unknown REQUEST_METHOD", WSGIWarning)
            return client.request(sent.method, sent.target, headers=lines, body=sent.body, browser=False)

    def open(self, sent: Sent, subprotocols: Sequence[str], messages: Sequence[str]) -> WebSocketResult:
        client = self._clients[sent.scheme]
        client.cookies.clear()
        lines = with_host(sent.headers, sent.host)
        if self.stack.interface == "wsgi":
            upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            answer = client.request("GET", sent.target, headers=[*lines, *upgrade], browser=False)
            return WebSocketResult(answer.status, answer.headers, answer.body)
        return client.websocket(
            sent.target,
            headers=lines,
            origin=None,
            subprotocols=subprotocols,
            send=messages,
            replies=1 + len(messages),
        )

    def sequence(self, requests: Sequence[Sent]) -> list[Response]:
        if self.stack.interface == "wsgi":
            return [self._run(sent) for sent in requests]

        async def one_by_one() -> list[Response]:
            # One thread for what Django can't await, not one for each request: more could be left in it, and it is quicker.
            async with ThreadSensitiveContext():
                return [await self._get(str(sent.target), sent.headers) for sent in requests]

        return asyncio.run(one_by_one())

    def _run(self, sent: Sent) -> Response:
        more: dict[str, Any] = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.headers
        }
        more |= {"REQUEST_METHOD": sent.method, "wsgi.input": io.BytesIO(sent.body)}
        if sent.method == "POST":
            more["CONTENT_LENGTH"] = str(len(sent.body))
        status, headers, body = run_wsgi(self.app, environ(str(sent.target), **more))
        return Response(int(status[:3]), headers, body)

    def during(self, outer: Sent, *inner: Sent) -> tuple[Response, list[Response]]:
        """Send a request whose application takes the step `meanwhile`; there the others run, from beginning to end."""
        answers: list[Response] = []

        def happens() -> None:
            answers.extend(self._run(sent) for sent in inner)

        async def happens_too() -> None:
            for sent in inner:
                answers.append(await self._converse(sent))  # noqa: PERF401 - one after another

        wsgi = self.stack.interface == "wsgi"
        MEANWHILE["now"] = happens if wsgi else happens_too
        response = self._run(outer) if wsgi else asyncio.run(self._converse(outer))
        assert len(answers) == len(inner), "nothing happened meanwhile"
        return response, answers

    def burst(self, target: str, count: int) -> list[Response]:
        if self.stack.interface == "wsgi":
            with ThreadPoolExecutor(8) as pool:
                return list(pool.map(lambda _: self._clients["https"].get(target), range(count)))

        async def all_at_once() -> list[Response]:
            return await asyncio.gather(*(self._get(target) for _ in range(count)))

        return asyncio.run(all_at_once())

    async def _get(self, target: str, headers: Headers = ()) -> Response:
        return await self._converse(Sent(target=target, headers=headers))

    async def _converse(self, sent: Sent) -> Response:
        conversation = Conversation(
            str(sent.target), headers=sent.headers, method=sent.method, content=sent.body
        )
        await self.app(conversation.scope, conversation.receive, conversation.send)
        return conversation.response()

    def leave_early(self, target: str) -> bytes:
        if self.stack.interface == "asgi":
            conversation = Conversation(target, leaves_after=1)
            asyncio.run(self.app(conversation.scope, conversation.receive, conversation.send))
            return conversation.body
        body = self.app(environ(target), lambda *_: lambda _: None)
        try:
            first: bytes = next(iter(body))
            return first
        finally:
            body.close()


def with_host(headers: Headers, host: Host) -> list[tuple[str, str | None]]:
    """Put the Host lines first: none, one, or as many as a test likes."""
    hosts: Sequence[str | None] = [host] if host is None or isinstance(host, str) else host
    return [*(("Host", value) for value in hosts), *headers]


class Conversation:
    """Be a server's side of one ASGI request that can be left; looser than the client, and built for many at once."""

    def __init__(
        self,
        target: str,
        *,
        leaves_after: int | None = None,
        headers: Headers = (),
        method: str = "GET",
        content: bytes = b"",
    ) -> None:
        path, _, query = target.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", HOST.encode()),
                *((name.lower().encode(), value.encode("latin-1")) for name, value in headers),
            ],
            "client": ("127.0.0.1", 50_000),
            "server": (HOST, 443),
        }
        self.messages: list[dict[str, Any]] = []
        self.body = b""
        self._content = content
        self._asked = False
        self._leaves_after = leaves_after
        self._gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._content, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(dict(message))
        self.body += message.get("body", b"")
        if self._leaves_after is not None and len(self.messages) > self._leaves_after:
            self._gone.set()
        await asyncio.sleep(0)

    def response(self) -> Response:
        """Return the response that the messages make."""
        start = self.messages[0]
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return Response(start["status"], headers, self.body)


def environ(target: str, **more: Any) -> dict[str, Any]:
    """Make the environ of a plain GET."""
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": HOST,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **more,
    }


def run_wsgi(
    app: Callable[..., Iterable[bytes]], given: dict[str, Any]
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Run a WSGI application once, the way a server does: close() whatever happens."""
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        started[:] = [status, headers]
        return written.append

    body = app(given, start_response)
    try:
        whole = b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return started[0], started[1], b"".join(written) + whole

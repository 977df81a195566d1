"""The requests and applications every benchmark measures, made fresh for each call.

Header names and values are new objects each time, as a server's parser makes them: a reused bytes object has its hash
cached, which would flatter every variant that looks names up.
"""

# ruff: noqa: ARG001
# What takes no notice of its arguments has to take them all the same: ASGI and PEP 3333 say so.

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from secmw.asgi import Message, Receive, Scope, Send

#: What a browser sends with a navigation: eleven fields.
BROWSER = (
    (b"host", b"app.example.org"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    (b"accept-language", b"en-US,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"connection", b"keep-alive"),
    (b"upgrade-insecure-requests", b"1"),
    (b"sec-fetch-dest", b"document"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-site", b"same-origin"),
    (b"priority", b"u=0, i"),
)

FOREIGN_COOKIES = b"_ga=GA1.1.1234567890.1700000000; theme=dark; consent=yes-2026"

RESPONSE_HEADERS = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"2"))


Headers = tuple[tuple[bytes, bytes], ...]


def with_cookie(cookie: str) -> Headers:
    """Return the twelve fields of a navigation with a cookie of ours behind three foreign ones."""
    return (*BROWSER, (b"cookie", FOREIGN_COOKIES + b"; " + cookie.encode()))


def post_headers(cookie: str, token: str) -> Headers:
    """Return the seventeen fields of a POST by fetch() that carries its token, and the cookie the token belongs to."""
    return (
        *BROWSER,
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"origin", b"https://app.example.org"),
        (b"referer", b"https://app.example.org/cart"),
        (b"cookie", FOREIGN_COOKIES + b"; " + cookie.encode()),
        (b"x-xsrf-token", token.encode()),
    )


def _fresh(data: bytes) -> bytes:
    return bytes(bytearray(data))


def scope(method: str, headers: Iterable[tuple[bytes, bytes]], path: str = "/cart") -> Scope:
    """Make the scope of one request as uvicorn does."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "https",
        "method": method,
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(_fresh(name), _fresh(value)) for name, value in headers],
        "state": {},
    }


def environ(method: str, headers: Iterable[tuple[bytes, bytes]], path: str = "/cart") -> dict[str, Any]:
    """Make the environ of one request as gunicorn does."""
    found: dict[str, Any] = {
        "wsgi.errors": None,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": None,
        "wsgi.input_terminated": True,
        "wsgi.input": BytesIO(b"{}" if method == "POST" else b""),
        "wsgi.url_scheme": "https",
        "SERVER_SOFTWARE": "gunicorn/27.0.1",
        "gunicorn.socket": None,
        "REQUEST_METHOD": method,
        "QUERY_STRING": "",
        "RAW_URI": path,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
    }
    for name, value in headers:
        key = name.decode().upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        found[key] = value.decode()
    return found


#: The proxy that :func:`relayed` stands for, and what it says of a request.
PROXY = "10.0.0.1"
SAID = (
    (b"x-forwarded-for", b"192.0.2.7"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"app.example.org"),
)


def relayed(request: Any, *, asgi: bool) -> Any:
    """Have a request come over plain HTTP from a proxy that says who the client is, and that it came over HTTPS."""
    if asgi:
        request["scheme"], request["client"] = "http", (PROXY, 50000)
        request["headers"] += [(_fresh(name), _fresh(value)) for name, value in SAID]
    else:
        request["wsgi.url_scheme"], request["REMOTE_ADDR"] = "http", PROXY
        for name, value in SAID:
            request[f"HTTP_{name.decode().upper().replace('-', '_')}"] = value.decode()
    return request


async def receive() -> Message:
    """Give the body of a POST, all at once."""
    return {"type": "http.request", "body": b"{}", "more_body": False}


async def asgi_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with one start and one body message."""
    await send({"type": "http.response.start", "status": 200, "headers": list(RESPONSE_HEADERS)})
    await send({"type": "http.response.body", "body": b"ok"})


_WSGI_HEADERS = [(name.decode().title(), value.decode()) for name, value in RESPONSE_HEADERS]


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with one chunk."""
    start_response("200 OK", list(_WSGI_HEADERS))
    return [b"ok"]

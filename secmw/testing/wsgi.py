"""Drive a WSGI application in process, as strictly as PEP 3333 allows a server to be."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from secmw.testing.response import ProtocolError, Response
from secmw.testing.wire import App, Request, check_length, check_line

_STATUS: Final = re.compile(r"[1-5][0-9][0-9] [^\r\n\0]*")

# RFC 2616 section 13.5.1: these are the server's own business, so PEP 3333 forbids them.
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization"}
    | {"te", "trailers", "transfer-encoding", "upgrade"}
)


def environ_of(request: Request) -> dict[str, Any]:
    """Make the environ of a request; ``RAW_URI`` and ``REQUEST_URI`` hold the target as it was sent."""
    target = request.target.decode("latin-1")
    root = request.root_path.rstrip("/")
    path = unquote_to_bytes(request.path).decode("latin-1")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        path = path[len(root) :]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": root,
        "PATH_INFO": path,
        "QUERY_STRING": request.query.decode("latin-1"),
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_NAME": request.server[0],
        "SERVER_PORT": str(request.server[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if request.peer is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = request.peer[0], str(request.peer[1])
    for name, value in request.headers:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


class _Answer:
    """Collect a response: the ``start_response`` of one request, and the ``write`` it returns."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []
        #: The head leaves with the first byte of the body, and not before.
        self.sent = False
        self.fault: ProtocolError | None = None

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[object], None]:
        try:
            self._check(status, headers, exc_info)
            if exc_info is not None and self.sent:
                raise exc_info[1].with_traceback(exc_info[2])
        except ProtocolError as fault:
            # Kept as well, because an application may swallow it.
            self.fault = self.fault or fault
            raise
        finally:
            exc_info = None  # breaks the cycle through the traceback's frames
        self.status = int(status[:3])
        self.headers = list(headers)
        return self.write

    def write(self, data: object) -> None:
        if not isinstance(data, bytes):
            self.fault = self.fault or ProtocolError(f"the body must be bytes, not {data!r}")
            raise self.fault
        if not self.status:
            self.fault = self.fault or ProtocolError("the body began before start_response was called")
            raise self.fault
        self.chunks.append(data)
        self.sent = self.sent or data != b""

    def _check(self, status: object, headers: object, exc_info: Any) -> None:
        if self.status and exc_info is None:
            raise ProtocolError("start_response was called twice without exc_info")
        if not isinstance(status, str) or not _STATUS.fullmatch(status):
            raise ProtocolError(f"the status must be a str like '200 OK', not {status!r}")
        if type(headers) is not list:
            raise ProtocolError(f"the headers must be a list, not {headers!r}")
        for line in headers:
            if type(line) is not tuple or len(line) != 2 or not all(type(text) is str for text in line):
                raise ProtocolError(f"a header must be a tuple of two str, not {line!r}")
            name, value = line
            check_line(name, value, "start_response")
            if not value.isascii() and max(value) > "\xff":
                raise ProtocolError(f"the value of {name} has characters outside latin-1: {value!r}")
            if name.lower() in _HOP_BY_HOP:
                raise ProtocolError(f"{name} belongs to the server")


def http(app: App, request: Request, *, validate: bool) -> Response:
    """Send one request and return the response; as :meth:`secmw.testing.Client.request` says."""
    if validate:
        from wsgiref.validate import validator

        app = validator(app)
    answer = _Answer()
    error: Exception | None = None
    body: Iterable[bytes] | None = None
    try:
        try:
            body = app(environ_of(request), answer.start)
            if isinstance(body, bytes | str) or not isinstance(body, Iterable):
                answer.fault = answer.fault or ProtocolError(
                    f"the body must be an iterable of bytes, not {body!r}"
                )
            else:
                for chunk in body:
                    answer.write(chunk)
                # A head without a body leaves when the body has ended.
                answer.sent = answer.status != 0
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
    except Exception as raised:  # noqa: BLE001 - whatever an application raises is what the test wants to see
        error = raised
    if answer.fault is not None:
        raise answer.fault
    if error is not None and (not answer.sent or (validate and isinstance(error, AssertionError))):
        raise error
    if not answer.status:
        raise ProtocolError("the application returned without calling start_response")
    whole = b"".join(answer.chunks)
    if error is None:
        check_length(request.method, answer.status, answer.headers, whole)
    return Response(answer.status, answer.headers, b"" if request.method == "HEAD" else whole, error)

"""A bare WSGI application under a policy. Run it: waitress-serve --listen=127.0.0.1:8000 hello_wsgi:app"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import secmw


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello, " + environ["secmw"].host.encode()]


app = secmw.wsgi.Middleware(hello, secmw.Policy.development(sessions=None))

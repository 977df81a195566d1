"""Fused: one closure that looks at a request's host, adds the policy's headers, and does nothing else; for comparison.

It is what a request costs in Python before there is an exchange for the application to talk to, a session, an answer in place of
an application that failed, or a head that can still be changed. Whatever is not an ordinary GET it hands to secmw itself, so that
it is as right as that. The loop over the headers stands in :mod:`secmw.asgi` too, and here once more: calling it would be measured.
"""

from __future__ import annotations

from typing import Any

import secmw.asgi
import secmw.wsgi
from secmw import Policy


class FusedAsgi:
    """Be that for ASGI."""

    def __init__(self, app: Any, policy: Policy) -> None:
        self.app = app
        self.whole = secmw.asgi.Middleware(app, policy)
        plans = self.whole.plans
        self.plans, self.marks, self.sites = plans.safe, plans.marks, plans.sites

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        host = cookie = None
        marks = self.marks
        for name, value in scope["headers"]:
            if name in marks:
                if name == b"host" and host is None:
                    host = value
                elif name == b"cookie" and cookie is None:
                    cookie = value
                else:
                    host = None
                    break
        site = self.sites[host]
        if (
            site.refusal is not None
            or not site.locks
            or scope["scheme"] != "https"
            or scope["method"] != "GET"
        ):
            await self.whole(scope, receive, send)
            return
        plan = self.plans[scope["path"]]
        lines, names = plan.locked.lines, plan.names

        def complete(message: Any) -> Any:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                for name, _ in headers:
                    if names[name]:
                        raise RuntimeError("this is about applications that send no header of ours")
                message = message.copy()
                message["headers"] = headers + lines
            return send(message)

        await self.app(scope, receive, complete)


class FusedWsgi:
    """Be that for WSGI."""

    def __init__(self, app: Any, policy: Policy) -> None:
        self.app = app
        self.whole = secmw.wsgi.Middleware(app, policy)
        plans = self.whole.plans
        self.plans, self.sites = plans.safe, plans.sites
        self.marks = plans.marks - {"HTTP_HOST", "HTTP_COOKIE"}

    def __call__(self, environ: Any, start_response: Any) -> Any:
        site = self.sites[environ.get("HTTP_HOST")]
        if (
            not self.marks.isdisjoint(environ)
            or site.refusal is not None
            or not site.locks
            or environ["wsgi.url_scheme"] != "https"
            or environ["REQUEST_METHOD"] != "GET"
        ):
            return self.whole(environ, start_response)
        plan = self.plans[environ["PATH_INFO"]]
        lines, names = plan.locked.lines, plan.names

        def complete(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            for name, _ in headers:
                if names[name]:
                    raise RuntimeError("this is about applications that send no header of ours")
            return start_response(status, headers + lines, exc_info)

        return self.app(environ, complete)

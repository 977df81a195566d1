"""Applications that servers run, and that ask a Redis in process: bare, wrapped by nothing, by secmw, and by what others stack up.

Each answers 200 and two bytes. All but the bare ones, and those wrapped by nothing, look into the session first, and answer 403
to whom they don't know; ``/sign-in`` makes them known. The stacks are those that one puts together for ASGI today, each part as
its documentation sets it up:

- A: Starlette's HTTPSRedirectMiddleware and TrustedHostMiddleware, secure with the headers that secmw sends, starlette-csrf, and
  starsessions in memory, loaded with every request and rolling;
- B: the same with starsessions in a Redis.

As a module this is what a server imports: ``application`` is the one that the environment names. A line of ours says that its
requests come over HTTPS, as a server that speaks TLS would; where there is a proxy, secmw finds that out by itself.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import secmw.asgi
import secmw.wsgi
from benchmarks import requests
from benchmarks.sessions import PAYLOAD
from secmw import Policy
from secmw.cli.bench.stand_in import AsgiNoop, WsgiNoop
from secmw.compile import response_lines

HOST: Final = "app.example.org"
SIGN_IN: Final = "/sign-in"

#: The variables that say which application, and where its Redis is.
WHICH: Final = "SECMW_SERVED"
REDIS: Final = "SECMW_SERVED_REDIS"

BARE: Final = "bare"
NOOP: Final = "no-op wrapper"
HEADERS: Final = "bare, with secmw's headers"
MEMORY: Final = "secmw, memory"
SECMW_REDIS: Final = "secmw, Redis"
PROXY: Final = "secmw, memory, behind a proxy"
STACK_A: Final = "stack A (memory)"
STACK_B: Final = "stack B (Redis)"
ASGI: Final = (BARE, NOOP, HEADERS, MEMORY, PROXY, SECMW_REDIS, STACK_A, STACK_B)
WSGI: Final = (BARE, NOOP, HEADERS, MEMORY, PROXY, SECMW_REDIS)

#: Those that know who is signed in, and those that keep it in a Redis.
KNOWING: Final = frozenset({MEMORY, PROXY, SECMW_REDIS, STACK_A, STACK_B})
IN_REDIS: Final = frozenset({SECMW_REDIS, STACK_B})

#: What the stacks are made of.
PARTS: Final = ("starlette", "secure", "starlette-csrf", "starsessions", "redis")

#: Always the same: those that share a Redis have to agree.
_KEY: Final = "AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="
_LIFETIME: Final = 28_800


def stack_versions() -> dict[str, str] | None:
    """Return the versions of what the stacks are made of, or None where a part is not installed."""
    try:
        return {name: version(name) for name in PARTS}
    except PackageNotFoundError:
        return None


def policy(which: str, redis: str) -> Policy:
    """Return the recommended policy, everything on."""
    return Policy.recommended(
        secret_keys=[_KEY],
        public_url=f"https://{HOST}",
        store=redis if which in IN_REDIS else "memory://",
        trusted_proxies=["127.0.0.1"] if which == PROXY else [],
    )


# --- ASGI ---------------------------------------------------------------------------------------------------------------


async def _reply(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(requests.RESPONSE_HEADERS)})
    await send({"type": "http.response.body", "body": b"ok"})


async def _live(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    else:
        await _reply(send, 200)


def _headers(of: Policy) -> list[tuple[str, str]]:
    """Return the headers that a policy gives to a page which has read the session."""
    lines = [(line.name, line.value) for line in response_lines(of)]
    return [*lines, ("Cache-Control", "no-store"), ("Vary", "Cookie")]


def _asgi_with_headers(added: Sequence[tuple[str, str]]) -> Any:
    lines = [(name.lower().encode(), value.encode()) for name, value in added]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        headers = [*requests.RESPONSE_HEADERS, *lines]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


async def _with_secmw(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    session = scope["secmw"].session
    if scope["path"] == SIGN_IN:
        session.login("42", description="Jane Doe (jane)")
        session.update(PAYLOAD)
    await _reply(send, 200 if session.get("name") == PAYLOAD["name"] else 403)


async def _with_starsessions(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    session = scope["session"]
    if scope["path"] == SIGN_IN:
        session.update(PAYLOAD)
    await _reply(send, 200 if session.get("name") == PAYLOAD["name"] else 403)


def _get(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def stack(store: Any) -> Any:
    """Stack up what others have; the last one is the first to be asked."""
    from benchmarks.peers import starlette_csrf
    from benchmarks.stacks.asgi import redirect, secure, trusted_host

    app = _get("starsessions", "SessionAutoloadMiddleware")(_with_starsessions)
    app = _get("starsessions", "SessionMiddleware")(app, store=store, lifetime=_LIFETIME, rolling=True)
    return redirect(trusted_host(secure(starlette_csrf(app))))


def _stack_b(redis: str) -> Any:
    client = _get("redis.asyncio", "Redis").from_url(redis)
    return stack(_get("starsessions.stores.redis", "RedisStore")(connection=client))


def asgi(which: str, redis: str = "") -> Any:
    """Return an ASGI application; ``redis`` is the URL of its Redis, if it has one."""
    if which == BARE:
        return _bare
    if which == NOOP:
        return AsgiNoop(_bare)
    if which == HEADERS:
        return _asgi_with_headers(_headers(policy(MEMORY, "")))
    if which == STACK_A:
        return stack(_get("starsessions", "InMemoryStore")())
    if which == STACK_B:
        return _stack_b(redis)
    _known(which, ASGI)
    return secmw.asgi.Middleware(_with_secmw, policy(which, redis))


def _known(which: str, known: Sequence[str]) -> None:
    if which not in known:
        raise ValueError(f"there is no {which!r}; there are {'; '.join(known)}")


def _asgi_over_https(app: Any) -> Any:
    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        scope["scheme"] = "https"
        await app(scope, receive, send)

    return wrapped


# --- WSGI ---------------------------------------------------------------------------------------------------------------


def _wsgi_reader(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    session = environ["secmw"].session
    if environ["PATH_INFO"] == SIGN_IN:
        session.login("42", description="Jane Doe (jane)")
        session.update(PAYLOAD)
    if session.get("name") == PAYLOAD["name"]:
        return requests.wsgi_app(environ, start_response)
    start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"no"]


def _wsgi_with_headers(added: Sequence[tuple[str, str]]) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        return requests.wsgi_app(environ, lambda status, headers: start_response(status, [*headers, *added]))

    return app


def wsgi(which: str, redis: str = "") -> Any:
    """Return a WSGI application; as :func:`asgi`, but for the stacks, whose parts know ASGI alone."""
    if which == BARE:
        return requests.wsgi_app
    if which == NOOP:
        return WsgiNoop(requests.wsgi_app)
    if which == HEADERS:
        return _wsgi_with_headers(_headers(policy(MEMORY, "")))
    _known(which, WSGI)
    return secmw.wsgi.Middleware(_wsgi_reader, policy(which, redis))


def _wsgi_over_https(app: Any) -> Any:
    def wrapped(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.url_scheme"] = "https"
        return app(environ, start_response)

    return wrapped


# --- who asks, and where --------------------------------------------------------------------------------------------------


def cookies_of(lines: Sequence[str]) -> str:
    """Return the Cookie header of a browser that has just been sent these Set-Cookie lines."""
    kept: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(";")[0].partition("=")
        kept[name] = value
    return "; ".join(f"{name}={value}" for name, value in kept.items())


@contextmanager
def importable() -> Iterator[Path]:
    """Hand out a folder in which other processes find ``benchmarks`` and ``tests``, and nothing else of the tree."""
    with tempfile.TemporaryDirectory(prefix="secmw-benchmarks-") as folder:
        benchmarks = Path(__file__).parent
        for path in (benchmarks, benchmarks.parent / "tests"):
            Path(folder, path.name).symlink_to(path)
        yield Path(folder)


def _named(environ: Mapping[str, str]) -> Any:
    """Return what the environment names: an interface, and one of its applications."""
    interface, _, which = environ.get(WHICH, "").partition(": ")
    if not which:
        return None
    redis = environ.get(REDIS, "")
    app, over_https = (
        (asgi(which, redis), _asgi_over_https)
        if interface == "asgi"
        else (wsgi(which, redis), _wsgi_over_https)
    )
    return app if which == PROXY else over_https(app)


application: Any = _named(os.environ)

"""Stacks for any ASGI application: secmw, each library by itself, and what people put together of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import secmw.asgi
from benchmarks import peers, requests
from benchmarks.sessions import PAYLOAD, policy
from benchmarks.stacks.stack import HOST, KNOWN, SECRET, SIGN_IN, STACK_A, TOKEN, UNKNOWN, Stack, get
from secmw.compile import response_lines
from secmw.stores import AsyncMemoryStore

OURS: Final = "secmw, everything"

_DAY: Final = 86_400


# --- applications


def application(
    session: Callable[[Any], Any] | None = None,
    *,
    sign_in: Callable[[Any], None] | None = None,
    token: Callable[[Any], str] = lambda _: "",
) -> Any:
    """Make the application of a stack; ``session`` finds the session in a scope, None for one that looks at none."""

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 (ASGI)
        path, body = scope["path"], UNKNOWN
        if path == SIGN_IN:
            if sign_in is not None:
                sign_in(scope)
            elif session is not None:
                session(scope).update(PAYLOAD)
        elif path == TOKEN:
            body = token(scope).encode()
        elif session is not None and session(scope).get("name") == PAYLOAD["name"]:
            body = KNOWN
        await send({"type": "http.response.start", "status": 200, "headers": list(requests.RESPONSE_HEADERS)})
        await send({"type": "http.response.body", "body": body})

    return app


def _session(scope: Any) -> Any:
    return scope["session"]


def _sign_in(scope: Any) -> None:
    session = scope["secmw"].session
    session.login("42", "Jane Doe (jane)")
    session.update(PAYLOAD)


def _ours(*, reads: bool) -> Any:
    inner = application(
        (lambda scope: scope["secmw"].session) if reads else None,
        sign_in=_sign_in,
        token=lambda scope: scope["secmw"].xsrf_token(),
    )
    return secmw.asgi.Middleware(inner, policy(), store=AsyncMemoryStore())


# --- layers, as each library's documentation sets them up


def redirect(app: Any) -> Any:
    """Wrap with Starlette's redirect to HTTPS."""
    return get("starlette.middleware.httpsredirect", "HTTPSRedirectMiddleware")(app)


def trusted_host(app: Any) -> Any:
    """Wrap with Starlette's check of the host."""
    return get("starlette.middleware.trustedhost", "TrustedHostMiddleware")(app, allowed_hosts=[HOST])


def signed_cookie(app: Any) -> Any:
    """Wrap with Starlette's session in a signed cookie."""
    kind = get("starlette.middleware.sessions", "SessionMiddleware")
    return kind(app, secret_key=SECRET, max_age=_DAY, https_only=True)


def starsessions(app: Any) -> Any:
    """Wrap with starsessions in memory, loaded for each request and kept alive by each."""
    library = "starsessions"
    loaded = get(library, "SessionAutoloadMiddleware")(app)
    return get(library, "SessionMiddleware")(
        loaded, store=get(library, "InMemoryStore")(), lifetime=_DAY, rolling=True
    )


def secure(app: Any, preset: str = "") -> Any:
    """Wrap with a preset of secure, or with the very headers that secmw sends, so that a browser gets the same of both."""
    if preset:
        made = get("secure", "Secure").from_preset(get("secure", "Preset")[preset])
    else:
        header = get("secure", "CustomHeader")
        made = get("secure", "Secure")(
            custom=[header(line.name, line.value) for line in response_lines(policy())]
        )
    return get("secure.middleware", "SecureASGIMiddleware")(app, secure=made)


def secure_five(app: Any) -> Any:
    """Wrap with the five headers of secure that people set."""
    names = {
        "hsts": "StrictTransportSecurity",
        "xfo": "XFrameOptions",
        "xcto": "XContentTypeOptions",
        "referrer": "ReferrerPolicy",
        "csp": "ContentSecurityPolicy",
    }
    made = get("secure", "Secure")(**{name: get("secure", kind)() for name, kind in names.items()})
    return get("secure.middleware", "SecureASGIMiddleware")(app, secure=made)


def alcazaba(app: Any) -> Any:
    """Wrap with fastapi-alcazaba's headers, its CSRF protection with tokens, and its sessions in memory."""
    backend = get("fastapi_alcazaba.backends.inmemory", "InMemoryBackend")()
    cache = get("fastapi_alcazaba", "Cache")(backend, signing_key=SECRET)
    kept = get("fastapi_alcazaba.sessions", "ServerSessionMiddleware")(
        app, cache=cache, max_age=_DAY, idle_timeout=_DAY // 3
    )
    checked = get("fastapi_alcazaba.csrf", "CSRFMiddleware")(kept, require_token=True)
    return get("fastapi_alcazaba.middleware", "SecurityHeadersMiddleware")(checked)


def _front(inner: Any) -> Any:
    return redirect(trusted_host(secure(inner)))


# --- rows


def stacks() -> list[Stack]:
    """Return the rows, the bare application first; import every library that they are made of."""
    plain = application()
    kept = application(_session)
    tokened = application(token=lambda scope: scope["csrftoken"]())
    both = application(_session, token=lambda scope: scope["csrftoken"]())
    alcazaba_app = application(_session, token=lambda scope: scope["state"]["csrf_token"])
    nothing_else = "nothing but headers"
    bound = "token not bound to the session; no question where a request comes from"
    rolling = "session written and cookie sent again on each response; no end for one person's sessions, no web sudo, no trail"
    cookie = "session can be read by who holds it and can't be ended; no web sudo, no trail"
    return [
        Stack(name="bare", app=plain),
        Stack(name=OURS, app=_ours(reads=True), sessions=True, header="x-xsrf-token", foreign=True, adds=12),
        Stack(
            name="secmw, everything, session not read",
            app=_ours(reads=False),
            sessions=True,
            reads=False,
            header="x-xsrf-token",
            foreign=True,
            adds=12,
        ),
        Stack(
            name="HTTPSRedirectMiddleware",
            app=redirect(plain),
            packages=("starlette",),
            lacks="nothing but the redirect",
        ),
        Stack(
            name="TrustedHostMiddleware",
            app=trusted_host(plain),
            packages=("starlette",),
            lacks="nothing but the host",
        ),
        Stack(
            name="SessionMiddleware, signed cookie",
            app=signed_cookie(kept),
            sessions=True,
            packages=("starlette",),
            lacks=f"nothing but sessions; {cookie}",
        ),
        Stack(
            name="secure, BALANCED",
            app=secure(plain, "BALANCED"),
            adds=9,
            packages=("secure",),
            lacks=nothing_else,
        ),
        Stack(
            name="secure, STRICT",
            app=secure(plain, "STRICT"),
            adds=9,
            packages=("secure",),
            lacks=nothing_else,
        ),
        Stack(name="Secweb", app=peers.secweb(plain), adds=9, packages=("Secweb",), lacks=nothing_else),
        Stack(
            name="starsessions, memory, rolling",
            app=starsessions(kept),
            sessions=True,
            packages=("starsessions",),
            lacks=f"nothing but sessions; {rolling}",
        ),
        Stack(
            name="starlette-csrf",
            app=peers.starlette_csrf(plain),
            header="x-csrftoken",
            packages=("starlette-csrf",),
            lacks=f"nothing but tokens; {bound}",
        ),
        Stack(
            name="asgi-csrf",
            app=peers.asgi_csrf(tokened),
            header="x-csrftoken",
            packages=("asgi-csrf",),
            lacks=f"nothing but tokens; {bound}",
        ),
        Stack(
            name="asgi-cross-origin-protection",
            app=peers.cross_origin(plain),
            foreign=True,
            packages=("asgi-cross-origin-protection",),
            lacks="nothing but where a request comes from; no token",
        ),
        Stack(
            name="fastapi-alcazaba: headers, CSRF with token, sessions in memory",
            app=alcazaba(alcazaba_app),
            sessions=True,
            header="x-csrf-token",
            foreign=True,
            adds=5,
            packages=("fastapi-alcazaba",),
            lacks="no redirect, no check of the host; token not bound to the session; no end for one person's sessions, no web sudo",
        ),
        Stack(
            name=STACK_A,
            app=_front(peers.starlette_csrf(starsessions(kept))),
            sessions=True,
            header="x-csrftoken",
            adds=12,
            packages=("starlette", "secure", "starlette-csrf", "starsessions"),
            lacks=f"{bound}; {rolling}",
        ),
        Stack(
            name="A with five headers",
            app=redirect(trusted_host(secure_five(peers.starlette_csrf(starsessions(kept))))),
            sessions=True,
            header="x-csrftoken",
            adds=5,
            packages=("starlette", "secure", "starlette-csrf", "starsessions"),
            lacks=f"seven of our headers; {bound}; {rolling}",
        ),
        Stack(
            name="C: the same with the session in a signed cookie",
            app=_front(peers.starlette_csrf(signed_cookie(kept))),
            sessions=True,
            header="x-csrftoken",
            adds=12,
            packages=("starlette", "secure", "starlette-csrf"),
            lacks=f"{bound}; {cookie}",
        ),
        Stack(
            name="E: A with asgi-csrf",
            app=_front(peers.asgi_csrf(starsessions(both))),
            sessions=True,
            header="x-csrftoken",
            adds=12,
            packages=("starlette", "secure", "asgi-csrf", "starsessions"),
            lacks=f"{bound}; {rolling}",
        ),
    ]

"""The application that the demo protects: the shop that people sign in to, and the notebook that another site attacks.

It is an ordinary Starlette application under the middleware; all that secmw does to it is written in :func:`policy_for`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette

from secmw.asgi import Middleware
from secmw.cli.demo.journal import Journal, Watch
from secmw.cli.demo.notebook import Notebook
from secmw.cli.demo.shop import Shop
from secmw.clock import system
from secmw.hooks import Hooks
from secmw.keys import development_key
from secmw.policy import Policy

if TYPE_CHECKING:
    from secmw.asgi import App
    from secmw.audit import Event
    from secmw.cli.demo.rendering import Places
    from secmw.cli.demo.users import Users
    from secmw.clock import Clock

#: Beside the key, in the folder that the demo is started in.
STORE: Final = "sqlite:.secmw/sessions.db"
#: Over TLS its cookie is another one, and applications with two different ones share no store.
STORE_TLS: Final = "sqlite:.secmw/sessions-tls.db"

#: Limits that one can wait for.
_SHORT: Final[dict[str, Any]] = {
    "sessions": {"lifetime": 180, "inactivity": 30},
    "sudo": {"duration": 30},
}


def policy_for(places: Places, *, short: bool = False) -> Policy:
    """Return the policy of the demo: what anybody would write, and a Content-Security-Policy for its own pages.

    ``short``: whether sessions end while one looks on.
    """
    limits = _SHORT if short else {}
    shared: dict[str, Any] = {
        **limits,
        "sessions": {"sign_in_url": "/sign-in", **limits.get("sessions", {})},
        "store": STORE_TLS if places.tls else STORE,
        "csp": {
            "default-src": ["'none'"],
            "base-uri": ["'none'"],
            "connect-src": ["'self'"],
            "form-action": ["'self'"],
            "frame-src": ["'self'", places.attacker],
            "img-src": ["'self'", "data:"],
            "script-src": ["'self'", "'nonce'"],
            "style-src": ["'self'"],
        },
        "csp_report_only": None,
    }
    if places.tls:
        policy = Policy.recommended(public_url=places.app, secret_keys=[development_key()], **shared)
    else:
        policy = Policy.development(**shared)
    policy = policy.at("/framed/", frame_options="SAMEORIGIN")
    # Files, and the news that a page asks for by itself: the same for everybody, and nobody's activity.
    return policy.at("/static/", sessions=None).at("/journal/", sessions=None)


def site(places: Places, policy: Policy, users: Users, journal: Journal, *, clock: Clock = system) -> App:
    """Make the protected application."""

    async def recent(limit: int) -> list[Event]:
        recorder = middleware.guard.recorder
        return [] if recorder is None else await recorder.trail.recent(limit)

    routes = [*Shop(policy, users, recent).routes(), *Notebook(places, policy, journal).routes()]
    middleware = Middleware(Starlette(routes=routes), policy, hooks=Hooks(verify=users.verify), clock=clock)
    return Watch(middleware, journal)

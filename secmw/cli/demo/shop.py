"""The part of the demo that people sign in to: a cart in the session, keys behind the password, and what is known of it.

It is an ordinary Starlette application. What it does with sessions, sudo and audit is what any application would write.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from secmw.asgi import demand_login, demand_sudo, respond
from secmw.cli.demo.rendering import form, page
from secmw.location import local_target
from secmw.pages.sessions import spoken
from secmw.sessions.record import Over

if TYPE_CHECKING:
    from starlette.requests import Request

    from secmw.asgi import Receive, Scope, Send
    from secmw.audit import Event
    from secmw.cli.demo.users import Users
    from secmw.exchange import Exchange
    from secmw.http import Reply
    from secmw.policy import Policy
    from secmw.sessions.session import Session

#: What there is to buy: a name for forms, one for people, and a price.
GOODS: Final = {"padlock": ("Padlock", 12), "lantern": ("Lantern", 30), "whistle": ("Whistle", 4)}

#: Events on the first page, and on the page of their own.
_FEW, _MANY = 8, 100
_MOST_KEYS: Final = 10
_LONGEST_LABEL: Final = 60
_MOST_OF_ONE: Final = 99

#: Why the session that a browser brought is none, in words for people.
OVER: Final[Mapping[Over, str]] = {
    Over.LOGGED_OUT: "You have signed out.",
    Over.REVOKED: "Your session was ended from another browser.",
    Over.EXPIRED: "Your session has reached its greatest age, whatever you did in it.",
    Over.IDLE: "Your session was not used for too long.",
    Over.REPLACED: "You have signed in anew, so the session before is over.",
    Over.CREDENTIALS_CHANGED: "Your password has changed since you signed in.",
    Over.UNREADABLE: "What was kept of your session can't be read.",
    Over.UNKNOWN: "Your browser brought the id of a session that is not there. It was not adopted.",
    Over.ROTATED: "Your browser brought an id that has been replaced since.",
    Over.FORGED: "Your browser brought an id with a wrong secret.",
    Over.AMBIGUOUS: "Your browser brought two different ids, so neither was believed.",
}

_WRONG: Final = "That name and that password don't belong together."


class Fact(NamedTuple):
    """Be one line about a session: what, how it stands, the setting behind it; ``left``: seconds until it is so."""

    name: str
    said: str
    setting: str = ""
    left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Be an API key as the shop keeps it, once its secret has been shown."""

    handle: str
    label: str
    made: float


class Answer(Response):
    """Send what the middleware answers instead of us."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await respond(self.reply, send)


class Shop:
    """Hold what its pages share. ``recent`` asks for the last events of the audit trail."""

    def __init__(self, policy: Policy, users: Users, recent: Callable[[int], Awaitable[list[Event]]]) -> None:
        self.policy = policy
        self.users = users
        self.recent = recent
        self.keys: dict[str, list[Key]] = {}
        #: Secrets that have not been shown yet, by user.
        self.fresh: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """Return what it answers."""
        return [
            Route("/", self.home),
            Route("/sign-in", self.sign_in),
            Route("/sign-in", self.check, methods=["POST"]),
            Route("/cart", self.fill, methods=["POST"]),
            Route("/keys", self.list_keys),
            Route("/keys", self.change_keys, methods=["POST"]),
            Route("/drop-sudo", self.drop_sudo, methods=["POST"]),
            Route("/audit", self.audit),
        ]

    # --- signing in

    async def sign_in(self, request: Request) -> Response:
        """Show the form, and why somebody who was signed in is no more."""
        return self.sign_in_page(request, request.query_params.get("next", "/"))

    async def check(self, request: Request) -> Response:
        """Sign somebody in, or show the form again; never say whether it was the name that was wrong."""
        exchange: Exchange = request.scope["secmw"]
        sent = await form(request)
        then = local_target(sent.get("next", "/"))
        # It takes a fraction of a second on purpose: not on the event loop.
        user = await asyncio.to_thread(self.users.sign_in, sent.get("name", ""), sent.get("password", ""))
        if user is None:
            exchange.audit("authn_login_fail", "gave a name and a password that don't belong together")
            return self.sign_in_page(request, then, wrong=_WRONG)
        exchange.session.login(user.id, user.description)
        return RedirectResponse(then, status_code=303)

    def sign_in_page(self, request: Request, then: str, wrong: str = "") -> Response:
        """Render the form; the cart is there too, and is kept at sign-in."""
        session = request.scope["secmw"].session
        over = session.over
        return page(
            request,
            "sign_in.html",
            403 if wrong else 200,
            then=local_target(then),
            wrong=wrong,
            over=None if over is None or wrong else (str(over), OVER[over]),
            cart=cart_of(session),
            **self.top(request),
        )

    # --- the shop

    async def home(self, request: Request) -> Response:
        """Show the cart, the session, and what was recorded; to people who are signed in."""
        if (reply := demand_login(request.scope)) is not None:
            return Answer(reply)
        session: Session = request.scope["secmw"].session
        return page(
            request,
            "shop.html",
            called=self.users.called(session.user_id) or session.user_description,
            cart=cart_of(session),
            facts=facts_of(session, self.policy),
            sudo=session.has_sudo,
            events=await self.recent(_FEW),
            **self.top(request),
        )

    async def fill(self, request: Request) -> Response:
        """Put one more into the cart, or take one out: a nested change, which the session notices."""
        session: Session = request.scope["secmw"].session
        sent = await form(request)
        step, name = next(((step, sent[step]) for step in ("more", "less") if step in sent), ("", ""))
        if name in GOODS and (step == "more" or name in session.get("cart", ())):
            cart = session.setdefault("cart", {})
            cart[name] = min(cart.get(name, 0) + (1 if step == "more" else -1), _MOST_OF_ONE)
            if not cart[name]:
                del cart[name]
        return RedirectResponse("/sign-in" if session.user_id is None else "/", status_code=303)

    # --- keys, behind the password

    async def list_keys(self, request: Request) -> Response:
        """Show the keys of somebody who has given their password lately; a new one's secret, once."""
        if (reply := demand_sudo(request.scope)) is not None:
            return Answer(reply)
        session: Session = request.scope["secmw"].session
        user_id = session.user_id or ""
        return page(
            request,
            "keys.html",
            keys=self.keys.get(user_id, []),
            full=len(self.keys.get(user_id, [])) >= _MOST_KEYS,
            secret=self.fresh.pop(user_id, None),
            now=session.now,
            facts=facts_of(session, self.policy),
            **self.top(request),
        )

    async def change_keys(self, request: Request) -> Response:
        """Make a key, or remove one."""
        if (reply := demand_sudo(request.scope)) is not None:
            return Answer(reply)
        exchange: Exchange = request.scope["secmw"]
        user_id = exchange.session.user_id or ""
        sent = await form(request)
        mine = self.keys.setdefault(user_id, [])
        if handle := sent.get("remove"):
            for key in [key for key in mine if key.handle == handle]:
                mine.remove(key)
                exchange.audit("remove_api_key", f"removed the key {key.label} ({key.handle})")
        elif len(mine) < _MOST_KEYS:
            label = sent.get("label", "").strip()[:_LONGEST_LABEL] or "without a name"
            key = Key(handle=secrets.token_hex(4), label=label, made=exchange.session.now)
            mine.append(key)
            self.fresh[user_id] = f"{key.handle}.{secrets.token_urlsafe(24)}"
            exchange.audit("add_api_key", f"created the key {label} ({key.handle})")
        return RedirectResponse("/keys", status_code=303)

    async def drop_sudo(self, request: Request) -> Response:
        """Give the elevation up before its time."""
        request.scope["secmw"].session.drop_sudo()
        return RedirectResponse("/", status_code=303)

    # --- the trail

    async def audit(self, request: Request) -> Response:
        """Show the last events, of everybody: a real application shows them to few."""
        if (reply := demand_login(request.scope)) is not None:
            return Answer(reply)
        return page(request, "audit.html", events=await self.recent(_MANY), **self.top(request))

    def top(self, request: Request) -> dict[str, Any]:
        """Return what the head of every page says: who is signed in, and the token of its forms."""
        return top(request, self.policy)


def top(request: Request, policy: Policy) -> dict[str, Any]:
    """Return what the head of a page says."""
    exchange: Exchange = request.scope["secmw"]
    return {
        "preset": policy.preset,
        "token": exchange.xsrf_token(),
        "user": exchange.session.user_description,
        "tls": exchange.scheme == "https",
    }


def cart_of(session: Session) -> list[tuple[str, str, int, int]]:
    """List the goods: name for forms, name for people, price, and how many are in the cart."""
    kept = session.get("cart", {})
    return [(name, called, price, kept.get(name, 0)) for name, (called, price) in GOODS.items()]


def facts_of(session: Session, policy: Policy) -> list[Fact]:
    """List what is known of a session, with the setting behind each line."""
    if session.created is None or policy.sessions is None:
        return []
    now = session.now
    limits, sudo = policy.sessions, policy.sudo

    def ago(when: float | None) -> str:
        passed = now - (when or now)
        return "just now" if passed < 1 else f"{spoken(passed)} ago"

    facts = [
        Fact("Signed in", ago(session.authenticated)),
        Fact("Used before this", ago(session.seen)),
    ]
    idle, last = session.idle_until, session.expires
    if limits.inactivity is not None and idle is not None:
        facts.append(_ending("Ends if not used", idle - now, f"sessions.inactivity = {limits.inactivity}"))
    if last is not None:
        facts.append(_ending("Ends in any case", last - now, f"sessions.lifetime = {limits.lifetime}"))
    until = session.sudo_until
    setting = f"sudo.duration = {sudo.duration}"
    if until is None:
        facts.append(Fact("Password given again", "not lately", setting))
    else:
        facts.append(_ending("Password counts for", until - now, setting))
    return facts


def _ending(name: str, left: float, setting: str) -> Fact:
    return Fact(name, spoken(max(0.0, left)), setting, round(left, 1))

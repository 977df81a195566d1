"""Rules: the settings of sessions and sudo, worked out once for a class of paths. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from secmw.cookies import fold_twins
from secmw.http import WSGI, text
from secmw.own.cookies import own_cookie
from secmw.paths import exempt, odd
from secmw.sessions import names
from secmw.sessions.identifier import id_finder
from secmw.sessions.recognising import Familiar

if TYPE_CHECKING:
    import msgspec

    from secmw.http import Wire
    from secmw.policy import Policy

#: Seconds; a session in steady use is written no more often than this.
_TOUCH: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Hold what sessions of one path class obey; times in seconds.

    ``cookie``: the name of the cookie, ``find`` looks for it. ``touch_every``: how stale "last seen" may get.
    ``inactivity``: 0 for none; ``cap``: 0 for none. ``passive``: whether a path's requests are no activity, None where all are.
    ``can_verify``: whether there is anybody to ask whether a password is right; ``versioned``: whether there is anybody to
    ask for the version of credentials.

    ``websocket``, ``recheck`` and ``close_code``: when a socket closes whose session is over, how soon that is noticed, and
    with which code. ``active``: whether a path's messages are activity, None where none are; those that begin like one of
    the ``heartbeats`` never are. ``read``, ``split``, ``stored``: the application's names (:class:`secmw.sessions.names.Names`).
    ``familiar``: who was here lately, where sessions are in memory.
    """

    cookie: str
    find: Callable[[Any], bytes | None]
    lifetime: int
    inactivity: int
    touch_every: float
    max_size: int
    cap: int
    persistent: bool
    passive: Callable[[str], bool] | None
    anonymous_on_outage: bool
    page: bool
    sign_in_url: str | None
    sudo: bool
    sudo_duration: int
    can_verify: bool
    versioned: bool
    websocket: Literal["at_expiry", "next_message", "ignore"]
    recheck: float
    close_code: int
    active: Callable[[str], bool] | None
    heartbeats: tuple[str, ...]
    read: Callable[[bytes], dict[str, Any]] = names.PLAIN.read
    split: Callable[[bytes], dict[str, msgspec.Raw]] = names.PLAIN.split
    stored: Callable[[str], str] | None = None
    familiar: Familiar = field(init=False, default_factory=Familiar, compare=False)


def rules(policy: Policy, *, can_verify: bool, versioned: bool = False, wire: Wire = WSGI) -> Rules | None:
    """Work out the rules of one policy; None for a policy without sessions."""
    wanted = policy.sessions
    if wanted is None:
        return None
    folds = policy.cookies.legacy_twin != "never"
    name = own_cookie(policy, f"{wanted.cookie}-embed" if policy.cookies.embedded else wanted.cookie)
    inactivity = int(wanted.inactivity or 0)
    named = names.names(wanted.namespace, wanted.shared)
    passive, active = tuple(wanted.passive), tuple(wanted.websocket_activity)
    return Rules(
        cookie=name,
        find=_folding(name, wire) if folds else id_finder(name, wire),
        lifetime=int(wanted.lifetime),
        inactivity=inactivity,
        touch_every=min(_TOUCH, inactivity / 10) if inactivity else _TOUCH,
        max_size=wanted.max_size,
        cap=wanted.cap or 0,
        persistent=wanted.persistent,
        passive=(lambda path: not odd(path) and exempt(passive, path)) if passive else None,
        anonymous_on_outage=wanted.on_outage == "anonymous",
        page=wanted.page,
        sign_in_url=wanted.sign_in_url,
        sudo=policy.sudo.enabled,
        sudo_duration=int(policy.sudo.duration),
        can_verify=can_verify,
        versioned=versioned,
        websocket=wanted.websocket,
        recheck=float(wanted.recheck),
        close_code=wanted.close_code,
        active=(lambda path: not odd(path) and exempt(active, path)) if active else None,
        heartbeats=tuple(wanted.websocket_heartbeats),
        read=named.read,
        split=named.split,
        stored=named.stored,
    )


def _folding(name: str, wire: Wire) -> Callable[[Any], bytes | None]:
    """Look among the ``-legacy`` twins too, where a browser kept those alone."""
    find = id_finder(name, wire)
    return lambda header: find(wire.encode(fold_twins(text(header))[0]))


__all__ = ["Rules", "rules"]

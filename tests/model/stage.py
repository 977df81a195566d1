"""What histories play on: the middleware under each of four policies, made once."""

from __future__ import annotations

from functools import cache
from typing import Final

import secmw.asgi
from secmw import Policy
from secmw.config.settings import Sessions, Sudo
from secmw.hooks import Hooks
from tests.making import KEY, URL
from tests.model.book import Terms
from tests.model.driver import application
from tests.model.ledger import LIFETIME
from tests.model.oracle import SUDO
from tests.model.watched import Clocks, Quick, Watched

#: What each policy of a history allows: seconds without a request, and sessions of a user.
TERMS: Final = (
    Terms(300.0, 0, strangers=False),
    Terms(0.0, 0, strangers=True),
    Terms(300.0, 2, strangers=False),
    Terms(120.0, 1, strangers=True),
)


@cache
def policy(terms: Terms) -> Policy:
    """Make the policy that a history plays under."""
    return Policy.recommended(
        secret_keys=[KEY],
        public_url=URL,
        xsrf=None,
        store="memory://",
        sessions=Sessions(
            lifetime=int(LIFETIME),
            inactivity=int(terms.inactivity) or None,
            cap=terms.cap or None,
            on_outage="anonymous" if terms.strangers else "refuse",
            passive=["/news/"],
            sweep=86_400,
        ),
        sudo=Sudo(duration=int(SUDO)),
    )


async def _verify(user_id: str, password: str) -> bool:
    return password == user_id


class Stage:
    """Be what many histories play on, one after the other: a middleware, its clock and its store."""

    def __init__(self, terms: Terms, *, quick: bool) -> None:
        self.clocks = Clocks()
        self.store = Quick() if quick else Watched()
        self.app = secmw.asgi.Middleware(
            application, policy(terms), hooks=Hooks(verify=_verify), store=self.store, clock=self.clocks
        )
        # It has nobody to agree with, and what it would ask of the store is no part of a history.
        self.app.guard.store = self.store


@cache
def stage(terms: Terms, *, quick: bool) -> Stage:
    """Make a stage, once: to compile a policy takes longer than a history."""
    return Stage(terms, quick=quick)

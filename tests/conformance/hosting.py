"""What the host gives to the middleware besides a policy: a clock that tests move, a store that they take away, passwords.

One clock and one outage for a whole process: a test reaches them over a socket too, by telling the application.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Literal

from secmw.errors import StoreError
from secmw.hooks import Hooks
from secmw.stores.memory import AsyncMemoryStore, MemoryStore

if TYPE_CHECKING:
    from secmw import Policy

#: The password of everybody.
PASSWORD: Final = "correct horse battery staple"


class Ahead:
    """Tell the time as the machine does, so many seconds later."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def move(self, seconds: float) -> None:
        self._ahead += seconds


class Outage:
    """Say whether stores answer."""

    def __init__(self) -> None:
        self.is_on = False

    def begin(self) -> None:
        self.is_on = True

    def end(self) -> None:
        self.is_on = False

    def strike(self) -> None:
        """Raise what a store raises that can't be reached."""
        if self.is_on:
            raise StoreError("the store is away, as a test told it to be")


CLOCK: Final = Ahead()
OUTAGE: Final = Outage()


def verify(_user_id: str, password: str) -> bool:
    return password == PASSWORD


class Watched(MemoryStore):
    """Be a store in memory that writes down what it is asked, and answers nothing while it is away."""

    def __init__(self) -> None:
        super().__init__(clock=CLOCK)
        self.asked: list[str] = []

        self.load_now = self._load_now

    def load(self, selector: str) -> Any:
        self.asked.append("load")
        OUTAGE.strike()
        return super().load(selector)

    def _load_now(self, selector: bytes) -> Any:
        self.asked.append("load")
        OUTAGE.strike()
        return self._sessions.get(selector)

    def write(self, write: Any) -> Any:
        self.asked.append(type(write).__name__)
        OUTAGE.strike()
        return super().write(write)


class AsyncWatched(AsyncMemoryStore):
    """Be the same for ASGI: what is watched is the store that it is made of."""

    def __init__(self) -> None:
        super().__init__(clock=CLOCK)
        watched = Watched()
        vars(self).update(blocking=watched, load_now=watched.load_now)
        self.asked = watched.asked


def given(policy: Policy, interface: Literal["asgi", "wsgi"]) -> dict[str, Any]:
    """Return what the middleware is made with besides its policy."""
    if policy.sessions is None:
        return {}
    return {
        "hooks": Hooks(verify=verify),
        "store": AsyncWatched() if interface == "asgi" else Watched(),
        "clock": CLOCK,
    }

"""How often a request asks its store: requests of one person, through the whole middleware."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import secmw.wsgi
from benchmarks.places import Place
from benchmarks.sessions import policy
from benchmarks.trips import Trips
from secmw.testing import Client, FrozenClock

REQUESTS: Final = (
    "a stranger's",
    "sign-in",
    "reads",
    "changes something",
    "first in a minute",
    "refused: a wrong token",
    "sign-out",
)

#: What is designed, in the same order: nothing for strangers and refused requests, one round trip to read, and a write,
#: which is one in a Redis and a transaction in a database.
IN_PROCESS: Final = (0, 0, 0, 0, 0, 0, 0)
REDIS: Final = (0, 4, 1, 2, 2, 0, 3)
DATABASE: Final = (0, 5, 1, 5, 5, 0, 5)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Sign people in and out, count their visits, and greet them."""
    session, path = environ["secmw"].session, environ["PATH_INFO"]
    if path == "/sign-in":
        session.login("42")
    elif path == "/sign-out":
        session.logout()
    elif path == "/visit":
        session["visits"] = session.get("visits", 0) + 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{session.user_id} {session.get('visits', 0)}".encode()]


def trips_of(place: Place) -> dict[str, int]:
    """Count the round trips of each of the requests; the fewest of some times, or what is said once would count."""
    clock = FrozenClock()
    with place.counted() as (url, trips):
        store = place.open(url or place.url, False)
        app = secmw.wsgi.Middleware(application, policy(), store=store, clock=clock)
        # A sweep asks the store too, whenever it likes.
        app.guard.sweeper = None
        found = [_visit(app, clock, trips) for _ in range(5)]
        app.guard.close()
    return dict(zip(REQUESTS, (min(counts) for counts in zip(*found, strict=True)), strict=True))


def _visit(app: Any, clock: FrozenClock, trips: Trips) -> list[int]:
    """Make each of the requests, in their order."""
    stranger, person = (Client(app, base_url="https://app.example.org") for _ in range(2))
    assert person.get("/_secmw/xsrf").status == 204
    trips.read()
    found = []

    def counted(answer: Any, status: int, text: str | None = None) -> None:
        assert answer.status == status, answer
        assert text is None or answer.text == text, answer.text
        found.append(trips.read())

    counted(stranger.get("/"), 200, "None 0")
    counted(person.post("/sign-in"), 200, "42 0")
    counted(person.get("/"), 200, "42 0")
    counted(person.post("/visit"), 200, "42 1")
    clock.move(61)
    counted(person.get("/"), 200, "42 1")
    counted(person.post("/visit", headers={"X-XSRF-TOKEN": "wrong"}), 403)
    counted(person.post("/sign-out"), 200, "None 0")
    return found

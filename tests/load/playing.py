"""What a run is made of, whatever is served: a server, what wrk asks it, and the people beside it."""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.client import Sent
    from tests.servers import Server

#: What each interface is served with: two workers, and of gunicorn one application that both have from their parent.
OPTIONS: Final = {
    "asgi": ("uvicorn-httptools", ("--no-server-header", "--no-access-log", "--workers", "2")),
    "wsgi": ("gunicorn-gthread", ("--workers", "2", "--preload", "--keep-alive", "30")),
}

#: People beside wrk.
PEOPLE: Final = 3

#: How often somebody comes back who is told to.
TIMES: Final = 20


def patiently(send: Callable[[], Response]) -> Response:
    """Send a request, again where the answer says so; what is told to come back was not carried out."""
    response = send()
    for _ in range(TIMES):
        if response.status != 503 or response.header("Retry-After") is None:
            break
        time.sleep(0.1)
        response = send()
    return response


class Visitor(abc.ABC):
    """Go through the same rounds again and again; ``wrong`` says what was not as it should be."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers = 0
        self.wrong: list[str] = []

    @abc.abstractmethod
    def round(self) -> Iterator[str]:
        """Play one round, and yield what was wrong in it."""

    def visit(self, until: float) -> None:
        """Play rounds until so late (of the monotonic clock), and stop at the first that breaks."""
        try:
            while time.monotonic() < until and not self.wrong:
                self.wrong.extend(f"{self.name}: {fault}" for fault in self.round())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this is here to find
            self.wrong.append(f"{self.name}: {type(error).__name__}: {error}")


class Site(NamedTuple):
    """Hold a site that is served: the requests that wrk sends, and the headers that all answers to them have."""

    server: Server
    asked: list[Sent]
    wanted: Mapping[str, str]
    visitors: Sequence[Visitor]

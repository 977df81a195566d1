"""The builds of the conformance suite, served with two workers that share one file of sessions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.conformance.builds import BUILDS
from tests.conformance.person import Person
from tests.conformance.sockets import OverSocket
from tests.conformance.stacks import Stack
from tests.conformance.told import told
from tests.conformance.traits import SERVERS
from tests.load.people import CONSTANT, Nonces, Regular
from tests.load.playing import OPTIONS, PEOPLE, Site, patiently
from tests.servers import serve

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.client import Sent

#: What wrk looks at, of answers some of which have a nonce.
WANTED: Final = {
    name: value for name, value in CONSTANT.items() if name != "content-security-policy-report-only"
}


@contextmanager
def served(build: str) -> Iterator[OverSocket]:
    """Serve a build with two workers and one file of sessions, for the time of the block."""
    interface = BUILDS[build].interface
    kind, options = OPTIONS[interface]
    with tempfile.TemporaryDirectory(prefix="secmw-load-") as directory:
        env = {"LOAD_BUILD": build, "LOAD_STORE": f"sqlite:///{Path(directory, 'sessions.db')}"}
        with serve(kind, f"tests.load.served:{interface}", env=env, options=options) as server:
            stack = Stack(
                name=build,
                traits=SERVERS[kind],
                make=lambda stack, name: Patient(stack, name, server),
                real=True,
            )
            site = stack.site("sessions")
            assert isinstance(site, OverSocket)
            yield site


class Patient(OverSocket):
    """Come back when told to: a store under load may be too busy, and then nothing has happened."""

    def send(self, sent: Sent) -> Response:
        return patiently(partial(super().send, sent))


def asked(site: OverSocket) -> list[Sent]:
    """Write what wrk asks: pages of strangers, and of somebody who is signed in, reads, and changes something."""
    person = Person(site)
    person.signs_in("wrk", "wrk")
    stranger = Person(site)
    # Where wrk leaves in the middle of a request, an application that reads its body may call that an error.
    unread: dict[str, Any] = {"reads": False, "text": "Done."}
    pages = [stranger.sent("GET", told(**unread)), stranger.sent("GET", told(nonce=True, reads=False))]
    reads = [person.sent("GET", told(session=[("get", "count")], **unread)) for _ in range(3)]
    return [*pages, *reads, person.sent("POST", told(session=[("set", "count", 1)], **unread))]


@contextmanager
def build(name: str) -> Iterator[Site]:
    """Serve a build, with people who know it."""
    with served(name) as site:
        nonces = Nonces()
        regulars = [Regular(site, f"visitor-{number}", nonces) for number in range(PEOPLE)]
        yield Site(site.server, asked(site), WANTED, regulars)

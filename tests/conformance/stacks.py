"""What the suite runs on: the applications under secmw, in process, and the servers that run them.

An adapter joins here: one function in BUILDS that puts its framework's application under a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from wsgiref.validate import validator

import secmw.asgi
import secmw.wsgi
from tests.conformance import app
from tests.conformance.inprocess import InProcess
from tests.conformance.policies import named
from tests.conformance.sockets import OverSocket
from tests.conformance.traits import IN_PROCESS, SERVERS, Fact, Traits
from tests.servers import TLS, serve

if TYPE_CHECKING:
    from secmw import Policy
    from tests.conformance.client import Site

Interface = Literal["asgi", "wsgi"]


def raw_asgi(policy: Policy) -> Any:
    """Put the plain ASGI application under a policy."""
    return secmw.asgi.Middleware(app.asgi, policy)


def raw_wsgi(policy: Policy) -> Any:
    """Put the plain WSGI application under a policy."""
    return secmw.wsgi.Middleware(app.wsgi, policy)


def validated_wsgi(policy: Policy) -> Any:
    """The same, with the standard library's validator between secmw and the application."""
    return secmw.wsgi.Middleware(validator(app.wsgi), policy)


BUILDS: Final[dict[str, Callable[[Policy], Any]]] = {
    "asgi": raw_asgi,
    "wsgi": raw_wsgi,
    "wsgi-validated": validated_wsgi,
}


@dataclass(kw_only=True)
class Stack:
    """Be one way to run the application: its interface, and the server if there is one."""

    name: str
    interface: Interface
    traits: Traits
    make: Callable[[Stack, str], Site]
    real: bool = False
    _sites: dict[str, Site] = field(default_factory=dict)

    def site(self, policy: str) -> Site:
        """Return the application under a policy of this name, on this stack."""
        if policy not in self._sites:
            self._sites[policy] = self.make(self, policy)
        return self._sites[policy]

    def has(self, fact: Fact) -> bool:
        """Say whether this server does what the fact says."""
        return fact in self.traits.facts

    def spell(self, name: str) -> str:
        """Spell a response header as this interface wants it: ASGI has names in lower case."""
        return name.lower() if self.interface == "asgi" else name

    @property
    def drops_fields(self) -> bool:
        """Whether a request header that is not ASCII is lost before anybody sees it."""
        return self.has(Fact.ASCII_FIELDS)

    @property
    def sockets(self) -> bool:
        """Whether WebSockets work at all."""
        return self.interface == "asgi"

    @property
    def denies_whole(self) -> bool:
        """Whether a refused handshake is answered by a whole response of ours."""
        return self.interface == "wsgi" or not self.has(Fact.BARE_DENIAL)


def in_process(build: str) -> Stack:
    """Make the stack that runs one of the BUILDS right here."""
    interface: Interface = "wsgi" if build.startswith("wsgi") else "asgi"
    return Stack(
        name=build,
        interface=interface,
        traits=IN_PROCESS[interface],
        make=lambda stack, name: InProcess(stack, name, BUILDS[build](named(name))),
    )


@contextmanager
def on_server(kind: str, build: str = "", *, tls: TLS | None = None) -> Iterator[Stack]:
    """Start a server and make the stack that speaks to it."""
    traits = SERVERS[kind]
    interface: Interface = traits.interface
    with serve(
        kind,
        f"tests.conformance.serve:{interface}",
        env={"CONFORMANCE_BUILD": build or interface},
        options=traits.options,
        tls=tls,
        ready="/health",
    ) as server:
        yield Stack(
            name=kind,
            interface=interface,
            traits=traits,
            make=lambda stack, name: OverSocket(stack, name, server),
            real=True,
        )

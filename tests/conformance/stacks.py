"""What the suite runs on: the applications of builds.py, in process, and the servers that run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tests.conformance.builds import BUILDS
from tests.conformance.inprocess import InProcess
from tests.conformance.policies import named
from tests.conformance.sockets import OverSocket
from tests.conformance.traits import IN_PROCESS, SERVERS, Fact, Traits
from tests.servers import TLS, serve

if TYPE_CHECKING:
    from tests.conformance.client import Site


@dataclass(kw_only=True)
class Stack:
    """Be one way to run the application: its interface, and the server if there is one."""

    name: str
    traits: Traits
    make: Callable[[Stack, str], Site]
    real: bool = False
    _sites: dict[str, Site] = field(default_factory=dict)

    @property
    def interface(self) -> Literal["asgi", "wsgi"]:
        return self.traits.interface

    def site(self, policy: str) -> Site:
        """Return the application under a policy of this name, on this stack."""
        if policy not in self._sites:
            self._sites[policy] = self.make(self, policy)
        return self._sites[policy]

    def close(self) -> None:
        """Close every site."""
        for site in self._sites.values():
            site.close()

    def has(self, fact: Fact) -> bool:
        """Say whether this server does what the fact says."""
        return fact in self.traits.facts

    def spell(self, name: str) -> str:
        """Spell a response header as this interface wants it: ASGI has names in lower case."""
        return name.lower() if self.interface == "asgi" else name

    @property
    def sockets(self) -> bool:
        """Whether WebSockets work at all."""
        return self.interface == "asgi"

    @property
    def denies_whole(self) -> bool:
        """Whether a refused handshake is answered by a whole response of ours."""
        return self.interface == "wsgi" or not self.has(Fact.BARE_DENIAL)


def in_process(build: str, *, root: str = "", peer: tuple[str, int] | None = ("127.0.0.1", 50_000)) -> Stack:
    """Make the stack that runs one of the BUILDS right here, below ``root``, for requests from ``peer``."""
    built = BUILDS[build]
    traits = IN_PROCESS[built.interface]
    return Stack(
        name=build,
        traits=replace(traits, facts=traits.facts | built.facts),
        make=lambda stack, name: InProcess(
            stack, name, built.make(named(name)), validate=built.validates, root_path=root, peer=peer
        ),
    )


@contextmanager
def on_server(
    kind: str,
    app: str = "",
    *,
    build: str = "",
    policy: str = "",
    options: tuple[str, ...] | None = None,
    tls: TLS | None = None,
    forwarded: bool = False,
) -> Iterator[Stack]:
    """Start a server and make the stack that speaks to it.

    ``app``: what of serve.py it serves, every policy unless told. ``build``: one of the BUILDS, the interface's raw
    application unless told. ``policy``: the one of a bare application. ``options``: in place of those of its traits.
    """
    traits = SERVERS[kind]
    facts = BUILDS[build].facts if build else frozenset()
    with serve(
        kind,
        f"tests.conformance.serve:{app or traits.interface}",
        env={"CONFORMANCE_BUILD": build, "CONFORMANCE_POLICY": policy or "recommended"},
        options=traits.options if options is None else options,
        tls=tls,
        forwarded=forwarded,
        ready="/health",
    ) as server:
        yield Stack(
            name=f"{build}@{kind}" if build else kind,
            traits=replace(traits, facts=traits.facts | facts),
            make=lambda stack, name: OverSocket(stack, name, server),
            real=True,
        )

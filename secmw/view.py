"""View: a request as checks read it; the Exchange is one, so there is one object per request and no second. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secmw.checks.host import Site
from secmw.http import Facts, text
from secmw.plan import Plan
from secmw.sessions.identifier import SELECTOR_LENGTH

if TYPE_CHECKING:
    from secmw.policy import Policy

NO_HEADERS: Final[Mapping[Any, Any]] = MappingProxyType({})


#: The target of a request that nobody will redirect.
NOWHERE: Final[tuple[Any, Any]] = ("/", "")


class View(msgspec.Struct):
    """Hold what came with a request.

    ``scheme`` is http or https, for a WebSocket too; ``path`` is decoded and below the mount point. ``peer`` is the
    address of the client after the resolver, or ASGI's pair of address and port, None for a unix socket. ``raw_cookie``
    is the Cookie header as the wire spells it, ``headers`` those of requests that are not both safe and ordinary, as
    :class:`secmw.http.Request` says. ``target``: path and query as they were sent, for a redirect to HTTPS. ``began``:
    when it began, in Unix seconds; where nobody has asked yet, the negative of a mark of the clock's, or 0 where its path has
    no sessions. ``root``: the mount point, on ASGI. ``presented``: the id of a session, as bytes; ``kept``: the record of that session as the memory of this process holds it, where there is nothing more to ask of it.
    """

    plan: Plan
    site: Site
    method: str
    scheme: str
    path: str
    peer: Any = None
    raw_cookie: Any = None
    began: float = 0.0
    presented: bytes | None = None
    kept: bytes | None = None
    target: tuple[Any, Any] = NOWHERE
    headers: Mapping[Any, Any] = NO_HEADERS
    facts: Facts | None = None
    root: str = ""

    @property
    def started(self) -> float:
        """When this request began, in Unix seconds; where its path has no sessions, when somebody first asked."""
        began = self.began
        if began <= 0:
            plan = self.plan
            began = self.began = plan.marked(-began) if began else plan.now()
        return began

    @property
    def host(self) -> str:
        """The host this request names, checked; with its port where that is not the default."""
        return self.site.host

    @property
    def origin(self) -> str:
        """Our own origin, as the browser must have spelled it."""
        return self.site.https_origin if self.scheme == "https" else self.site.http_origin

    @property
    def cookie(self) -> str | None:
        """The Cookie header, or None where there is none at all."""
        raw = self.raw_cookie
        return raw if raw is None or isinstance(raw, str) else str(raw, "latin-1")

    @property
    def client(self) -> str | None:
        """The address of the client, from the one resolver; None for a unix socket."""
        peer = self.peer
        return peer if peer is None or isinstance(peer, str) else peer[0] or None

    @property
    def local(self) -> bool:
        """Whether the host means this machine."""
        return self.site.local

    @property
    def named(self) -> bool:
        """Whether the policy names the host."""
        return self.site.named

    @property
    def forwarded(self) -> bool:
        """Whether any forwarding header came with the request, believed or not."""
        return self.facts is not None and self.facts.forwarded

    @property
    def socket(self) -> bool:
        """Whether the request asks for a WebSocket, or for any other protocol."""
        return self.facts is not None and (self.facts.socket or self.field("upgrade") is not None)

    @property
    def claims_https(self) -> bool:
        """Whether a peer that is not trusted says that the request came over HTTPS."""
        return self.facts is not None and self.facts.claims_https

    @property
    def certified(self) -> bool:
        """Whether the server checked a certificate of the client's."""
        return self.facts is not None and self.facts.certified

    def field(self, name: str) -> str | None:
        """Return a request header that checks read, by its lower-case name, as text."""
        value = self.headers.get(self.plan.wire.field(name))
        return None if value is None else text(value)

    @property
    def selector(self) -> str | None:
        """The public half of the session id that came with the request; whether there is such a session is another matter."""
        return None if self.presented is None else self.presented[:SELECTOR_LENGTH].decode()

    @property
    def form_limit(self) -> int:
        """How many bytes of a form are read to find the token."""
        return 0 if self.plan.xsrf is None else self.plan.xsrf.form_limit

    @property
    def policy(self) -> Policy:
        """The policy as it holds for this path."""
        return self.plan.policy

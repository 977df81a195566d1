"""Plan: a policy worked out for one wire, one class of paths and one kind of request.

Header lines are rendered and encoded, checks are in order, names to look for are collected. Nothing here sees a
request; :mod:`secmw.exchange` does, with a plan in its hand. :mod:`secmw.compile` makes plans, at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from secmw.paths import covers, exempt, odd

if TYPE_CHECKING:
    from secmw.checks import Check
    from secmw.checks.host import Site, Sites
    from secmw.checks.transport import Plain
    from secmw.checks.xsrf_token import XsrfToken
    from secmw.forwarding import Resolver
    from secmw.http import Line, Refusal, Wire
    from secmw.merge import Rule
    from secmw.policy import Policy
    from secmw.sessions.rules import Rules
    from secmw.xsrf import Tokens

#: Where everything we serve ourselves lives, below the mount point.
OWN_PREFIX: Final = "/_secmw/"

#: Stands in a rendered header where the nonce of a request goes.
NONCE_MARK: Final = "0nonce0"

#: A site has more paths than it has plans; past this many the memory of paths starts anew.
_REMEMBERED: Final = 4096
#: A longer path is not remembered: it is an attacker's more likely than a page's.
_LONGEST: Final = 512

#: An application that makes up header names fills no more memory than this.
_SPELLINGS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSet:
    """Hold our header lines for one channel: plain HTTP, or HTTPS to a host that HSTS may lock.

    ``lines`` is what an ordinary response gets, in one piece; ``read`` the same where the session was read; ``by_name``
    the first by lower-case name, without Vary;
    ``nonced`` the lines that change when a response uses the nonce, with a mark where it goes.
    """

    lines: list[Line]
    read: list[Line]
    by_name: Mapping[Any, Line]
    nonced: Mapping[Any, Line]

    def with_nonce(self, wire: Wire, nonce: str) -> dict[Any, Line]:
        """Return the lines by name, with the nonce in its places."""
        mark, value = wire.encode(NONCE_MARK), wire.encode(nonce)
        return {
            **self.by_name,
            **{key: (name, text.replace(mark, value)) for key, (name, text) in self.nonced.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hold what is known of a request before it arrives.

    ``plain``, ``locked`` and ``switched``: our header lines over plain HTTP, over HTTPS to a host that HSTS may lock,
    and on a 101. ``names``: which header names of an application's response need :func:`secmw.merge.merge`, ``read_names``
    where the session was read; ``rules`` says what to do with them. ``unstored``: the Cache-Control of a response that is
    for one person. ``ancestors``: who may frame pages of ours, None for nobody.

    ``ask``: the questions in order, or None. ``quiet``: nothing is asked of a request over HTTPS to a host of ours.
    ``lax``: whether this class may be easier than the base, so that the path as it was spelled is looked at again.
    ``behind_tls``: whether the policy vouches for HTTPS where the server sees none. ``own``: whether we answer in the
    application's place. ``sessions``: the rules for sessions, None for no sessions;
    ``find`` finds the id of one among the cookies (:func:`secmw.sessions.identifier.id_finder`), wherever the site has any. ``audited``: whether there is a trail.
    """

    policy: Policy
    wire: Wire
    plain: HeaderSet
    locked: HeaderSet
    switched: HeaderSet
    rules: Mapping[Any, Rule]
    names: Names
    read_names: Names
    unstored: str
    ancestors: str | None
    vary: tuple[str, ...]
    ask: Check | None
    transport: Callable[[Plain], Refusal | None]
    tokens: Tokens | None
    xsrf: XsrfToken | None
    harden: Callable[..., tuple[str, ...]] | None
    lax: bool
    behind_tls: bool
    quiet: bool
    own: bool
    sessions: Rules | None
    find: Callable[[Any], bytes | None] | None
    audited: bool
    now: Callable[[], float]


class Names(dict[Any, bool]):
    """Say of a header name, in whatever case an application writes it, whether it takes part in the merge.

    Applications send few names over and over; remembering each spelling saves a lower() and a hash per header. ``idle``
    holds those that take no part, which are nearly all: to look into a set takes half the time.
    """

    def __init__(self, lower: Iterable[Any]) -> None:
        super().__init__()
        self.lower = frozenset(lower)
        self.idle: set[Any] = set()

    def __missing__(self, name: Any) -> bool:
        found = name.lower() in self.lower
        if len(self) < _SPELLINGS:
            self[name] = found
            if not found:
                self.idle.add(name)
        return found


class Table(dict[str, Plan]):
    """Find the plan of a path: one look-up for a path seen before, the longest prefix otherwise.

    ``plans`` and ``exempted`` are by the prefix of the path class, "" for the base; the second for the paths that the
    class exempts, which ``exempt`` lists. ``strict`` is for odd paths, ``own`` for the pages we serve ourselves.
    """

    def __init__(
        self,
        plans: Mapping[str, Plan],
        exempted: Mapping[str, Plan],
        strict: Plan,
        own: Plan,
        exempt: Mapping[str, tuple[str, ...]],
    ) -> None:
        super().__init__()
        self._plans = plans
        self._exempted = exempted
        self._exempt = exempt
        self._own = own
        self._prefixes = sorted(filter(None, plans), key=len, reverse=True)
        self.strict = strict

    def __missing__(self, path: str) -> Plan:
        plan = self.find(path)
        if len(path) > _LONGEST:
            return plan
        if len(self) >= _REMEMBERED:
            self.clear()
        self[path] = plan
        return plan

    def find(self, path: str) -> Plan:
        """Find the plan of a path; an odd one gets nothing laxer than the base."""
        if odd(path):
            return self.strict
        if path.startswith(OWN_PREFIX):
            return self._own
        prefix = next((prefix for prefix in self._prefixes if covers(prefix, path)), "")
        return (self._exempted if exempt(self._exempt[prefix], path) else self._plans)[prefix]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNames:
    """Hold the few texts that reading a request needs, in the wire's type."""

    host: Any
    cookie: Any
    upgrade: Any
    comma: Any
    semicolon: Any

    @classmethod
    def of(cls, wire: Wire) -> OwnNames:
        """Spell them for a wire."""
        host, cookie, upgrade, comma, semicolon = map(wire.encode, ("host", "cookie", "upgrade", ", ", "; "))
        return cls(host=host, cookie=cookie, upgrade=upgrade, comma=comma, semicolon=semicolon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """Hold the plans of a whole site: ``safe`` and ``unsafe`` requests, and WebSocket handshakes (``socket``).

    ``marks``: the request headers, in the wire's type, that the quick look at a safe request stops at. ``wanted``:
    every header any check reads; ``forwarding`` and ``disguises``: the names of these kinds; ``closer``: those for which an
    unsafe request is looked at more closely. ``folds``: whether
    ``-legacy`` twins are read. ``home``: our one site where requests are not screened, so that nothing of them is read.
    ``notices``: what to log at start-up. ``now``: the time, in Unix seconds.
    """

    policy: Policy
    wire: Wire
    safe: Table
    unsafe: Table
    socket: Table
    sites: Sites
    home: Site | None
    resolver: Resolver
    marks: frozenset[Any]
    wanted: frozenset[Any]
    forwarding: frozenset[Any]
    disguises: frozenset[Any]
    closer: frozenset[Any]
    own_names: OwnNames
    folds: bool
    notices: tuple[str, ...]
    now: Callable[[], float]

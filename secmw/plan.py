"""Plan: a policy worked out for one wire, one class of paths and one kind of request.

Header lines are rendered and encoded, checks are in order, names to look for are collected. Nothing here sees a
request; :mod:`secmw.exchange` does, with a plan in its hand. :mod:`secmw.compile` makes plans, at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from secmw.http import text
from secmw.paths import covers, exempt, odd

if TYPE_CHECKING:
    from secmw.checks import Check
    from secmw.checks.host import Site, Sites
    from secmw.checks.transport import Plain
    from secmw.checks.unsafe import Knows
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

    ``lines`` is what an ordinary response gets, in one piece; ``read`` the same where the session was read, ``private`` where
    the response is one person's for another reason; ``by_name`` the first by lower-case name, without Vary;
    ``nonced`` the lines that change when a response uses the nonce, with a mark where it goes, and ``places`` where they stand
    in ``read`` and ``private``, with what is around the nonce. ``merged``: what came of the headers that applications send over and over.
    """

    lines: list[Line]
    read: list[Line]
    private: list[Line]
    by_name: Mapping[Any, Line]
    nonced: Mapping[Any, Line]
    places: tuple[tuple[int, Any, tuple[Any, ...]], ...]
    merged: dict[Any, list[Line]] = field(default_factory=dict, compare=False, repr=False)

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

    ``ask``: the questions in order, or None. ``knows``: of which POSTs their answers are known
    (:func:`secmw.checks.unsafe.recognised`), None where of none. ``quiet``: nothing is asked of a request over HTTPS to a host of ours.
    ``lax``: whether this class may be easier than the base, so that the path as it was spelled is looked at again.
    ``behind_tls``: whether the policy vouches for HTTPS where the server sees none. ``own``: whether we answer in the
    application's place. ``sessions``: the rules for sessions, None for no sessions;
    ``find`` finds the id of one among the cookies (:func:`secmw.sessions.identifier.id_finder`), wherever the site has any. ``audited``: whether there is a trail.
    ``now``: the time; ``marked``: what it was at a mark of the clock's (:func:`secmw.clock.marking`).
    ``with_headers`` returns the same plan with other settings of response headers.
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
    knows: Knows | None
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
    marked: Callable[[float], float]
    with_headers: Callable[[Mapping[str, Any]], Plan]


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
    class exempts, which ``exempt`` lists; ``exempts`` says the same of a path, for frameworks that know it from their
    routes. ``strict`` is for odd paths, ``own`` for the pages we serve ourselves.
    """

    def __init__(
        self,
        plans: Mapping[str, Plan],
        exempted: Mapping[str, Plan],
        strict: Plan,
        own: Plan,
        exempt: Mapping[str, tuple[str, ...]],
        *,
        exempts: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__()
        self._plans = plans
        self._exempted = exempted
        self._exempt = exempt
        self._exempts = exempts
        self._own = own
        self._prefixes = sorted(filter(None, plans), key=len, reverse=True)
        self.strict = strict
        self._spelled: dict[tuple[str, Any], Plan] = {}

    def __missing__(self, path: str) -> Plan:
        plan = self.find(path)
        if len(path) > _LONGEST:
            return plan
        if len(self) >= _REMEMBERED:
            self.clear()
        self[path] = plan
        return plan

    def closely(self, path: str, spelled: Any) -> Plan:
        """Find the plan of a path of which the wire's spelling is known too: nothing laxer than the base if that is odd."""
        # Of the class that is asked least, nearly every path is the same few, spelled the same way.
        found = self._spelled.get((path, spelled))
        if found is None:
            found = self[path]
            if found.lax and odd(path, text(spelled)):
                return self.strict
            if len(spelled) <= _LONGEST:
                if len(self._spelled) >= _REMEMBERED:
                    self._spelled.clear()
                self._spelled[path, spelled] = found
        return found

    def find(self, path: str) -> Plan:
        """Find the plan of a path; an odd one gets nothing laxer than the base."""
        if odd(path):
            return self.strict
        if path.startswith(OWN_PREFIX):
            return self._own
        prefix = next((prefix for prefix in self._prefixes if covers(prefix, path)), "")
        free = exempt(self._exempt[prefix], path) or (self._exempts is not None and self._exempts(path))
        return (self._exempted if free else self._plans)[prefix]


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
        host, cookie, upgrade = map(wire.field, ("host", "cookie", "upgrade"))
        comma, semicolon = map(wire.encode, (", ", "; "))
        return cls(host=host, cookie=cookie, upgrade=upgrade, comma=comma, semicolon=semicolon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """Hold the plans of a whole site: ``safe`` and ``unsafe`` requests, and WebSocket handshakes (``socket``).

    ``marks``: the request headers, by the wire's keys, that the quick look at a safe request stops at. ``wanted``:
    every header any check reads; ``disguises``: those of this kind; ``forwarding``: to the keys of these their names; ``closer``: those for which an
    unsafe request is looked at more closely. ``folds``: whether
    ``-legacy`` twins are read. ``home``: our one site where requests are not screened, so that nothing of them is read.
    ``notices``: what to log at start-up. ``now``: the time, in Unix seconds;
    ``mark`` marks a moment for half the price, of which :attr:`Plan.marked` makes the time where somebody asks.
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
    forwarding: Mapping[Any, str]
    disguises: frozenset[Any]
    closer: frozenset[Any]
    own_names: OwnNames
    folds: bool
    notices: tuple[str, ...]
    now: Callable[[], float]
    mark: Callable[[], float]

"""What a request really is, when it is not an ordinary one. Pure; both middlewares share it.

An ordinary safe request has one Host, at most one Cookie and no header that could make it something else; where no proxy
is trusted, the middlewares read it in one quick look. Everything else comes here: unsafe requests, WebSocket handshakes,
forwarding headers, repeated fields, upgrades, method overrides, ``-legacy`` twins. :func:`read` understands all of it; :func:`usual`
says the same of what comes all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from secmw.checks import Bound, Wants
from secmw.checks.host import Site
from secmw.cookies import fold_twins
from secmw.exchange import RECORD, SCREEN, Exchange
from secmw.forwarding import ForwardingError, Resolved
from secmw.http import SAFE_METHODS, Facts, HeaderText, Reason, Refusal, text
from secmw.plan import Plans
from secmw.sessions.identifier import TWO
from secmw.sessions.recognising import LoadNow, identified, met, unchanged
from secmw.view import NO_HEADERS, NOWHERE

_DETAILS: Final = {
    Reason.PEER_REWRITTEN: "This server was told to rewrite who the client is, so nobody can say who it is.",
    Reason.FORWARDED_AMBIGUOUS: "A forwarding header of this request says two things.",
    Reason.FORWARDED_MALFORMED: "A forwarding header of this request makes no sense.",
}

#: What exchanges ask of the facts about a request with forwarding headers, by whether somebody unbelieved speaks of HTTPS.
_FORWARDED: Final = {
    claims: Facts("", "", "", None, NO_HEADERS, NO_HEADERS, forwarded=True, claims_https=claims)
    for claims in (False, True)
}

# The member of an enum is looked up each time it is named.
_SELECTOR: Final = Bound.SELECTOR

#: A site has more clients than it has proxies; past this many the memory of what is said of them starts anew.
_REMEMBERED: Final = 4096
#: What is longer than this altogether, in characters, is not remembered: somebody made it up.
_LONGEST: Final = 512


class Seen(msgspec.Struct):
    """Hold what the application shall see in place of what came.

    ``forwarding``: the rebuilt forwarding headers; every other spelling of them is removed, and without any, scheme
    and client are as they came. ``host`` and ``cookie``: what replaces those headers, None to leave them.
    ``disagreeing``: names of cookies whose ``-legacy`` twin said something else and was ignored.
    """

    scheme: str
    client: str | None
    host: str | None
    forwarding: tuple[tuple[str, str], ...]
    cookie: str | None
    disagreeing: tuple[str, ...] = ()


class Relay(msgspec.Struct, gc=False):
    """Hold what came of one way in: a peer that is believed, a Host, and all that forwarding headers said.

    ``removed``: the headers that the application does not see as they came, by the wire's keys; ``seen``: what it sees.
    ``changes``: that as the wire spells it, for the module of the wire to keep here.
    """

    site: Site
    facts: Facts
    removed: frozenset[Any]
    seen: Seen
    changes: Any = None


# An object to hold what is given, and a call for each part, would take as long as what this saves.
def usual(  # noqa: PLR0912, PLR0917
    plans: Plans,
    method: str,
    scheme: str,
    path: str,
    peer: Any,
    fields: Mapping[Any, Any],
    target: Callable[[Any], tuple[Any, Any]],
    source: Any,
    load_now: LoadNow | None = None,
) -> tuple[Exchange, Relay | None] | None:
    """Work out a request of which nothing came twice; None for one that only :func:`read` understands.

    It says what read would say, in a fraction of the time: there are no disguises and no twins to think of, and what a proxy of ours
    says of a client, again and again, is remembered by everything it depends on. Return with the exchange the way in where
    there were forwarding headers.
    """
    names = plans.own_names
    cookie = fields.get(names.cookie)
    if plans.home is not None or (plans.folds and cookie is not None):
        return None
    relay = facts = None
    if not plans.resolver.believing:
        if not plans.closer.isdisjoint(fields):
            return None
        site = plans.sites[fields.get(names.host)]
    elif found := plans.closer.intersection(fields):
        relay = _relayed(plans, scheme, peer, fields, found)
        if relay is None:
            return None
        site, facts, seen = relay.site, relay.facts, relay.seen
        scheme, peer = seen.scheme, seen.client
    else:
        site = plans.sites[fields.get(names.host)]
    safe = method in SAFE_METHODS
    table = plans.safe if safe else plans.unsafe
    plan = table[path]
    if plan.lax:
        plan = table.closely(path, target(source)[0])
    # A moment is marked for half of what the time costs, and only ids are compared with the time.
    now = -plans.mark() if cookie is None else plans.now()
    presented = kept = bound = None
    wants: Wants | None = SCREEN
    where = NOWHERE
    if scheme != "https":
        where = target(source)
    elif site.refusal is not None:
        pass
    elif safe and plan.quiet:
        # There is nothing to ask; what is left to find out is whose request it is. Only twins depend on a header.
        wants = None
        if not plans.folds:
            fields = NO_HEADERS
        if cookie is not None and plan.sessions is not None:
            presented, kept = met(load_now, plan, cookie, now)
            if presented is TWO:
                wants = SCREEN
            elif kept is None and presented is not None:
                wants = RECORD
    elif method == "POST" and plan.knows is not None and plan.sessions is not None:
        # A script sends one token all through its session, and one Cookie header: if both were good before, there is nothing
        # to ask but whether the session is still what it was.
        known = plan.sessions.familiar.get(cookie)
        if known is not None and plan.knows(fields, known[2]):
            kept = unchanged(load_now, known, now)
            if kept is not None:
                presented, wants, bound = known[0], None, _SELECTOR
    if wants is SCREEN and presented is None and cookie is not None:
        presented = identified(plan, cookie)
    exchange = Exchange(
        plan,
        site,
        method,
        scheme,
        path,
        peer,
        cookie,
        now,
        presented,
        kept,
        where,
        fields,
        facts,
        wants=wants,
        bound=bound,
    )
    if wants is SCREEN:
        exchange.screen(load_now)
    return exchange, relay


def _relayed(
    plans: Plans, scheme: str, peer: Any, fields: Mapping[Any, Any], found: frozenset[Any]
) -> Relay | None:
    """Return what came of the forwarding headers that were ``found``; None for what is refused, or only read understands.

    It depends on the peer's address, on the scheme and the Host as they came, and on these headers, and on nothing else: so these
    are what it is remembered by.
    """
    resolver = plans.resolver
    address, port = peer or (None, None)
    if not resolver.trusts_server and address and (port if type(port) is int else _number(port)) == 0:
        return None
    came = fields.get(plans.own_names.host)
    # Names and values one by one, each in the order of the same set.
    way = (address, scheme, came, *found, *map(fields.get, found))
    relay: Relay | None = resolver.relays.get(way)
    if relay is not None:
        return relay
    # Nobody but our own proxies repeats what counts, and what others make up shall fill no memory.
    if (
        not plans.disguises.isdisjoint(found)
        or not resolver.believes(address)
        or sum(len(part) for part in way if part is not None) > _LONGEST
    ):
        return None
    said = {plans.forwarding[name]: [text(fields[name])] for name in found}
    try:
        answer = _resolve(plans, peer, scheme, came, said)
    except ForwardingError:
        return None
    site = plans.sites[answer.host]
    if site.refusal is not None:
        return None
    seen = _seen(answer.scheme, answer.client, answer.host, came, answer.rebuilt)
    relay = Relay(
        site,
        _FORWARDED[_claims_https(said, resolver.names if answer.rebuilt else ())],
        found if seen.host is None else found | {plans.own_names.host},
        seen,
    )
    if len(resolver.relays) >= _REMEMBERED:
        resolver.relays.clear()
    resolver.relays[way] = relay
    return relay


def read(
    plans: Plans, facts: Facts, target: Callable[[Any], tuple[Any, Any]], source: Any
) -> tuple[Exchange, Seen | None]:
    """Work out a request: resolve who and where it is, join what is repeated, choose its plan, and screen it.

    ``target(source)`` tells path and query as they were sent, in the wire's type; few requests need them. Return with the
    exchange what the application shall see otherwise, None for nothing.
    """
    fields = facts.fields
    names = plans.own_names
    if facts.repeated:
        fields = dict(fields)
        for name, values in facts.repeated.items():
            fields[name] = (names.semicolon if name == names.cookie else names.comma).join(values)
    table = plans.unsafe
    if facts.socket:
        table = plans.socket
    elif facts.method in SAFE_METHODS:
        disguises = plans.disguises.intersection(fields)
        if not disguises:
            table = plans.safe
        elif disguises == {names.upgrade}:
            table = plans.socket
    # Two Hosts have been joined by a comma, which no host has.
    host = fields.get(names.host)
    cookie = fields.get(names.cookie)
    scheme = facts.scheme
    peer: Any = facts.peer
    rebuilt: tuple[tuple[str, str], ...] = ()
    refusal = None
    forwarding = plans.forwarding.keys() & fields.keys()
    if forwarding:
        facts.forwarded = True
        said = {
            plans.forwarding[key]: [text(line) for line in facts.repeated.get(key) or (fields[key],)]
            for key in forwarding
        }
        try:
            answer = _resolve(plans, facts.peer, scheme, host, said)
        except ForwardingError as error:
            refusal = Refusal(400, error.reason, _DETAILS[error.reason], note=str(error))
        else:
            scheme, peer, rebuilt, host = answer.scheme, answer.client, answer.rebuilt, answer.host
        facts.claims_https = _claims_https(said, plans.resolver.names if rebuilt else ())
    folded: str | None = None
    disagreeing: tuple[str, ...] = ()
    if plans.folds and cookie is not None:
        folded, disagreeing = fold_twins(text(cookie))
        folded = None if folded == text(cookie) else folded
    plan = table[facts.path]
    if plan.lax:
        plan = table.closely(facts.path, target(source)[0])
    exchange = Exchange(
        plan,
        plans.home or plans.sites[host],
        facts.method,
        scheme,
        facts.path,
        peer,
        cookie,
        plans.now(),
        None if cookie is None else identified(plan, cookie),
        None,
        NOWHERE if scheme == "https" else target(source),
        fields,
        facts,
    )
    if refusal is not None:
        exchange.refuse(refusal)
    else:
        exchange.screen()
    if not facts.forwarded and folded is None:
        return exchange, None
    seen = _seen(scheme, exchange.client, host, fields.get(names.host), rebuilt)
    seen.cookie, seen.disagreeing = folded, disagreeing
    return exchange, seen


def _seen(
    scheme: str,
    client: str | None,
    host: HeaderText | None,
    came: HeaderText | None,
    rebuilt: tuple[tuple[str, str], ...],
) -> Seen:
    """Say what the application sees: ``host`` in place of the one that ``came``, where headers were believed."""
    shown = None if host is None or not rebuilt else text(host)
    if shown == text(came or ""):
        shown = None
    return Seen(scheme, client, shown, rebuilt, None)


def _resolve(
    plans: Plans, peer: Any, scheme: str, host: HeaderText | None, said: Mapping[str, list[str]]
) -> Resolved:
    address, port = peer or (None, None)
    return plans.resolver.resolve(
        peer=address or None,
        port=_number(port),
        scheme=scheme,
        host=None if host is None else text(host),
        fields=said,
    )


def _number(port: Any) -> int | None:
    """Return a port as a number, and None for what is none; granian and WSGI servers give it as text."""
    return int(port) if port is not None and str(port).isdecimal() else None


def _claims_https(said: Mapping[str, Sequence[str]], believed: Collection[str]) -> bool:
    """Say whether a forwarding header that was not believed speaks of HTTPS, or a port does and nothing else."""
    if "x-forwarded-proto" not in said and any(
        line.strip() == "443" for line in said.get("x-forwarded-port", ())
    ):
        return True
    doubted = (line.lower() for name, lines in said.items() if name not in believed for line in lines)
    return any("https" in line or line.strip() == "on" for line in doubted)

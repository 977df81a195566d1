"""What a request really is, when it is not an ordinary one. Pure; both middlewares share it.

An ordinary safe request has one Host, at most one Cookie and no header that could make it something else; the
middlewares read it in one quick look. Everything else comes here: unsafe requests, WebSocket handshakes, forwarding
headers, repeated fields, upgrades, method overrides, ``-legacy`` twins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from secmw.cookies import fold_twins
from secmw.exchange import Exchange
from secmw.forwarding import ForwardingError, Resolved
from secmw.http import SAFE_METHODS, Facts, HeaderText, Reason, Refusal, text
from secmw.paths import odd
from secmw.plan import Plan, Plans, Table
from secmw.sessions.recognising import LoadNow, identified
from secmw.view import NOWHERE

_DETAILS: Final = {
    Reason.PEER_REWRITTEN: "This server was told to rewrite who the client is, so nobody can say who it is.",
    Reason.FORWARDED_AMBIGUOUS: "A forwarding header of this request says two things.",
    Reason.FORWARDED_MALFORMED: "A forwarding header of this request makes no sense.",
}


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


def choose(table: Table, path: str, spelled: HeaderText) -> Plan:
    """Find the plan of a path, looking again at a lax one's path as it was spelled, in the wire's type."""
    plan = table[path]
    if plan.lax and odd(path, text(spelled)):
        return table.strict
    return plan


def usual(  # noqa: PLR0917 - an object to hold them would take as long as what this saves
    plans: Plans,
    method: str,
    scheme: str,
    path: str,
    peer: Any,
    fields: Mapping[Any, Any],
    target: Callable[[Any], tuple[Any, Any]],
    source: Any,
    load_now: LoadNow | None = None,
) -> Exchange | None:
    """Work out an unsafe request of which nothing came twice; None for one that only :func:`read` understands.

    It says what read would say, in half the time: there are no forwarding headers, no disguise and no twins to think of.
    """
    names = plans.own_names
    cookie = fields.get(names.cookie)
    if (
        method in SAFE_METHODS
        or not plans.closer.isdisjoint(fields)
        or (plans.folds and cookie is not None)
        or plans.home is not None
    ):
        return None
    plan = plans.unsafe[path]
    if plan.lax:
        plan = choose(plans.unsafe, path, target(source)[0])
    return Exchange(
        plan,
        plans.sites[fields.get(names.host)],
        method,
        scheme,
        path,
        peer,
        cookie,
        plans.now(),
        None if cookie is None else identified(plan, cookie),
        None,
        NOWHERE if scheme == "https" else target(source),
        fields,
    ).screen(load_now)


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
    if not plans.forwarding.isdisjoint(fields):
        facts.forwarded = True
        said = {
            text(name): [text(line) for line in facts.repeated.get(name) or (value,)]
            for name, value in fields.items()
            if name in plans.forwarding
        }
        try:
            answer = _resolve(plans, facts, host, said)
        except ForwardingError as error:
            refusal = Refusal(400, error.reason, _DETAILS[error.reason], note=str(error))
        else:
            scheme, peer, rebuilt, host = answer.scheme, answer.client, answer.rebuilt, answer.host
        facts.claims_https = _claims_https(said, () if not rebuilt else plans.resolver.names)
    folded: str | None = None
    disagreeing: tuple[str, ...] = ()
    if plans.folds and cookie is not None:
        folded, disagreeing = fold_twins(text(cookie))
        folded = None if folded == text(cookie) else folded
    plan = table[facts.path]
    if plan.lax:
        plan = choose(table, facts.path, target(source)[0])
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
    rehosted = rebuilt and host is not None and text(host) != text(fields.get(names.host, ""))
    return exchange, Seen(
        scheme, exchange.client, text(host) if rehosted else None, rebuilt, folded, disagreeing
    )


def _resolve(plans: Plans, facts: Facts, host: HeaderText | None, said: Mapping[str, list[str]]) -> Resolved:
    address, port = facts.peer or (None, None)
    return plans.resolver.resolve(
        peer=address or None,
        # granian gives the port as text.
        port=int(port) if port is not None and str(port).isdecimal() else None,
        scheme=facts.scheme,
        host=None if host is None else text(host),
        fields=said,
    )


def _claims_https(said: Mapping[str, Sequence[str]], believed: Collection[str]) -> bool:
    """Say whether a forwarding header that was not believed speaks of HTTPS, or a port does and nothing else."""
    if "x-forwarded-proto" not in said and any(
        line.strip() == "443" for line in said.get("x-forwarded-port", ())
    ):
        return True
    doubted = (line.lower() for name, lines in said.items() if name not in believed for line in lines)
    return any("https" in line or line.strip() == "on" for line in doubted)

"""What a request really is, when it is not an ordinary one. Pure; both middlewares share it.

An ordinary safe request has one Host, at most one Cookie and no header that could make it something else; the
middlewares read it in one quick look. Everything else comes here: unsafe requests, WebSocket handshakes, forwarding
headers, repeated fields, upgrades, method overrides, ``-legacy`` twins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from secmw.cookies import fold_twins
from secmw.exchange import Exchange
from secmw.forwarding import FORWARDING, ForwardingError
from secmw.http import DISGUISES, SAFE_METHODS, Facts, HeaderText, Reason, Refusal
from secmw.merge import text
from secmw.paths import odd
from secmw.plan import Plan, Plans, Table

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


def read(plans: Plans, facts: Facts) -> tuple[Exchange, Seen | None]:
    """Work out a request: resolve who and where it is, join what is repeated, choose its plan, and screen it.

    Return with the exchange what the application shall see otherwise, None for nothing.
    """
    fields = facts.fields
    table = plans.unsafe
    if facts.socket:
        table = plans.socket
    elif facts.method in SAFE_METHODS and DISGUISES.isdisjoint(fields):
        table = plans.safe
    elif facts.method in SAFE_METHODS and "upgrade" in fields:
        table = plans.socket
    for name, values in facts.repeated.items() if facts.repeated else ():
        fields[name] = ("; " if name == "cookie" else ", ").join(values)
    # Two Hosts have been joined by a comma, which no host has.
    host = fields.get("host")
    scheme, client = facts.scheme, facts.peer
    rebuilt: tuple[tuple[str, str], ...] = ()
    refusal = None
    forwarded = not FORWARDING.isdisjoint(fields)
    if forwarded:
        said = {
            name: facts.repeated.get(name) or [value] for name, value in fields.items() if name in FORWARDING
        }
        try:
            answer = plans.resolver.resolve(
                peer=client, port=facts.port, scheme=scheme, host=host, fields=said
            )
        except ForwardingError as error:
            refusal = Refusal(400, error.reason, _DETAILS[error.reason], note=str(error))
        else:
            scheme, client, rebuilt, host = answer.scheme, answer.client, answer.rebuilt, answer.host
    facts.forwarded = forwarded
    facts.claims_https = forwarded and not rebuilt and _claims_https(fields)
    cookie = fields.get("cookie")
    folded, disagreeing = fold_twins(cookie) if plans.folds and cookie is not None else (cookie, ())
    exchange = Exchange(
        choose(table, facts.path, facts.target[0]),
        plans.home or plans.sites[host],
        facts.method,
        scheme,
        facts.path,
        client,
        cookie,
        facts.target,
        fields,
        facts,
    )
    if refusal is not None:
        exchange.refuse(refusal)
    else:
        exchange.screen()
    if not forwarded and folded is cookie:
        return exchange, None
    return exchange, Seen(
        scheme,
        client,
        host if rebuilt and host != fields.get("host") else None,
        rebuilt,
        folded if folded != cookie else None,
        disagreeing,
    )


def _claims_https(fields: Mapping[str, str]) -> bool:
    """Say whether a forwarding header, believed or not, speaks of HTTPS."""
    said = (value.lower() for name, value in fields.items() if name in FORWARDING)
    return any("https" in value or value == "on" for value in said)

"""What a request really is, when it is not an ordinary one. Pure; both middlewares share it.

An ordinary safe request has one Host, at most one Cookie and no header that could make it something else; the
middlewares read it in one quick look. Everything else comes here: unsafe requests, WebSocket handshakes, forwarding
headers, repeated fields, upgrades, method overrides, ``-legacy`` twins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secmw.compile import DISGUISES
from secmw.cookies import fold_twins
from secmw.exchange import Exchange
from secmw.forwarding import FORWARDING, ForwardingError
from secmw.http import SAFE_METHODS, Reason, Refusal
from secmw.paths import odd
from secmw.plan import Plan, Plans, Table

_DETAILS = {
    Reason.PEER_REWRITTEN: "This server was told to rewrite who the client is, so nobody can say who it is.",
    Reason.FORWARDED_AMBIGUOUS: "A forwarding header of this request says two things.",
    Reason.FORWARDED_MALFORMED: "A forwarding header of this request makes no sense.",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what a wire says of a request, as text.

    ``fields``: lower-case names to their values, in order, as they came. ``raw``: path and query as they were sent,
    for redirects and for the look at the path's spelling; an empty path where the server does not tell.
    """

    method: str
    scheme: str
    path: str
    raw: tuple[Any, Any]
    spelled: str
    peer: str | None
    port: int | None
    fields: Mapping[str, Sequence[str]]
    certified: bool = False
    socket: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what the application shall see in place of what came, where the two differ.

    ``forwarding``: the rebuilt forwarding headers; every other spelling of them is removed. ``cookie``: the Cookie
    header with twins folded, None to leave it. Without ``forwarding`` scheme and client are as they came.
    """

    scheme: str
    client: str | None
    host: str | None
    forwarding: tuple[tuple[str, str], ...]
    cookie: str | None


def choose(table: Table, path: str, spelled: str) -> Plan:
    """Find the plan of a path, looking again at a lax one's path as it was spelled."""
    plan = table[path]
    return table.strict if plan.lax and "%" in spelled and odd(path, spelled) else plan


def read(plans: Plans, facts: Facts) -> tuple[Exchange, Seen]:
    """Work out a request: resolve who and where it is, join what is repeated, choose its plan, and screen it."""
    fields = facts.fields
    disguised = not DISGUISES.isdisjoint(fields)
    if facts.socket or "upgrade" in fields:
        table = plans.socket if facts.method in SAFE_METHODS else plans.unsafe
    else:
        table = plans.safe if facts.method in SAFE_METHODS and not disguised else plans.unsafe
    hosts = fields.get("host", ())
    host = hosts[0] if len(hosts) == 1 else None
    scheme, client, refusal = facts.scheme, facts.peer, None
    forwarded = {name: values for name, values in fields.items() if name in FORWARDING}
    rebuilt: tuple[tuple[str, str], ...] = ()
    if forwarded:
        try:
            answer = plans.resolver.resolve(
                peer=client, port=facts.port, scheme=scheme, host=host, fields=forwarded
            )
        except ForwardingError as error:
            refusal = Refusal(400, error.reason, _DETAILS[error.reason], note=str(error))
        else:
            scheme, client, rebuilt = answer.scheme, answer.client, answer.rebuilt
            host = answer.host
    cookie = "; ".join(fields["cookie"]) if "cookie" in fields else None
    folded = None
    if plans.folds and cookie is not None:
        folded, _ = fold_twins(cookie)
    exchange = Exchange(
        choose(table, facts.path, facts.spelled),
        plans.sites[host],
        facts.method,
        scheme,
        facts.path,
        client,
        cookie,
        facts.raw,
        {name: ", ".join(values) for name, values in fields.items()},
        forwarded=bool(forwarded),
        claims_https=not rebuilt and _claims_https(forwarded),
        certified=facts.certified,
    )
    if refusal is not None:
        exchange.refuse(refusal)
    else:
        exchange.screen()
    seen = Seen(
        scheme=scheme,
        client=client,
        host=host if rebuilt and [host] != list(hosts) else None,
        forwarding=rebuilt,
        cookie=folded if folded != cookie else None,
    )
    return exchange, seen


def _claims_https(forwarded: Mapping[str, Sequence[str]]) -> bool:
    """Say whether a forwarding header, believed or not, speaks of HTTPS."""
    return any(
        "https" in value.lower() or value.lower() == "on" for values in forwarded.values() for value in values
    )

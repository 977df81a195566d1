"""Who asks, and by which URL: from the connection, and from what our own proxies say about it.

Pure. Everything that depends on scheme, host, port or client (redirect, HSTS, cookies, XSRF, throttling, audit) uses this
one answer. A family of headers is one file in this folder. The rules:

The peer
    1. The peer is the other end of the socket. Forwarding headers are believed only if it is in ``trusted_proxies``:
       addresses, networks, and ``unix`` for a unix socket, whose peers have no address. The default trusts nobody.
    2. A server that replaces the peer by what a header says takes away what could be judged. uvicorn marks this with
       client port 0: beside a forwarding header that is PEER_REWRITTEN. With ``trusted_proxies = "server"`` the
       server's answer is taken as it is and no header is read.
    3. One family is read. Headers of the others, of unknown names and in underscore spellings are neither read nor
       shown to the application (:data:`FORWARDING`, :data:`SPELLINGS`, :data:`WSGI_KEYS`).

The client
    4. The list (``X-Forwarded-For``, or the elements of ``Forwarded``) is walked from right to left, several lines being
       one list. Each trusted address is one more proxy, at most ``hops`` of them, our peer the first. The first address
       that is not trusted, or that lies beyond the last hop, is the client; if the list ends before, its leftmost
       address is.
    5. An element is an IPv4 or IPv6 address, in brackets or not, with or without a port. Anything else (``unknown``,
       ``_hidden``, a name, an empty element) ends the walk: the client is then the last proxy that was reached. So
       nothing that a client wrote is ever taken, and whatever it puts in front changes nothing.
    6. Addresses come in canonical text; an IPv4-mapped IPv6 address is the IPv4 address.

Scheme, host and port
    7. ``X-Forwarded-Proto``, ``-Host``, ``-Port`` and the URL headers have one value. Each trusted proxy either replaces
       it, passes it on, or appends its own: one value is taken as it is; of one value per trusted proxy on the way (as
       rule 4 counted them) the leftmost counts, the outermost proxy's. Any other number is FORWARDED_AMBIGUOUS, unless
       it is smaller and all are equal. The outermost proxy must replace or remove what clients send.
    8. A scheme is http, https, ws or wss, a host is what :func:`secmw.hosts.parse_authority` reads, a port is 1 to 65535;
       anything else is FORWARDED_MALFORMED. ``ws`` and ``wss`` count as ``http`` and ``https``.
    9. ``X-Forwarded-Port`` replaces the port of the host, forwarded or own. The default port of the scheme is left out.
    10. Of ``Forwarded`` only the elements that rule 4 walked are read, and must follow RFC 7239. ``host`` and ``proto``
        are each taken from the outermost of them that has it. A quote that does not end, or a backslash outside quotes,
        spoils its whole line, since what was appended to it can't be told any more.
    11. ``X-RSC-Request`` and ``X-RStudio-Request`` hold an absolute http or https URL, whose scheme, host and port
        count. The client comes from ``X-Forwarded-For`` in the same request, else it is the peer.
    12. What the headers leave open is the request's own. A forwarded host never stands in for a missing or malformed
        Host: ``host`` is then ``""``, which no list of hosts allows.

What the application sees
    13. Where the peer is trusted and sent headers of the family, they are rebuilt from the answer, one value each;
        everything else in :data:`FORWARDING` is removed. Where it is not, all of it is removed.
"""

from __future__ import annotations

from secmw.forwarding.base import Family, Fields, ForwardingError, Resolved
from secmw.forwarding.names import FORWARDING, SPELLINGS, WSGI_KEYS
from secmw.forwarding.resolver import MAX_HOPS, FamilyName, Resolver
from secmw.forwarding.trust import TrustedProxies

__all__ = [
    "Resolver",
    "Resolved",
    "ForwardingError",
    "TrustedProxies",
    "FORWARDING",
    "SPELLINGS",
    "WSGI_KEYS",
    "Family",
    "FamilyName",
    "Fields",
    "MAX_HOPS",
]

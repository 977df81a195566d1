"""Ask a resolver about one request, saying only what matters."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from secmw.forwarding import Fields, ForwardingError, Resolved, Resolver, TrustedProxies
from secmw.forwarding.resolver import FamilyName
from secmw.http import Reason

PROXY, SECOND, THIRD, CLIENT = "10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.7"
TRUSTED = TrustedProxies.of(["10.0.0.0/8", "2001:db8:aaaa::/48", "unix"])

FAMILIES: tuple[FamilyName, ...] = ("x-forwarded", "forwarded", "x-rsc-request", "x-rstudio-request")
HEADERS = (
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "forwarded",
    "x-rsc-request",
    "x-rstudio-request",
)

#: What a client may put into a field: anything, and more often what looks almost right.
JUNK = st.text(max_size=40) | st.lists(
    st.sampled_from(
        [
            "10.0.0.2",
            "192.0.2.9",
            "::1",
            "[::1]:80",
            "unknown",
            "_x",
            "for=",
            "proto=",
            "host=",
            "https",
            "http",
            "https://",
            "evil.example",
            ",",
            ", ",
            ";",
            '"',
            "\\",
            '\\"',
            " ",
            "\t",
            "\r\n",
            "\x00",
            "=",
            ":",
            "80",
        ]
    ),
    max_size=12,
).map("".join)
#: Addresses as proxies write them, ours among them.
NODES = st.sampled_from(
    [
        PROXY,
        SECOND,
        f"{THIRD}:8080",
        CLIENT,
        f"{CLIENT}:47011",
        "[2001:db8::7]:1",
        "2001:db8:aaaa::1",
        "unknown",
        "_a",
        "",
    ]
)


def ask(
    fields: Fields,
    *,
    hops: int = 1,
    family: FamilyName = "x-forwarded",
    trusted: TrustedProxies = TRUSTED,
    peer: str | None = PROXY,
    port: int | None = 40000,
    scheme: str = "http",
    host: str | None = "app.test",
) -> Resolved:
    return Resolver(trusted, hops, family).resolve(
        peer=peer, port=port, scheme=scheme, host=host, fields=fields
    )


def attempt(
    fields: Fields,
    *,
    hops: int = 1,
    family: FamilyName = "x-forwarded",
    peer: str = PROXY,
    host: str | None = "app.test",
) -> Resolved | ForwardingError:
    """Ask, and give back the error as a value."""
    try:
        return ask(fields, hops=hops, family=family, peer=peer, host=host)
    except ForwardingError as error:
        return error


def refused(fields: Fields, *, hops: int = 1, family: FamilyName = "x-forwarded") -> Reason | None:
    """Answer with the reason, or None where it is not refused."""
    answer = attempt(fields, hops=hops, family=family)
    return answer.reason if isinstance(answer, ForwardingError) else None


def lines(name: str, *values: str) -> dict[str, Sequence[str]]:
    return {name: values}

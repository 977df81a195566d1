"""Who is who: the sites under a policy, by host, and the hosts that are nobody's.

Each policy has a host of its own, so that one server serves them all and a test says by an address which it means.
All hosts have default ports in the browser's eyes; it is told which real port stands behind each (see chromium.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from secmw import Policy
from secmw.config.settings import Sessions

#: A key that protects nothing but these tests.
KEY: Final = "dGhlIGtleSBvZiB0aGUgYnJvd3NlciBzdWl0ZSwgMzIh"

#: Other sites. None of them is protected; ``portal`` is the one that may frame ours.
EVIL: Final = "https://evil.test"
PORTAL: Final = "https://portal.test"

#: A second port of the ``embed`` host, where the same application runs before it was told to embed.
BEFORE: Final = 8443


#: The hosts where people sign in; see people.py.
PEOPLE: Final = ("people", "guarded", "live", "later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Be the family of hosts that one server serves; to the browser they are all of one site."""

    server: str
    domain: str

    def __getitem__(self, name: str) -> str:
        """Return the origin of the site with this policy, or of a sibling that has none."""
        return f"https://{name}.{self.domain}"

    @property
    def app(self) -> str:
        """The site under the recommended policy."""
        return self["app"]

    @property
    def people(self) -> str:
        """The site where people sign in, under the recommended policy."""
        return self["people"]

    @property
    def sibling(self) -> str:
        """A host of the same site that is not protected, and not ours."""
        return self["api"]

    @property
    def before(self) -> str:
        """The ``embed`` host before it embeds: another port, which cookies don't tell apart."""
        return f"{self['embed']}:{BEFORE}"


ASGI: Final = Sites(server="uvicorn-httptools", domain="secmw.test")
WSGI: Final = Sites(server="gunicorn-gthread", domain="wsgi.test")


def policies(sites: Sites) -> dict[str, Policy]:
    """Return the policy of each host (with its port where that is not the default) that has one."""

    def named(name: str, **settings: Any) -> dict[str, Any]:
        return {"secret_keys": [KEY], "public_url": sites[name], "sessions": None, **settings}

    def signed(name: str, sessions: Any = (), **settings: Any) -> dict[str, Any]:
        rules = Sessions(lifetime="1h", inactivity="10m", sign_in_url="/sign-in", **dict(sessions))
        return named(name, sessions=rules, store=f"sqlite:{name}.db", **settings)

    made = {
        "people": Policy.recommended(**signed("people", http_exempt=["/add"])),
        "guarded": Policy.strict(**signed("guarded")),
        # Where sockets and streams are open for long, and are looked after often.
        "live": Policy.recommended(**signed("live", {"recheck": 0.2, "close_code": 4500})),
        "later": Policy.recommended(**signed("later", {"recheck": 0.2, "websocket": "next_message"})),
        "app": Policy.recommended(**named("app", http_exempt=["/health"])),
        "strict": Policy.strict(**named("strict")),
        "connect": Policy.connect(**named("connect")),
        "embed": Policy.recommended(**named("embed")).embed([PORTAL]),
        # Each of the two ways to say who may frame a page, without the other.
        "options": Policy.recommended(**named("options", drop_headers=["Content-Security-Policy"])),
        "ancestors": Policy.recommended(**named("ancestors", drop_headers=["X-Frame-Options"])),
        # What the browser does when we say nothing, so that a test knows it was us who stopped it.
        "open": Policy.recommended(
            **named(
                "open",
                content_type_sniffing=True,
                frame_options=None,
                opener_policy=None,
                resource_policy=None,
                csp=None,
            )
        ),
    }
    by_host = {f"{name}.{sites.domain}": policy for name, policy in made.items()}
    before = Policy.recommended(**named("embed", public_url=sites.before))
    return {**by_host, f"embed.{sites.domain}:{BEFORE}": before}

"""The policies this suite asks its questions under, by name. A server serves them all: a header says which (see serve)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from secmw import Policy
from secmw.config.settings import Cookies, Hsts, Sudo, Xsrf
from secmw.headers.fingerprints import FINGERPRINTS

#: A key that protects nothing but these tests.
KEY: Final = "dGhlIGtleSBvZiB0aGUgY29uZm9ybWFuY2Ugc3VpdGU="

HOST: Final = "app.example.org"
ORIGIN: Final = f"https://{HOST}"

#: What every policy here has: a name, and the one proxy that all tests over sockets stand behind.
_SITE: Final[dict[str, Any]] = {
    "secret_keys": [KEY],
    "public_url": ORIGIN,
    "trusted_proxies": ["127.0.0.1"],
    "sessions": None,
}


def _recommended(**settings: Any) -> Policy:
    return Policy.recommended(**{**_SITE, **settings})


def _plain(**settings: Any) -> Policy:
    """Allow plain HTTP, so that its responses can be looked at."""
    return _recommended(https="off", **settings)


def _xsrf(**settings: Any) -> Policy:
    return _recommended(xsrf=Xsrf(**settings))


def _modes() -> Policy:
    return _recommended(
        custom_headers=["X-Team: blue", "X-Note: caf\u00e9"],
        enforce_headers=["X-Frame-Options", "Referrer-Policy", "X-Team"],
        drop_headers=["Server", "X-Powered-By", "X-Debug"],
    )


def _classes() -> Policy:
    return (
        _recommended(allowed_hosts=[HOST])
        .at("/content/", frame_options=None)
        .at("/content/strict/", frame_options="SAMEORIGIN")
        .at("/hooks/", xsrf=None)
    )


def _sessions(*, make: Callable[..., Policy] = Policy.recommended, **settings: Any) -> Policy:
    # A mapping, which leaves what it does not name to the preset.
    rules = {"sign_in_url": "/sign-in", "passive": ["/news", "/live/"], **settings.pop("sessions", {})}
    return make(**{**_SITE, "store": "memory://", "sessions": rules, **settings})


_MAKERS: Final[dict[str, Callable[[], Policy]]] = {
    "recommended": _recommended,
    "strict": lambda: Policy.strict(**_SITE),
    "connect": lambda: Policy.connect(**_SITE),
    "workbench": lambda: Policy.workbench(**_SITE),
    "development": lambda: Policy.development(secret_keys=[KEY], sessions=None),
    # headers
    "modes": _modes,
    "server": lambda: _recommended(server="Web"),
    "fingerprints": lambda: _recommended(drop_headers=list(FINGERPRINTS)),
    "forget": lambda: _recommended(hsts=Hsts(max_age=0)),
    "bfcache": lambda: _recommended(bfcache=True),
    "embed": lambda: _recommended().embed(["https://portal.example.org"]),
    "classes": _classes,
    # https
    "plain": _plain,
    "exempt": lambda: _recommended(http_exempt=["/health", "/.well-known/acme-challenge/"]),
    "refuse": lambda: _recommended(https="refuse"),
    "redirect-all": lambda: _recommended(https="redirect-all"),
    "port": lambda: _recommended(public_url=f"{ORIGIN}:8443", allowed_hosts=["www.example.org"]),
    "nowhere": lambda: _recommended(public_url=None),
    # hosts and proxies
    "hosts": lambda: _recommended(
        allowed_hosts=["example.com", ".example.net", "[2001:db8::1]", "192.0.2.10:8080", "localhost"]
    ),
    "untrusting": lambda: _plain(trusted_proxies=[]),
    "strangers": lambda: _recommended(trusted_proxies=[]),
    "unix": lambda: _plain(trusted_proxies=["unix"]),
    "decided": lambda: _plain(trusted_proxies="server"),
    "hops": lambda: _plain(trusted_proxies=["127.0.0.1", "10.0.0.0/8"], hops=3),
    "forwarded": lambda: _plain(forwarded="forwarded"),
    # xsrf
    "origin-only": lambda: _xsrf(token=False),
    "token-only": lambda: _xsrf(origin=False),
    "same-site": lambda: _xsrf(allow_same_site=True),
    "friends": lambda: _xsrf(
        trusted_origins=["https://friend.example.com", "https://other.example.com:8443"]
    ),
    "hooks": lambda: _xsrf(exempt=["/hooks/", "/webhook"], api_key_headers=["X-Api-Key"]),
    # cookies
    "cookies": lambda: _recommended(cookies=Cookies(apply_to="all", readable=["theme"])),
    "twins": lambda: _recommended(cookies=Cookies(apply_to="all", same_site="None", legacy_twin="always")),
    # sessions; with lifetimes that a moved clock passes at once
    "sessions": _sessions,
    "sessions-strict": lambda: _sessions(make=Policy.strict),
    "sessions-plain": lambda: _sessions(https="off"),
    "sessions-bfcache": lambda: _sessions(bfcache=True),
    "sessions-connect": lambda: _sessions(make=Policy.connect),
    "sessions-embed": lambda: _sessions().embed(["https://portal.example.org"]),
    "sessions-development": lambda: Policy.development(secret_keys=[KEY], store="memory://"),
    "sessions-limits": lambda: _sessions(sessions={"persistent": True, "cap": 2, "max_size": 1024}),
    "sessions-named": lambda: _sessions(sessions={"namespace": "shop", "shared": ["theme"]}),
    "sessions-anonymous": lambda: _sessions(sessions={"on_outage": "anonymous"}),
    "sessions-classes": lambda: _sessions().at("/static/", sessions=None),
    "sessions-everything": lambda: _sessions(clear_site_data=["cache", "storage", "cookies"]),
    "no-sudo": lambda: _sessions(sudo=Sudo(enabled=False)),
}

NAMES: Final = tuple(_MAKERS)


@cache
def named(name: str) -> Policy:
    """Return a policy by its name."""
    return _MAKERS[name]()

"""What a request to one path gets, and which setting made each part of it. Pure: a policy in, an account out.

It says what the compiled plans do; it must not decide anything by itself. `secmw explain` prints it, the demo shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from secmw.checks.method import REFUSED
from secmw.compile import response_lines
from secmw.http import ASGI, SAFE_METHODS
from secmw.own.cookies import visit_cookie, xsrf_cookie
from secmw.paths import covers, exempt, odd
from secmw.plan import OWN_PREFIX
from secmw.presets import PRESETS

if TYPE_CHECKING:
    from secmw.checks.host import Site
    from secmw.policy import Policy

_FORWARDED_FIELDS = {"x-forwarded": "X-Forwarded-*", "forwarded": "Forwarded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Say one thing that happens, and the setting that makes it happen.

    ``source`` is who gave the setting its value: ``policy``, a path class, or a preset; then ``why`` is the preset's
    reason.
    """

    name: str
    value: str
    setting: str
    source: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Hold what a request gets, in the order in which it happens.

    ``path_class`` is the prefix whose settings hold, "" for those of every path; ``because`` says why it is not the
    one the path looks like. ``personal``: headers of responses that use a token or a nonce, besides the others.
    """

    method: str
    path: str
    host: str | None
    path_class: str
    because: str
    checks: tuple[Item, ...]
    headers: tuple[Item, ...]
    personal: tuple[Item, ...]
    cookies: tuple[Item, ...]


def account(
    policy: Policy,
    path: str,
    *,
    method: str = "GET",
    host: str | None = None,
    xsrf_exempt: Callable[[str], bool] | None = None,
) -> Account:
    """Work out what a request gets; ``path`` as it is sent, percent-encoded, without its query.

    ``xsrf_exempt`` is what a framework's adapter gives to the middleware under that name.
    Raise ConfigError for a policy that can't be compiled in this version.
    """
    return _Accountant(policy, path, method.upper(), host, xsrf_exempt).account()


class _Accountant:
    """Hold what every part of an account is worked out from."""

    def __init__(
        self,
        policy: Policy,
        path: str,
        method: str,
        host: str | None,
        exempts: Callable[[str], bool] | None,
    ) -> None:
        self.base = policy
        self.exempts = exempts
        self.method = method
        self.host = host
        self.raw = path
        self.path = unquote(path)
        plans = policy.compile(ASGI)
        table = plans.safe if method in SAFE_METHODS else plans.unsafe
        self.odd = odd(self.path, path)
        self.plan = table.strict if self.odd else table.find(self.path)
        self.policy = self.plan.policy
        self.site: Site | None = None if host is None else plans.sites[host]
        self.own = not self.odd and self.path.startswith(OWN_PREFIX)
        found = (
            [] if self.odd or self.own else [prefix for prefix in policy.paths if covers(prefix, self.path)]
        )
        self.classes = sorted(found, key=len, reverse=True)

    def account(self) -> Account:
        because = ""
        if self.odd:
            because = "an application could take this path for another one, so no path class makes it easier"
        elif self.own:
            because = "secmw answers this path itself"
        return Account(
            method=self.method,
            path=self.raw,
            host=self.host,
            path_class=self.classes[0] if self.classes else "",
            because=because,
            checks=tuple(self.checks()),
            headers=tuple(self.headers()),
            personal=tuple(self.personal()),
            cookies=tuple(self.cookies()),
        )

    def item(self, name: str, value: str, setting: str) -> Item:
        """Make an item, finding out who gave its setting a value."""
        top = re.split("[.,]", setting)[0]
        for prefix in self.classes:
            if top in self.base.paths[prefix]:
                return Item(name=name, value=value, setting=setting, source=f"class {prefix}")
        if top in self.base.written():
            return Item(name=name, value=value, setting=setting, source="policy")
        # A preset's reason is for the whole setting: of one part of it, it might say the wrong thing.
        why = "" if "." in setting else PRESETS[self.base.preset][top].why
        return Item(name=name, value=value, setting=setting, source=f"preset {self.base.preset}", why=why)

    # --- checks, in the order in which they are asked

    def checks(self) -> Iterator[Item]:
        yield self.forwarding()
        yield self.hosts()
        yield self.connection()
        if self.method in REFUSED:
            yield Item(
                name="Method", value=f"{self.method} is refused: 405", setting="always", source="secmw"
            )
            return
        yield from self.questions()

    def forwarding(self) -> Item:
        trusted = self.policy.trusted_proxies
        if trusted == "server":
            value = "the server has decided already; forwarding headers are removed"
        elif not trusted:
            value = "no proxy is trusted; forwarding headers are removed"
        else:
            fields = _FORWARDED_FIELDS.get(self.policy.forwarded, self.policy.forwarded)
            value = f"{fields} is believed from {', '.join(trusted)}; hops: {self.policy.hops}"
        return self.item("Proxy", value, "trusted_proxies")

    def hosts(self) -> Item:
        setting = (
            "allowed_hosts" if self.policy.allowed_hosts or self.policy.public_url is None else "public_url"
        )
        if self.site is not None:
            refusal = self.site.refusal
            said = "is one of ours" if refusal is None else f"is refused: {refusal.status} {refusal.reason}"
            return self.item("Host", f"{self.host} {said}", setting)
        if self.policy.public_url is None and not self.policy.allowed_hosts:
            return self.item("Host", "any well-formed one", setting)
        return self.item("Host", "only that of public_url and those in allowed_hosts", setting)

    def connection(self) -> Item:
        if not self.odd and exempt(tuple(self.policy.http_exempt), self.path):
            return self.item("HTTPS", "this path answers over plain HTTP too", "http_exempt")
        safe = self.method in ("GET", "HEAD")
        value = {
            "off": "plain HTTP is answered",
            "redirect": "plain HTTP is redirected: 301"
            if safe
            else "plain HTTP is refused: 403 https_required",
            "redirect-all": f"plain HTTP is redirected: {301 if safe else 308}",
            "refuse": "plain HTTP is refused: 403 https_required",
        }[self.policy.https]
        return self.item("HTTPS", value, "https")

    def questions(self) -> Iterator[Item]:
        asked = self.policy.xsrf
        if asked is None:
            yield self.item("Cross-site requests", "no question is asked", "xsrf")
            return
        if not self.odd and not self.own and exempt(tuple(asked.exempt), self.path):
            yield self.item("Cross-site requests", "no question is asked of this path", "xsrf.exempt")
            return
        safe = self.method in SAFE_METHODS
        if (
            not safe
            and not self.odd
            and not self.own
            and self.exempts is not None
            and self.exempts(self.path)
        ):
            value = "no question is asked: every view here is exempt"
            yield Item(
                name="Cross-site requests", value=value, setting="xsrf_exempt", source="the application"
            )
            return
        first = "asked of WebSocket handshakes only" if safe else "must be our own"
        token = (
            f"not asked of {self.method}"
            if safe
            else f"must be in {asked.header} or the form field {asked.field}"
        )
        if not asked.origin:
            first = "not asked"
        elif not safe and asked.trusted_origins:
            first = f"must be our own, or one of {', '.join(asked.trusted_origins)}"
        yield self.item("Origin", first, "xsrf.origin")
        yield self.item("XSRF token", token if asked.token else "not asked", "xsrf.token")

    # --- the response

    def headers(self) -> Iterator[Item]:
        enforced = {name.lower() for name in self.policy.enforce_headers}
        for line in response_lines(self.policy, "NONCE"):
            if line.https_only and self.site is not None and not self.site.locks:
                continue
            setting = line.setting
            if setting == "csp" and "frame-ancestors" in line.value:
                setting = "csp, frame_options"
            made = self.item(line.name, line.value, setting)
            if line.name.lower() in enforced:
                made = Item(
                    name=made.name, value=made.value, setting=f"{made.setting} (enforced)", source=made.source
                )
            yield made
        if self.plan.vary:
            yield self.item("Vary", ", ".join(self.plan.vary), "xsrf.origin")
        if self.policy.drop_headers:
            yield self.item("Removed", ", ".join(self.policy.drop_headers), "drop_headers")

    def personal(self) -> Iterator[Item]:
        value = "no-cache, private" if self.policy.bfcache else "no-store"
        yield self.item("Cache-Control", value, "bfcache")
        if self.policy.xsrf is not None and self.policy.xsrf.token:
            yield self.item("Vary", "Cookie", "xsrf.token")

    def cookies(self) -> Iterator[Item]:
        asked, cookies = self.policy.xsrf, self.policy.cookies
        if asked is not None and asked.token:
            for made, setting in ((visit_cookie, "cookies"), (xsrf_cookie, "xsrf.cookie")):
                name, _, rest = made(self.policy, "x").render().partition("=")
                yield self.item(name, rest.partition("; ")[2], setting)
        value = "hardened: " + _rules(self.policy) if cookies.apply_to == "all" else "left as they are"
        yield self.item("the application's own", value, "cookies.apply_to")
        if cookies.legacy_twin != "never":
            yield self.item("-legacy twins", cookies.legacy_twin, "cookies.legacy_twin")


def _rules(policy: Policy) -> str:
    cookies = policy.cookies
    parts = {
        "Secure": cookies.secure,
        "HttpOnly": cookies.http_only,
        f"SameSite={cookies.same_site}": True,
        "Partitioned": cookies.partitioned,
    }
    return "; ".join(name for name, given in parts.items() if given)

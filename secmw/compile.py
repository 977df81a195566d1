"""Compile a policy into plans, once, at start-up. A policy that exists is sound, so this cannot fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from secmw.checks import Check, all_of, api_call, cross_origin
from secmw.checks.host import Site, Sites
from secmw.checks.method import method
from secmw.checks.transport import transport
from secmw.checks.unsafe import any_unsafe, recognised
from secmw.checks.xsrf_token import XsrfToken
from secmw.clock import Clock, marking, system
from secmw.config.check import PATH_SETTINGS
from secmw.cookies import Hardening
from secmw.errors import ConfigError, Problem
from secmw.forwarding import FORWARDING, SPELLINGS, Resolver, TrustedProxies
from secmw.headers import HEADERS
from secmw.headers.content_security_policy import ContentSecurityPolicy, ContentSecurityPolicyReportOnly
from secmw.headers.custom import CustomHeader
from secmw.headers.frame_options import frame_ancestors
from secmw.hosts import HostList, parse_authority, parse_origin
from secmw.http import DISGUISES, Wire
from secmw.keys import KeyRing
from secmw.merge import Rule
from secmw.own.cookies import own_cookie
from secmw.paths import exempt, odd
from secmw.plan import NONCE_MARK, HeaderSet, Names, OwnNames, Plan, Plans, Table
from secmw.sessions.rules import rules as session_rules
from secmw.xsrf import Tokens

if TYPE_CHECKING:
    from secmw.config.settings import Xsrf
    from secmw.policy import Policy
    from secmw.sessions.rules import Rules

_LISTS: Final = frozenset(
    {
        "content-security-policy",
        "content-security-policy-report-only",
        "permissions-policy",
        "referrer-policy",
    }
    | {"reporting-endpoints", "nel"}
)


_HTTPS_ONLY: Final = frozenset(header.name.lower() for header in HEADERS if header.https_only)

#: What an application may change for one response; HSTS is a whole host's.
RESPONSE_SETTINGS: Final = PATH_SETTINGS - {"hsts", "xsrf", "sessions"}

#: Plans that applications made by that; past this many they are made anew.
_VARIED: Final = 256

#: Of these one field counts; of any other name an application may send as many as it likes.
_SINGLE: Final = frozenset(header.name.lower() for header in HEADERS) - _LISTS


class HeaderLine(NamedTuple):
    """One response header as text: what is sent, and the setting that makes it."""

    name: str
    value: str
    setting: str
    https_only: bool = False


def response_lines(policy: Policy, nonce: str | None = None) -> list[HeaderLine]:
    """List the headers a policy puts on every response, in the order they are sent."""
    lines = {}
    for custom in (CustomHeader.parse(str(entry)) for entry in policy.custom_headers):
        lower = custom.name.lower()
        lines[lower] = HeaderLine(custom.name, custom.value, "custom_headers", lower in _HTTPS_ONLY)
    for kind in HEADERS:
        header = kind.of(policy)
        # A custom header beats a preset's value; beside a setting that was written it is a ConfigError already.
        if header is None or header.name.lower() in lines:
            continue
        if isinstance(header, ContentSecurityPolicy | ContentSecurityPolicyReportOnly):
            value = header.render(nonce)
        else:
            value = header.render()
        lines[header.name.lower()] = HeaderLine(header.name, value, header.setting, header.https_only)
    dropped = {name.lower() for name in policy.drop_headers} - (
        {"server"} if policy.server is not None else set()
    )
    return [line for lower, line in lines.items() if lower not in dropped]


def compile_policy(
    policy: Policy,
    wire: Wire,
    *,
    can_verify: bool = False,
    versioned: bool = False,
    audited: bool = False,
    xsrf_exempt: Callable[[str], bool] | None = None,
    clock: Clock = system,
) -> Plans:
    """Work a policy out for one wire.

    ``can_verify``: whether there is somebody to ask whether a password is right; ``versioned``: for the version of a user's
    credentials. ``audited``: whether there is a trail. ``xsrf_exempt`` says of a path, once, whether unsafe requests to it
    are asked nothing, besides those that ``xsrf.exempt`` lists.
    """
    compiler = _Compiler(
        policy, wire, can_verify=can_verify, versioned=versioned, audited=audited, clock=clock
    )
    compiler.xsrf_exempt = xsrf_exempt
    return compiler.plans()


class _Compiler:
    """Hold what all plans of one policy and wire share while they are made."""

    def __init__(
        self, policy: Policy, wire: Wire, *, can_verify: bool, versioned: bool, audited: bool, clock: Clock
    ) -> None:
        self.policy = policy
        self.wire = wire
        self.can_verify = can_verify
        self.versioned = versioned
        self.audited = audited
        self.clock = clock
        self.mark, self.marked = marking(clock)
        site = self.session_rules(policy)
        self.find = None if site is None else site.find
        public = None if policy.public_url is None else urlsplit(policy.public_url)
        self.home = None if public is None else parse_authority(public.netloc)
        self.home_scheme = "" if public is None else public.scheme
        hosts = [*policy.allowed_hosts, *([] if self.home is None else [self.home.host])]
        self.sites = Sites(HostList.of(hosts), any_host=not hosts)
        self.tokens = Tokens(KeyRing(policy.secret_keys)) if policy.secret_keys else None
        exempted = tuple(policy.http_exempt)
        self.transport = transport(
            policy.https if policy.screening else "off",
            self.home.render("https") if self.home is not None and self.home_scheme == "https" else None,
            lambda path: not odd(path) and exempt(exempted, path),
        )
        self.xsrf_exempt: Callable[[str], bool] | None = None
        self.fields: set[str] = set()
        self.varied: dict[Any, Plan] = {}
        self.classes = {prefix: policy.within(prefix) for prefix in ("", *policy.paths)}
        # The base must not be easier on an odd path than the class an application that tidies it up would take it to.
        asking = [here.xsrf for here in self.classes.values() if here.xsrf is not None]
        self.strictest = self.classes[""]
        if asking:
            self.strictest = type(policy).from_mapping(
                {**self.strictest.written(), "xsrf": strictest_of(asking)}
            )
        # Many plans of one class have the same lines. By identity: a policy holds dicts, which have no hash.
        self.lines = {
            id(here): (response_lines(here), response_lines(here, NONCE_MARK))
            for here in (*self.classes.values(), self.strictest)
        }

    def plans(self) -> Plans:
        safe, unsafe, socket = self.table("safe"), self.table("unsafe"), self.table("socket")
        marks = {"host", "cookie", *DISGUISES, *FORWARDING, *SPELLINGS}
        if self.policy.cookies.legacy_twin == "incompatible":
            marks.add("user-agent")
        return Plans(
            policy=self.policy,
            wire=self.wire,
            safe=safe,
            unsafe=unsafe,
            socket=socket,
            sites=self.sites,
            home=None if self.policy.screening else self.unscreened(),
            resolver=self.resolver(),
            marks=frozenset(map(self.wire.field, marks)),
            wanted=frozenset(map(self.wire.field, marks | self.fields if self.policy.screening else ())),
            # Of two spellings that are one key, the real name.
            forwarding={self.wire.field(name): name for name in (*SPELLINGS, *(FORWARDING - SPELLINGS))},
            disguises=frozenset(map(self.wire.field, DISGUISES)),
            closer=frozenset(map(self.wire.field, (*FORWARDING, *SPELLINGS, *DISGUISES))),
            own_names=OwnNames.of(self.wire),
            folds=self.policy.cookies.legacy_twin != "never",
            notices=tuple(notices(self.policy)),
            # Nobody asks a policy without sessions and trail for the time.
            now=self.clock.now if self.find is not None or self.audited else float,
            mark=self.mark,
        )

    def unscreened(self) -> Site:
        """Make the one site of a policy that reads nothing of a request: public_url's."""
        if self.home is not None:
            return self.sites[self.home.render()]
        return Site("", "", "", named=False, locks=True, local=False)

    def resolver(self) -> Resolver:
        """Make the one resolver of scheme, host and client."""
        policy = self.policy
        if isinstance(policy.trusted_proxies, str):
            return Resolver("server", policy.hops, policy.forwarded)
        return Resolver(TrustedProxies.of(policy.trusted_proxies), policy.hops, policy.forwarded)

    def session_rules(self, policy: Policy) -> Rules | None:
        """Work out the rules for sessions of one class of paths."""
        if not policy.screening:
            return None
        return session_rules(policy, can_verify=self.can_verify, versioned=self.versioned, wire=self.wire)

    def key(self, name: str) -> Any:
        """Spell a header name, lower-case, in the wire's type."""
        return self.wire.encode(name.lower())

    def table(self, kind: str) -> Table:
        classes, strictest = self.classes, self.strictest
        plans = {
            prefix: self.plan(kind, here, here.xsrf, lax=bool(prefix)) for prefix, here in classes.items()
        }
        exempted = {prefix: self.plan(kind, here, None, lax=True) for prefix, here in classes.items()}
        return Table(
            plans,
            exempted,
            self.plan(kind, strictest, strictest.xsrf),
            self.plan(kind, strictest, strictest.xsrf, own_page=True),
            # A handshake is no webhook: it is asked on every path.
            {
                prefix: () if here.xsrf is None or kind == "socket" else tuple(here.xsrf.exempt)
                for prefix, here in classes.items()
            },
            exempts=self.xsrf_exempt if kind == "unsafe" else None,
        )

    def with_headers(
        self, made: tuple[str, Policy, Xsrf | None, bool, bool], settings: Mapping[str, Any]
    ) -> Plan:
        """Make a plan of the same kind and class with other response headers; it is for requests that were asked already."""
        kind, policy, asked, lax, own_page = made
        key = (kind, id(policy), asked is None, lax, own_page, repr(sorted(settings.items())))
        found = self.varied.get(key)
        if found is None:
            strays = [name for name in settings if name not in RESPONSE_SETTINGS]
            if strays:
                fix = (
                    "is no setting of a response header, which are all that one response can have of its own"
                )
                raise ConfigError([Problem(name, fix) for name in strays])
            varied = type(policy).from_mapping({**policy.written(), **settings})
            if len(self.varied) >= _VARIED:
                # Settings that are made up for each request shall fill no memory.
                for old in self.varied.values():
                    self.lines.pop(id(old.policy), None)
                self.varied.clear()
            self.lines[id(varied)] = (response_lines(varied), response_lines(varied, NONCE_MARK))
            found = self.varied[key] = self.plan(kind, varied, asked, lax=lax, own_page=own_page)
        return found

    def plan(
        self, kind: str, policy: Policy, asked: Xsrf | None, *, lax: bool = False, own_page: bool = False
    ) -> Plan:
        """Make one plan; ``asked`` says which questions, ``policy`` everything else."""
        token = None
        if self.tokens is not None and policy.xsrf is not None and policy.xsrf.token:
            token = self.token_check(policy, policy.xsrf)
        checks = () if kind == "safe" else self.questions(kind, policy, asked)
        lines, _ = self.lines[id(policy)]
        values = {line.name.lower(): line.value for line in lines}
        vary = [name.strip() for name in values.get("vary", "").split(",") if name.strip()]
        if kind == "unsafe" and asked is not None and asked.origin:
            vary += cross_origin.VARY
        asks_both = (
            kind == "unsafe" and not own_page and asked is not None and asked.origin and not asked.compare
        )
        rules = self.rules(policy)
        hardening = self.hardening(policy)
        idle = {
            "vary": not vary,
            "cache-control": "cache-control" not in values,
            "set-cookie": hardening is None,
        }
        return Plan(
            policy=policy,
            wire=self.wire,
            plain=self.header_set(policy, vary, lambda line: not line.https_only),
            locked=self.header_set(policy, vary, lambda _: True),
            # Of a 101 a browser reads nothing but HSTS.
            switched=self.header_set(policy, (), lambda line: line.https_only),
            rules=rules,
            names=Names(set(rules) - {self.key(name) for name, unused in idle.items() if unused}),
            read_names=Names(set(rules) - ({self.key("set-cookie")} if hardening is None else set())),
            unstored="no-cache, private" if policy.bfcache else "no-store",
            ancestors=ancestors(policy),
            vary=tuple(vary),
            ask=all_of(checks),
            knows=recognised(token, self.wire) if token is not None and asks_both else None,
            transport=self.transport,
            tokens=self.tokens,
            xsrf=token,
            harden=hardening,
            lax=lax,
            behind_tls=bool(policy.force_secure),
            quiet=not checks and not own_page,
            own=own_page,
            sessions=self.session_rules(policy),
            find=self.find,
            audited=self.audited,
            now=self.clock.now,
            marked=self.marked,
            with_headers=partial(self.with_headers, (kind, policy, asked, lax, own_page)),
        )

    def header_set(
        self, policy: Policy, vary: Iterable[str], fits: Callable[[HeaderLine], bool]
    ) -> HeaderSet:
        """Render the header lines of one channel."""
        lines, marked = self.lines[id(policy)]
        texts = [line for line in lines if fits(line) and line.name.lower() != "vary"]
        by_name = {self.key(line.name): self.wire.line(line.name, line.value) for line in texts}
        nonced = {
            self.key(line.name): self.wire.line(line.name, line.value)
            for line in marked
            if NONCE_MARK in line.value and self.key(line.name) in by_name
        }
        vary = tuple(vary)
        tail = (self.wire.line("Vary", ", ".join(vary)),) if vary else ()
        unstored = self.wire.line("Cache-Control", "no-cache, private" if policy.bfcache else "no-store")
        read = {**by_name, self.key("cache-control"): unstored}
        return HeaderSet(
            lines=[*by_name.values(), *tail],
            read=[*read.values(), self.wire.line("Vary", ", ".join((*vary, "Cookie")))],
            private=[*read.values(), *tail],
            by_name=by_name,
            nonced=nonced,
            places=tuple(
                (list(by_name).index(key), name, tuple(text.split(self.wire.encode(NONCE_MARK))))
                for key, (name, text) in nonced.items()
            ),
        )

    def questions(self, kind: str, policy: Policy, asked: Xsrf | None) -> tuple[Check, ...]:
        """Put the questions asked of an unsafe request, or of a handshake, in order."""
        if not policy.screening:
            return ()
        if asked is None:
            return (method,)
        trusted = [parse_origin(origin).render() for origin in asked.trusted_origins]
        if self.home is not None:
            trusted.append(self.home.origin(self.home_scheme).render())
        first = cross_origin.cross_origin(
            trusted,
            allow_same_site=asked.allow_same_site,
            token_follows=asked.token,
            socket=kind == "socket",
            wire=self.wire,
        )
        self.fields.update(cross_origin.FIELDS, api_call.fields(asked))
        questions: list[Check] = [first] if asked.origin else []
        if kind == "socket":
            return (method, *questions)
        if asked.token and self.tokens is not None:
            token = self.token_check(policy, asked)
            self.fields.update(token.fields())
            questions.append(token)
        return (
            (any_unsafe(api_call.api_call(asked, self.wire), questions, self.wire),)
            if questions
            else (method,)
        )

    def token_check(self, policy: Policy, asked: Xsrf) -> XsrfToken:
        """Make the second question."""
        if self.tokens is None:
            raise ConfigError([Problem("secret_keys", "is empty, and XSRF tokens need a key")])
        # A browser keeps the token's cookie with and without Partitioned side by side, and scripts may find the one
        # that belongs to the other visit: a site that begins or ceases to embed knows both.
        cookies = policy.cookies
        names = [own_cookie(policy, cookies.visit), own_cookie(policy, f"{cookies.visit}-embed")]
        if cookies.embedded:
            names.reverse()
        return XsrfToken(asked, self.tokens, names, twins=cookies.legacy_twin != "never", wire=self.wire)

    def hardening(self, policy: Policy) -> Callable[..., tuple[str, ...]] | None:
        """Return what is done to the application's own cookies, or None."""
        cookies = policy.cookies
        if cookies.apply_to != "all":
            return None
        everywhere = policy.force_secure or self.home_scheme == "https" or policy.https != "off"
        return Hardening(
            secure=cookies.secure and everywhere,
            http_only=cookies.http_only,
            readable=frozenset(cookies.readable),
            same_site=cookies.same_site,
            partitioned=cookies.partitioned,
            twins=cookies.legacy_twin,
        ).harden

    def rules(self, policy: Policy) -> dict[Any, Rule]:
        """Say of each header name that we know what happens when the application sends it too."""
        rules: dict[str, Rule] = {
            "cache-control": Rule.CACHE,
            "set-cookie": Rule.COOKIE,
            "strict-transport-security": Rule.SECURE,
            "vary": Rule.VARY,
        }
        for line in self.lines[id(policy)][0]:
            lower = line.name.lower()
            rules.setdefault(lower, Rule.APP if lower in _SINGLE else Rule.MANY)
        rules.update({name.lower(): Rule.OURS for name in policy.enforce_headers})
        rules.update({name.lower(): Rule.DROP for name in policy.drop_headers})
        if policy.server is not None:
            rules["server"] = Rule.OURS
        return {self.key(name): rule for name, rule in rules.items()}


def ancestors(policy: Policy) -> str | None:
    """Return who may frame the pages we serve: those who may frame the application's by name, and nobody else."""
    sources = frame_ancestors(policy.frame_options)
    if not sources or sources == ("'none'",):
        return None
    return " ".join(dict.fromkeys(("'self'", *sources)))


def strictest_of(asked: Sequence[Xsrf]) -> Xsrf:
    """Join the questions of several path classes: what passes them passes those of each."""

    def shared(setting: str) -> tuple[str, ...]:
        first, *others = (getattr(one, setting) for one in asked)
        return tuple(entry for entry in first if all(entry in other for other in others))

    return msgspec.structs.replace(
        asked[0],
        origin=any(one.origin for one in asked),
        token=any(one.token for one in asked),
        compare=any(one.compare for one in asked),
        allow_same_site=all(one.allow_same_site for one in asked),
        trusted_origins=shared("trusted_origins"),
        api_schemes=shared("api_schemes"),
        api_key_headers=shared("api_key_headers"),
        identity_headers=tuple(dict.fromkeys(name for one in asked for name in one.identity_headers)),
    )


def notices(policy: Policy) -> Iterable[str]:
    """Say at start-up what is weaker than it could be, and what is exempt."""
    for kind in HEADERS:
        header = kind.of(policy)
        if header is not None:
            yield from header.notices
    for entry in policy.custom_headers:
        yield from CustomHeader.parse(str(entry)).notices
    if not policy.screening:
        yield "screening is off: requests are asked nothing, and only headers are set"
        return
    if not isinstance(policy.trusted_proxies, str) and not policy.no_warning:
        for entry in TrustedProxies.of(policy.trusted_proxies).outside:
            yield f"trusted_proxies: the link to {entry} leaves your network unencrypted (no_warning hides this)"
    if policy.preset == "development":
        yield "development preset: plain HTTP, no Secure cookies, no HSTS; never serve it to another machine"
    elif policy.https == "off":
        yield "https is off: anybody on the network can read and change requests"
    if policy.public_url is None and not policy.allowed_hosts:
        yield "neither public_url nor allowed_hosts is set: any Host is answered, and plain HTTP is refused"
    classes = [("", policy), *((prefix, policy.within(prefix)) for prefix in policy.paths)]
    for prefix, here in classes:
        where = f" below {prefix}" if prefix else ""
        if here.xsrf is None:
            yield f"xsrf is off{where}: pages of other sites can make requests in a person's name"
            continue
        if not here.xsrf.origin:
            yield f"xsrf.origin is off{where}: only the token tells foreign requests from our own"
        if not here.xsrf.token:
            yield f"xsrf.token is off{where}: only what browsers say of a request's origin protects it"
        if here.xsrf.exempt:
            yield f"xsrf asks nothing of{where} {', '.join(here.xsrf.exempt)}"

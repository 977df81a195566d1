"""The parts of a policy: what it is without each of them, and what each protects from. Pure: a policy in, policies out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secmw.errors import ConfigError
from secmw.headers import HEADERS
from secmw.http import SAFE_METHODS
from secmw.keys import new_key

if TYPE_CHECKING:
    from secmw.policy import Policy

#: What each header's setting is for, in words for whoever thinks of leaving it out.
HEADERS_FOR: Final[Mapping[str, str]] = {
    "hsts": "Somebody on the network who turns the next visit into plain HTTP, and reads and changes it.",
    "frame_options": "Another site that shows your page in a frame and has people click in it unawares.",
    "content_type_sniffing": "An upload that a browser takes for a script or a page, whatever type you say it has.",
    "csp": "Scripts that somebody else got into a page: the second line of defence behind escaping.",
    "csp_report_only": "Nothing yet: it blocks nothing, and says in the console what the same policy in csp would block.",
    "referrer_policy": "Other sites that learn paths and queries of yours from the links people follow.",
    "permissions_policy": "An injected script, or a page in a frame, that turns on camera, microphone or location.",
    "opener_policy": "A page that opens yours, keeps a handle on its window, and sends it elsewhere or counts its frames.",
    "embedder_policy": "Resources of other sites in your process, which Spectre could read; some APIs need it.",
    "resource_policy": "Other sites that load your answers as images or scripts, and learn from them what is not theirs.",
    "origin_agent_cluster": "Sibling hosts that share a process and document.domain with your pages.",
    "dns_prefetch_control": "Whoever watches name look-ups and learns which links are on a page.",
    "cross_domain_policies": "Policy files for Flash and PDF readers that somebody has managed to put on your site.",
    "reporting_endpoints": "Nothing by itself: it is where browsers send what the other headers have them report.",
    "nel": "Nothing by itself: it has browsers report that they could not reach you.",
    "cache_control": "Caches and the next person at the screen, who keep what you did not say may be kept.",
    "server": "Nothing: it is a name.",
    "custom_headers": "What you wrote it for.",
}

#: What those settings are in a policy that sends no header.
_NO_HEADERS: Final[Mapping[str, Any]] = {
    **{header.setting: None for header in HEADERS},
    "content_type_sniffing": True,
    "custom_headers": (),
    "enforce_headers": (),
    "drop_headers": (),
}


_UNASKED: Final[Mapping[str, Any]] = {"screening": False, "xsrf": None, "sessions": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Be one part of a policy: its ``name``, the ``setting`` that switches it off, and the policy ``without`` it.

    ``protects``: what from. ``remark``: why it is not measured, where there is no policy without it, or it does nothing here.
    ``header``: whether it is one response header, of which the bytes matter more than the time.
    """

    name: str
    setting: str
    protects: str
    without: Policy | None = None
    remark: str = ""
    header: bool = False


def measurable(policy: Policy) -> Policy:
    """Return a policy that does the same with keys, sessions and a trail of its own, all in memory and for one run."""
    changes: dict[str, Any] = {}
    if policy.secret_keys:
        changes["secret_keys"] = (new_key(),)
    if policy.store is not None:
        changes["store"] = "memory://"
    if policy.trail is not None:
        changes["trail"] = "memory://"
    if policy.sessions is not None and policy.screening:
        changes["store"] = "memory://"
    return without(policy, changes)


def without(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """Return a policy with other settings, in every path class too; raise ConfigError where that can't hold."""
    written = {**policy.written(), **changes}
    paths = {
        prefix: {name: value for name, value in settings.items() if name not in changes}
        for prefix, settings in written.get("paths", policy.paths).items()
    }
    return type(policy).from_mapping({**written, "paths": paths})


def least(policy: Policy) -> Policy:
    """Return the policy that asks and sends as little as one can: what is left is the look at each request."""
    changes = {
        **_NO_HEADERS,
        "https": "off",
        "xsrf": None,
        "sessions": None,
        "paths": {},
        "trusted_proxies": (),
    }
    return without(policy, changes if policy.screening else _NO_HEADERS)


def parts(policy: Policy, path: str, method: str) -> Iterator[Part]:
    """Yield the parts that a policy has, in the order in which a request meets them; ``path`` as the classes know it."""
    here = policy.within(path) if policy.paths else policy
    unsafe = method not in SAFE_METHODS
    if policy.screening:
        yield from _questions(policy, here, unsafe=unsafe)
        protects = "Everything above: headers alone are left, for whoever has all of it elsewhere."
        yield _part(policy, "every question", "screening", protects, _UNASKED)
    yield _part(
        policy,
        "headers, all",
        "the settings of headers",
        "What each of them protects from, below.",
        _NO_HEADERS,
    )
    for header in HEADERS:
        if header.of(here) is None or header.setting == "server":
            continue
        changes = {header.setting: _NO_HEADERS[header.setting]}
        yield _part(policy, header.name, header.setting, HEADERS_FOR[header.setting], changes, header=True)
    if policy.cookies.apply_to == "all":
        changes = {"cookies": msgspec.structs.replace(policy.cookies, apply_to="own")}
        protects = "Cookies of the application's that scripts read, that travel in plain HTTP or with other sites' requests."
        yield _part(policy, "hardening of cookies", "cookies.apply_to", protects, changes)
    if policy.paths:
        yield _part(
            policy,
            "path classes",
            "paths",
            "Nothing by themselves: they say where other settings hold.",
            {"paths": {}},
        )


def _questions(policy: Policy, here: Policy, *, unsafe: bool) -> Iterator[Part]:
    if not isinstance(policy.trusted_proxies, str) and policy.trusted_proxies:
        protects = (
            "It learns from your proxy who asks. Without it every client has the proxy's address, in the audit trail too, and a"
            " request that came to the proxy over HTTPS looks like plain HTTP."
        )
        yield _part(policy, "forwarding headers", "trusted_proxies", protects, {"trusted_proxies": ()})
    hosts = "Requests for a name that is not yours: links and redirects made of it, poisoned caches, DNS rebinding."
    yield _part(
        policy, "hosts", "public_url, allowed_hosts", hosts, {"public_url": None, "allowed_hosts": ()}
    )
    if policy.https != "off":
        protects = "Everybody on the network, who reads and changes what travels in plain HTTP."
        yield _part(policy, "HTTPS", "https", protects, {"https": "off"})
    asked = here.xsrf
    if asked is not None:
        idle = "" if unsafe else "asked of POST and the like alone; --method POST measures it"
        if asked.origin:
            changes = {"xsrf": msgspec.structs.replace(asked, origin=False)}
            protects = "Pages of other sites that send requests in a person's name, with their cookies."
            yield _part(policy, "origin of requests", "xsrf.origin", protects, changes, remark=idle)
        if asked.token:
            changes = {"xsrf": msgspec.structs.replace(asked, token=False)}
            protects = (
                "The same, where a browser says nothing of a request's origin, or a sibling host is bad."
            )
            yield _part(policy, "XSRF token", "xsrf.token", protects, changes, remark=idle)
    if here.sessions is not None:
        protects = "Sign-ins, sign-outs that hold, and the audit trail live in them."
        yield _part(policy, "sessions", "sessions", protects, {"sessions": None})
        if policy.sessions is not None and policy.sessions.seal:
            plain = {"sessions": msgspec.structs.replace(policy.sessions, seal=False)}
            protects = "Whoever reads your store, a copy of it, or its traffic: names and data of people would be legible."
            yield _part(policy, "sealed sessions", "sessions.seal", protects, plain)


def _part(
    policy: Policy,
    name: str,
    setting: str,
    protects: str,
    changes: Mapping[str, Any],
    *,
    remark: str = "",
    header: bool = False,
) -> Part:
    made = None
    if not remark:
        try:
            made = without(policy, changes)
        except ConfigError as error:
            problem = error.problems[0]
            # What to write instead is of no use to somebody who wants to know what it costs.
            why = problem.message.partition(";")[0]
            remark = f"can't be left out alone: {problem.setting} {why}"
    return Part(name=name, setting=setting, protects=protects, without=made, remark=remark, header=header)

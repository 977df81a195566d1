"""The grammar of Content-Security-Policy (W3C CSP Level 3): the directives, and what each may hold.

It is stricter than browsers, which skip what they do not understand and leave a page less protected than its policy
reads. Every check here raises ValueError saying what to write instead; none of them writes or reads a policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from secmw.headers.values import HOST, SCHEME, suggest
from secmw.http import TOKEN

Check = Callable[[tuple[str, ...]], None]

#: Stands for the nonce of the response; a nonce written into a policy would be the same for everybody.
NONCE: Final = "'nonce'"

NONE: Final = "'none'"

KEYWORDS: Final = (
    "'self'",
    NONE,
    NONCE,
    "'strict-dynamic'",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'unsafe-hashes'",
    "'unsafe-webtransport-hashes'",
    "'wasm-unsafe-eval'",
    "'trusted-types-eval'",
    "'inline-speculation-rules'",
    "'report-sample'",
    "'report-sha256'",
    "'report-sha384'",
    "'report-sha512'",
)

SANDBOX: Final = (
    "allow-downloads",
    "allow-forms",
    "allow-modals",
    "allow-orientation-lock",
    "allow-pointer-lock",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-presentation",
    "allow-same-origin",
    "allow-scripts",
    "allow-storage-access-by-user-activation",
    "allow-top-navigation",
    "allow-top-navigation-by-user-activation",
    "allow-top-navigation-to-custom-protocols",
)

#: Directives that are sent with a notice, because browsers gave them up.
RETIRED: Final = {
    "block-all-mixed-content": "browsers block it unasked; leave it out, or write upgrade-insecure-requests",
    "prefetch-src": "no browser heeds it; leave it out",
}

_SCHEMES = frozenset({"blob", "data", "filesystem", "http", "https", "mediastream", "ws", "wss"})

_UNFIT = re.compile(r"[^!-~]|[;,\"]")
_HASH = re.compile(r"'sha(?:256-[\w+/\-]{43}=?|384-[\w+/\-]{64}|512-[\w+/\-]{86}(?:==)?)'", re.ASCII)
_HOSTLIKE = re.compile(
    rf"{SCHEME}:|(?:{SCHEME}://)?(?:\*|{HOST}\.?)(?::(?:[0-9]{{1,5}}|\*))?(?:/(?:[\w.~!$&()*+=:@\-]|%[0-9A-Fa-f]{{2}})*)*",
    re.ASCII,
)
_POLICY_NAME = re.compile(r"[\w\-#=/@.%]+|\*|'allow-duplicates'|'none'", re.ASCII)


def _scripts_and_styles(sources: tuple[str, ...]) -> None:
    """Check a source list that may hold the nonce."""
    if not sources:
        raise ValueError(f'is empty; write "{NONE}" to allow nothing')
    if NONE in sources and len(sources) > 1:
        raise ValueError(
            f"{NONE} stands beside other sources, and browsers then ignore it; write it alone or not at all"
        )
    for source in sources:
        _source(source)


def _sources(sources: tuple[str, ...]) -> None:
    if NONCE in sources:
        raise ValueError(f"{NONCE} means nothing here; scripts and styles alone have nonces")
    _scripts_and_styles(sources)


def _ancestors(sources: tuple[str, ...]) -> None:
    _sources(sources)
    for source in sources:
        if "'" in source and source not in ("'self'", NONE):
            raise ValueError(f'{source} means nothing here; write origins, "\'self\'" or "{NONE}"')


def _source(source: str) -> None:
    """Check one source expression (CSP3 section 2.3.1)."""
    _plain(source)
    bare = source.strip("'").lower()
    if bare.startswith("nonce-"):
        raise ValueError(
            f'{source} is a fixed nonce, which is no nonce; write "{NONCE}" for a fresh one per response'
        )
    if source in KEYWORDS or _HASH.fullmatch(source):
        return
    if (keyword := f"'{bare}'") in KEYWORDS:
        raise ValueError(f'{source} needs lower case and single quotes around it; write "{keyword}"')
    if bare.startswith(("sha256-", "sha384-", "sha512-")):
        raise ValueError(
            f"{source} is not a hash; write the whole base64 digest and single quotes around it all"
        )
    if "'" in source:
        raise ValueError(f"{source} is not a keyword; {suggest(source, KEYWORDS)}")
    if bare in _SCHEMES:
        raise ValueError(f'{source} would be a host of that name; write "{bare}:" for the scheme')
    if not _HOSTLIKE.fullmatch(source):
        raise ValueError(
            f"{source} is not a source; write a scheme (https:), a host (https://cdn.example.org) or a keyword"
        )


def _plain(value: str) -> None:
    if not value:
        raise ValueError("holds an empty text; leave it out")
    if unfit := _UNFIT.search(value):
        raise ValueError(
            f"{value!r} holds {unfit[0]!a}; write each source on its own, in visible ASCII, with %3B for ; and %2C for ,"
        )


def _nothing(values: tuple[str, ...]) -> None:
    if values:
        raise ValueError(f"takes no values, not {' '.join(values)!r}; write an empty list")


def _sandbox(flags: tuple[str, ...]) -> None:
    for flag in flags:
        if flag not in SANDBOX:
            raise ValueError(f"{flag!r} is not a sandbox flag; {suggest(flag, SANDBOX)}")


def _endpoint(values: tuple[str, ...]) -> None:
    if len(values) != 1 or not TOKEN.fullmatch(values[0]):
        raise ValueError(f"{' '.join(values)!r} is not one name; write a name of reporting_endpoints")


def _addresses(values: tuple[str, ...]) -> None:
    if not values:
        raise ValueError("is empty; write the address that takes reports, such as /csp-reports")
    for value in values:
        _plain(value)
        if "'" in value:
            raise ValueError(f"{value!r} holds a quote; write %27")


def _policy_names(names: tuple[str, ...]) -> None:
    if NONE in names and len(names) > 1:
        raise ValueError(f"{NONE} stands beside other names; write it alone or not at all")
    for name in names:
        if not _POLICY_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a policy name; write letters, digits and -#=_/@.%, or 'allow-duplicates'"
            )


def _exactly(*words: str) -> Check:
    def check(values: tuple[str, ...]) -> None:
        if len(values) != 1 or values[0] not in words:
            raise ValueError(f"{' '.join(values)!r} is not understood; write {' or '.join(words)}")

    return check


#: Every directive, and the check of its values.
DIRECTIVES: Final[Mapping[str, Check]] = {
    "default-src": _scripts_and_styles,
    "child-src": _sources,
    "connect-src": _sources,
    "font-src": _sources,
    "frame-src": _sources,
    "img-src": _sources,
    "manifest-src": _sources,
    "media-src": _sources,
    "object-src": _sources,
    "script-src": _scripts_and_styles,
    "script-src-attr": _sources,
    "script-src-elem": _scripts_and_styles,
    "style-src": _scripts_and_styles,
    "style-src-attr": _sources,
    "style-src-elem": _scripts_and_styles,
    "worker-src": _sources,
    "fenced-frame-src": _sources,
    "prefetch-src": _sources,
    "base-uri": _sources,
    "form-action": _sources,
    "frame-ancestors": _ancestors,
    "sandbox": _sandbox,
    "trusted-types": _policy_names,
    "require-trusted-types-for": _exactly("'script'"),
    "webrtc": _exactly("'allow'", "'block'"),
    "upgrade-insecure-requests": _nothing,
    "block-all-mixed-content": _nothing,
    "report-to": _endpoint,
    "report-uri": _addresses,
}

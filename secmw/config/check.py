"""What must hold between the settings of a policy. Pure; finds everything, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from secmw.config.convert import problem, unknown
from secmw.config.settings import Cookies, Sessions, Xsrf
from secmw.errors import ConfigError, Problem
from secmw.forwarding import TrustedProxies
from secmw.headers import HEADERS
from secmw.headers.custom import REFUSED, CustomHeader
from secmw.hosts import HostList, parse_authority, parse_origin
from secmw.http import TOKEN
from secmw.keys import decode_key
from secmw.location import local_target
from secmw.sessions.names import NAMESPACE

if TYPE_CHECKING:
    from secmw.policy import Policy

#: Headers that no policy takes from a response: a cookie would be lost, or the response be cut.
_UNTOUCHED = frozenset(REFUSED) | {"content-type", "location", "upgrade"}

#: What a path class may change. The rest decides who we are and is one thing for a whole site.
PATH_SETTINGS = frozenset(
    {header.setting for header in HEADERS}
    | {
        "bfcache",
        "cache_control",
        "clear_site_data",
        "custom_headers",
        "drop_headers",
        "enforce_headers",
        "server",
    }
    | {"xsrf", "sessions", "frame_options", "csp", "csp_report_only"}
)

#: What a server may close a WebSocket with (RFC 6455, 7.4, and the registry it made).
_CLOSE_CODES: Final = frozenset(
    {*range(1000, 1004), *range(1007, 1010), *range(1011, 1015), *range(3000, 5000)}
)


def policy(wanted: Policy) -> list[Problem]:
    """Find every problem between the settings of a policy whose values are of the right types."""
    found: list[Problem] = []
    for part in (_keys, _site, _proxies, _headers, _cookies, _xsrf, _sessions, _sharing, _preset):
        found.extend(part(wanted))
    found.extend(_paths(wanted, frozenset(found)))
    return found


def _try(setting: str, value: Any, parse: Callable[[Any], Any]) -> Iterator[Problem]:
    try:
        parse(value)
    except ValueError as error:
        yield problem(setting, value, str(error))


def _keys(wanted: Policy) -> Iterator[Problem]:
    for index, key in enumerate(wanted.secret_keys):
        yield from _try(f"secret_keys[{index}]", key, decode_key)
    if not wanted.secret_keys and wanted.xsrf is not None and wanted.xsrf.token:
        yield Problem("secret_keys", "is empty, and XSRF tokens need a key; `secmw keys new` makes one")


def public_url(text: str) -> str:
    """Check the address people use and return it; raise ValueError."""
    fix = "write it like https://app.example.org or https://app.example.org/base"
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError(f"has characters a URL can't have; {fix}")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"is not a URL; {fix}") from None
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"is not an http or https URL without query; {fix}")
    parse_authority(parts.netloc)
    return text


def _scheme(wanted: Policy) -> str:
    return str(wanted.public_url).partition(":")[0].lower()


def _site(wanted: Policy) -> Iterator[Problem]:
    if wanted.public_url is not None:
        yield from _try("public_url", wanted.public_url, public_url)
        if _scheme(wanted) == "http" and wanted.https != "off" and wanted.preset != "development":
            yield Problem(
                "public_url",
                "is plain HTTP while https asks for HTTPS; write https://, or https = 'off' for a site without",
                repr(wanted.public_url),
            )
        if wanted.force_secure is False and _scheme(wanted) == "https":
            yield Problem("force_secure", "contradicts public_url, which is https; leave it out", "False")
    for index, entry in enumerate(wanted.allowed_hosts):
        yield from _try(f"allowed_hosts[{index}]", entry, lambda text: HostList.of((text,)))
    for index, entry in enumerate(wanted.http_exempt):
        yield from _absolute(f"http_exempt[{index}]", entry)


def _absolute(setting: str, path: str) -> Iterator[Problem]:
    from secmw.paths import odd

    if odd(path):
        yield Problem(setting, "is not a plain absolute path; write one like /health or /hooks/", repr(path))


def _proxies(wanted: Policy) -> Iterator[Problem]:
    # Any text but "server" has become a list of one.
    entries = () if isinstance(wanted.trusted_proxies, str) else wanted.trusted_proxies
    for index, entry in enumerate(entries):
        yield from _try(f"trusted_proxies[{index}]", entry, lambda text: TrustedProxies.of((text,)))
    if not 1 <= wanted.hops <= 16:
        yield Problem("hops", "must lie between 1 and 16", repr(wanted.hops))


def _headers(wanted: Policy) -> Iterator[Problem]:
    for header in HEADERS:
        try:
            header.of(wanted)
        except ValueError as error:
            yield problem(header.setting, getattr(wanted, header.setting), str(error))
    for setting in ("enforce_headers", "drop_headers"):
        for index, name in enumerate(getattr(wanted, setting)):
            if not TOKEN.fullmatch(name):
                yield Problem(f"{setting}[{index}]", "is not a header name", repr(name))
            elif name.lower() in _UNTOUCHED:
                yield Problem(f"{setting}[{index}]", "belongs to the application and the server", repr(name))
    both = {name.lower() for name in wanted.enforce_headers} & {name.lower() for name in wanted.drop_headers}
    if both:
        yield Problem(
            "drop_headers", f"and enforce_headers both name {', '.join(sorted(both))}; name it in one"
        )
    if wanted.csp and "frame-ancestors" in wanted.csp and {"csp", "frame_options"} <= wanted._written:
        yield Problem("csp", "and frame_options both say who may frame us; say it in frame_options")
    dedicated = {header.name.lower(): header.setting for header in HEADERS}
    for index, entry in enumerate(wanted.custom_headers):
        where = f"custom_headers[{index}]"
        try:
            custom = CustomHeader.parse(str(entry))
        except ValueError as error:
            yield problem(where, entry, str(error))
            continue
        setting = dedicated.get(custom.name.lower(), "")
        if setting in wanted._written:
            yield Problem(
                where, f"and {setting} both set {custom.name}; write it in {setting} alone", repr(entry)
            )


def _cookies(wanted: Policy) -> Iterator[Problem]:
    cookies: Cookies = wanted.cookies
    if cookies.same_site == "None" and not cookies.secure:
        yield Problem(
            "cookies.same_site", "needs cookies.secure = true; browsers refuse the cookie otherwise", "'None'"
        )
    if cookies.partitioned and not (cookies.secure and cookies.same_site == "None"):
        yield Problem(
            "cookies.partitioned", "needs cookies.secure = true and cookies.same_site = 'None'", "True"
        )
    for setting, names in (("cookies.readable", cookies.readable), ("cookies.visit", (cookies.visit,))):
        for name in names:
            if not TOKEN.fullmatch(name):
                yield Problem(setting, "is not a cookie name", repr(name))
    if cookies.visit.endswith("-legacy"):
        yield Problem("cookies.visit", "must not end in -legacy, which names a twin", repr(cookies.visit))


def _xsrf(wanted: Policy) -> Iterator[Problem]:
    xsrf: Xsrf | None = wanted.xsrf
    if xsrf is None:
        return
    if not wanted.screening:
        yield Problem("screening", "is false, so nothing asks for a token; write xsrf = 'off' too", "False")
    for setting in ("cookie", "header", "field"):
        if not TOKEN.fullmatch(getattr(xsrf, setting)):
            yield Problem(f"xsrf.{setting}", "must be letters, digits, - or _", repr(getattr(xsrf, setting)))
    for setting in ("api_schemes", "api_key_headers", "identity_headers"):
        for name in getattr(xsrf, setting):
            if not TOKEN.fullmatch(name):
                yield Problem(f"xsrf.{setting}", "is not a name", repr(name))
    for scheme in xsrf.api_schemes:
        if scheme.lower() in ("basic", "digest", "negotiate", "ntlm"):
            yield Problem(
                "xsrf.api_schemes",
                "is sent by browsers unasked, so it proves nothing; remove it",
                repr(scheme),
            )
    for index, origin in enumerate(xsrf.trusted_origins):
        yield from _try(f"xsrf.trusted_origins[{index}]", origin, parse_origin)
    for index, path in enumerate(xsrf.exempt):
        yield from _absolute(f"xsrf.exempt[{index}]", path)
    if not 1024 <= xsrf.form_limit <= 16 * 1024 * 1024:
        yield Problem("xsrf.form_limit", "must lie between 1024 and 16777216 bytes", repr(xsrf.form_limit))
    if wanted.cookies.prefix is False and xsrf.cookie == wanted.cookies.visit:
        yield Problem("xsrf.cookie", "must differ from cookies.visit", repr(xsrf.cookie))


def _sessions(wanted: Policy) -> Iterator[Problem]:
    sessions: Sessions | None = wanted.sessions
    if wanted.audit.refusals_per_minute < 0:
        given = repr(wanted.audit.refusals_per_minute)
        yield Problem("audit.refusals_per_minute", "must be 0 or more", given)
    if sessions is None:
        return
    if not TOKEN.fullmatch(sessions.cookie) or sessions.cookie.endswith("-legacy"):
        yield Problem(
            "sessions.cookie", "is not a cookie name, or one that names a twin", repr(sessions.cookie)
        )
    taken = {wanted.cookies.visit: "cookies.visit"}
    if wanted.xsrf is not None:
        taken[wanted.xsrf.cookie] = "xsrf.cookie"
    if sessions.cookie in taken:
        yield Problem("sessions.cookie", f"must differ from {taken[sessions.cookie]}", repr(sessions.cookie))
    if not 1024 <= sessions.max_size <= 1024 * 1024:
        yield Problem("sessions.max_size", "must lie between 1024 and 1048576 bytes", repr(sessions.max_size))
    if sessions.seal and not wanted.secret_keys:
        fix = "needs a key in secret_keys, which is empty; `secmw keys new` makes one"
        yield Problem("sessions.seal", fix, "True")
    if sessions.cap is not None and not 1 <= sessions.cap <= 1000:
        yield Problem("sessions.cap", "must lie between 1 and 1000, or be None", repr(sessions.cap))
    for index, path in enumerate(sessions.passive):
        yield from _absolute(f"sessions.passive[{index}]", path)
    for index, path in enumerate(sessions.websocket_activity):
        yield from _absolute(f"sessions.websocket_activity[{index}]", path)
    for index, beginning in enumerate(sessions.websocket_heartbeats):
        if not beginning:
            fix = "is empty, and so begins every message; remove it"
            yield Problem(f"sessions.websocket_heartbeats[{index}]", fix, repr(beginning))
    if sessions.close_code not in _CLOSE_CODES:
        fix = "is no code that a server may close with (RFC 6455, 7.4); write 1008, or one from 3000 to 4999"
        yield Problem("sessions.close_code", fix, repr(sessions.close_code))
    if sessions.sign_in_url is not None and local_target(sessions.sign_in_url) != sessions.sign_in_url:
        fix = "is not a path of this site; write one like /sign-in"
        yield Problem("sessions.sign_in_url", fix, repr(sessions.sign_in_url))


def _sharing(wanted: Policy) -> Iterator[Problem]:
    sessions: Sessions | None = wanted.sessions
    if sessions is None:
        return
    namespace = sessions.namespace
    if namespace is not None and not NAMESPACE.fullmatch(namespace):
        fix = "must be 1 to 32 letters, digits, - or _"
        yield Problem("sessions.namespace", fix, repr(namespace))
    if sessions.shared and namespace is None:
        fix = "needs sessions.namespace, without which an application has all names to itself"
        yield Problem("sessions.shared", fix, repr(tuple(sessions.shared)))
    for index, name in enumerate(sessions.shared):
        try:
            name.encode()
        except UnicodeEncodeError:
            fix = "has lone surrogates, which no name in a session can have"
            yield Problem(f"sessions.shared[{index}]", fix, ascii(name))


def _preset(wanted: Policy) -> Iterator[Problem]:
    if wanted.preset == "connect" and wanted.public_url is None:
        yield Problem(
            "public_url", "is needed by the connect preset, whose cookie names have no __Host- prefix"
        )
    if wanted.preset == "development":
        if not wanted.allowed_hosts and wanted.public_url is None:
            yield Problem("allowed_hosts", "is empty, which would answer any host; leave it out", "()")
        for index, entry in enumerate(wanted.allowed_hosts):
            try:
                local = parse_authority(entry.lstrip(".")).is_local
            except ValueError:
                continue
            if not local:
                fix = "is not this machine; the development preset serves localhost only"
                yield Problem(f"allowed_hosts[{index}]", fix, repr(entry))
        if wanted.public_url is not None:
            try:
                local = parse_authority(urlsplit(wanted.public_url).netloc).is_local
            except ValueError:
                return
            if not local:
                yield Problem(
                    "public_url", "is not this machine; use Policy.recommended there", repr(wanted.public_url)
                )


def _class_sessions(where: str, base: Sessions | None, here: Sessions | None) -> Iterator[Problem]:
    """Find what a class of paths may not decide of sessions: all but whether it has any, and what an outage means."""
    if base is None or here is None:
        if here is not None:
            yield Problem(f"{where}.sessions", "has sessions where the site has none; give the site sessions")
        return
    for name in here.__struct_fields__:
        if name != "on_outage" and getattr(here, name) != getattr(base, name):
            yield Problem(f"{where}.sessions.{name}", "is one for the whole site", repr(getattr(here, name)))


def _paths(wanted: Policy, base: frozenset[Problem]) -> Iterator[Problem]:
    """Find the problems of each path class, without those that it inherits."""
    for prefix, settings in wanted.paths.items():
        where = f'paths."{prefix}"'
        yield from _absolute(where, prefix)
        strays = [name for name in settings if name not in PATH_SETTINGS]
        for name in strays:
            known = name in type(wanted).__struct_fields__
            yield Problem(
                f"{where}.{name}", "is one for the whole site" if known else unknown(name, PATH_SETTINGS)
            )
        if strays:
            continue
        try:
            yield from _class_sessions(where, wanted.sessions, wanted.within(prefix).sessions)
        except ConfigError as error:
            yield from (
                Problem(f"{where}.{found.setting}", found.message, found.value)
                for found in error.problems
                if found not in base
            )

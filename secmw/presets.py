"""The presets: every setting's value, and why. The docs' tables are made from these.

A preset is a complete table; ``strict``, ``connect``, ``workbench`` and ``development`` say only where they differ
from ``recommended``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from secmw.config.settings import Audit, Cookies, Hsts, Sessions, Sudo, Xsrf
from secmw.headers.fingerprints import FINGERPRINTS


class Row(NamedTuple):
    """One setting of a preset: its value and the reason for it."""

    value: Any
    why: str


Preset = Mapping[str, Row]

#: What cannot break a page, so it is enforced from the first day.
_HARMLESS_CSP = {"base-uri": ("'self'",), "form-action": ("'self'",), "object-src": ("'none'",)}

#: helmet's directives. upgrade-insecure-requests is left out: browsers ignore it in Report-Only and say so on
#: every page's console. frame-ancestors comes from frame_options.
_WATCHED_CSP = {
    "default-src": ("'self'",),
    "base-uri": ("'self'",),
    "font-src": ("'self'", "https:", "data:"),
    "form-action": ("'self'",),
    "img-src": ("'self'", "data:"),
    "object-src": ("'none'",),
    "script-src": ("'self'", "'nonce'"),
    "script-src-attr": ("'none'",),
    "style-src": ("'self'", "https:", "'unsafe-inline'"),
}

_STRICT_CSP = {
    "default-src": ("'none'",),
    "base-uri": ("'none'",),
    "connect-src": ("'self'",),
    "font-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "manifest-src": ("'self'",),
    "media-src": ("'self'",),
    "object-src": ("'none'",),
    "script-src": ("'self'", "'nonce'"),
    "style-src": ("'self'", "'nonce'"),
    "worker-src": ("'self'",),
    "upgrade-insecure-requests": (),
}

#: The features OWASP's Secure Headers Project switches off.
_STRICT_FEATURES = (
    "accelerometer", "autoplay", "camera", "cross-origin-isolated", "display-capture", "encrypted-media",
    "fullscreen", "geolocation", "gyroscope", "keyboard-map", "magnetometer", "microphone", "midi", "payment",
    "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "sync-xhr", "usb", "web-share",
    "xr-spatial-tracking",
)  # fmt: skip

RECOMMENDED: Final[Preset] = {
    "secret_keys": Row((), "no default can be secret; `secmw keys new` makes one"),
    "public_url": Row(
        None, "only you know it; with https it makes HTTPS permanent and is the target of redirects"
    ),
    "allowed_hosts": Row(
        (), "the host of public_url is always allowed; with neither, any well-formed Host is"
    ),
    "screening": Row(True, "every question is asked; without it secmw sets headers and nothing else"),
    "https": Row(
        "redirect", "a person who types the name arrives; a script that speaks plain HTTP learns of it"
    ),
    "http_exempt": Row((), "exact paths that answer over plain HTTP too, such as a health check"),
    "force_secure": Row(
        None, "follows public_url: with https, cookies are Secure whatever a server believes"
    ),
    "trusted_proxies": Row((), "anybody can write X-Forwarded-For; only you know which addresses are yours"),
    "hops": Row(1, "one proxy in front is the common case"),
    "forwarded": Row("x-forwarded", "what nginx, Caddy, Traefik and the cloud balancers send"),
    "no_warning": Row(False, "an unencrypted link to a proxy on another machine deserves a note"),
    "hsts": Row(Hsts(), "one year, this host only: subdomains are not ours to lock unasked"),
    "frame_options": Row("DENY", "no other site may put a page in a frame and steal clicks"),
    "content_type_sniffing": Row(False, "a browser that guesses can run an upload as a script"),
    "csp": Row(_HARMLESS_CSP, "the directives that cannot break a page"),
    "csp_report_only": Row(
        _WATCHED_CSP, "shows in the console what a full policy would block, and blocks nothing"
    ),
    "referrer_policy": Row(
        "strict-origin-when-cross-origin", "paths stay private; Origin keeps working everywhere"
    ),
    "permissions_policy": Row(
        {"browsing-topics": (), "camera": (), "geolocation": (), "microphone": ()},
        "the features an injected script would want first",
    ),
    "opener_policy": Row("same-origin", "a page that opens ours gets no handle on its window"),
    "embedder_policy": Row(None, "require-corp breaks pages that load anything from elsewhere"),
    "resource_policy": Row(
        "same-origin", "other sites can't load our answers, which also stops Spectre reads"
    ),
    "origin_agent_cluster": Row(True, "asks the browser for a process of our own"),
    "dns_prefetch_control": Row("off", "links on a page don't leak through name look-ups"),
    "cross_domain_policies": Row("none", "no policy files for Flash and PDF readers"),
    "reporting_endpoints": Row(None, "only you know where reports should go"),
    "nel": Row(None, "network error logging needs a reporting endpoint"),
    "cache_control": Row(
        None, "responses are the application's; those that set our cookies are never stored"
    ),
    "bfcache": Row(
        False, "no-store also keeps pages out of the back-button cache of the next person at the screen"
    ),
    "clear_site_data": Row(("cache", "storage"), "sent at sign-out; cookies are cleared one by one"),
    "server": Row(None, "names and versions help nobody but attackers"),
    "custom_headers": Row((), "your own, sent unless something later sets the same name"),
    "enforce_headers": Row((), "an application's own value wins, because it knows its page"),
    "drop_headers": Row(("Server", "X-Powered-By"), "names and versions help nobody but attackers"),
    "cookies": Row(Cookies(), "Secure, HttpOnly, SameSite=Lax and __Host-, for secmw's own cookies"),
    "xsrf": Row(Xsrf(), "both questions, asked of every unsafe request"),
    "sessions": Row(
        Sessions(), "24 hours in all, 8 without a request: a working day, and no lost laptop for longer"
    ),
    "store": Row(None, "only you know where sessions should live"),
    "sudo": Row(Sudo(), "five minutes from the password on: a task, not an afternoon"),
    "trail": Row(None, "the audit trail lives beside the sessions"),
    "audit": Row(Audit(), "an application that can't write its trail goes on, with an alarm"),
    "paths": Row({}, "one class for every path; policy.at() adds more"),
}

STRICT: Final[Preset] = {
    **RECOMMENDED,
    "hsts": Row(
        Hsts(max_age=63_072_000, include_subdomains=True), "two years and all subdomains, as OWASP advises"
    ),
    "csp": Row(
        _STRICT_CSP, "nothing loads that is not from here; scripts and styles in the page need the nonce"
    ),
    "csp_report_only": Row(None, "everything is enforced already"),
    "referrer_policy": Row("no-referrer", "no address leaves, not even the host"),
    "permissions_policy": Row(dict.fromkeys(_STRICT_FEATURES, ()), "every feature OWASP's list names is off"),
    "embedder_policy": Row("require-corp", "with this CSP nothing comes from elsewhere anyway"),
    "cache_control": Row("no-store, max-age=0", "unless the application says that a response may be kept"),
    "drop_headers": Row(FINGERPRINTS, "every header on OWASP's list of those that name software"),
    "cookies": Row(Cookies(same_site="Strict"), "no cookie travels with a link from another site"),
}

CONNECT: Final[Preset] = {
    **RECOMMENDED,
    "hsts": Row(Hsts(max_age=2_592_000), "30 days, as the product sends with HTTPS.Permanent"),
    "csp": Row(None, "the product sends none but what framing needs"),
    "csp_report_only": Row(None, "the product sends none"),
    "permissions_policy": Row(None, "hosted content may use the browser's features"),
    "opener_policy": Row(None, "hosted content opens windows of its own"),
    "resource_policy": Row(None, "hosted content is embedded elsewhere"),
    "cookies": Row(
        Cookies(
            same_site="None", prefix=False, apply_to="all", legacy_twin="always", visit="rsconnect-visit"
        ),
        "Server.SameSite = None: content is embedded, and every cookie has its -legacy twin",
    ),
    "sessions": Row(
        Sessions(
            cookie="rsconnect",
            websocket_activity=("/",),
            websocket_heartbeats=("ACK ", "CONTINUE ", '["ACK ', '["CONTINUE '),
        ),
        "Authentication.Lifetime = 24h, Inactivity = 8h, CookieSweepDuration = 1h; who works in a Shiny application is there,"
        " though what its page sends by itself to keep the connection does not count",
    ),
    "xsrf": Row(
        Xsrf(
            cookie="RSC-XSRF",
            header="X-Rsc-Xsrf",
            compare=True,
            api_schemes=("Bearer", "Key"),
        ),
        "the product's names; a mismatch with the cookie is a 403; API keys are not asked",
    ),
    "paths": Row(
        {"/content/": {"frame_options": None}}, "Server.FrameOptionsContent = NONE: content may be framed"
    ),
}

WORKBENCH: Final[Preset] = {
    **RECOMMENDED,
    "hsts": Row(Hsts(max_age=86_400), "one day, ssl-hsts-max-age's default"),
    "csp": Row(None, "the product sends none but what framing needs"),
    "csp_report_only": Row(None, "the product sends none"),
    "permissions_policy": Row(None, "the product sends none"),
    "opener_policy": Row(None, "sessions and jobs open windows of their own"),
    "sessions": Row(Sessions(inactivity="60m"), "auth-timeout-minutes = 60"),
    "forwarded": Row("x-rstudio-request", "the product's header: the absolute URL the browser asked for"),
    "xsrf": Row(
        Xsrf(cookie="rs-csrf-token", header="X-RS-CSRF-Token", field="rs-csrf-token"),
        "the product's names; www-enable-origin-check is always on",
    ),
}

DEVELOPMENT: Final[Preset] = {
    **RECOMMENDED,
    "allowed_hosts": Row(
        ("localhost", ".localhost", "127.0.0.1", "[::1]"), "this machine only, and nothing else"
    ),
    "store": Row("sqlite:.secmw/sessions.db", "a file beside the key, in the folder you work in"),
    "https": Row("off", "there is no certificate on a developer's machine"),
    "hsts": Row(None, "a browser would remember localhost for a year"),
    "cookies": Row(
        Cookies(secure=False, prefix=False), "not every browser keeps Secure cookies of http://localhost"
    ),
}

PRESETS: Final[Mapping[str, Preset]] = {
    "recommended": RECOMMENDED,
    "strict": STRICT,
    "connect": CONNECT,
    "workbench": WORKBENCH,
    "development": DEVELOPMENT,
}

"""What ``manage.py check`` says of a project: what would not work, what fights with what, and what to write instead.

Errors are what secmw could not start with, or what would leave people without the protection that the settings promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - as Django calls it
from django.http.request import validate_host
from django.utils.module_loading import import_string

from secmw.errors import ConfigError
from secmw.forwarding import WSGI_KEYS
from secmw.hosts import parse_authority
from secmw_django import conf
from secmw_django.settings import CSRF, contradictions, derived_keys

if TYPE_CHECKING:
    from secmw.policy import Policy

OURS: Final = "secmw_django.SecmwMiddleware"
ENGINE: Final = "secmw_django.sessions"
PROCESSOR: Final = "secmw_django.context_processors.secmw"

_SESSIONS: Final = "django.contrib.sessions.middleware.SessionMiddleware"
_SECURITY: Final = "django.middleware.security.SecurityMiddleware"
_FRAMES: Final = "django.middleware.clickjacking.XFrameOptionsMiddleware"
_POLICIES: Final = ("django.middleware.csp.ContentSecurityPolicyMiddleware", "csp.middleware.CSPMiddleware")


@register(Tags.security)
def project(app_configs: Any = None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django gives it
    """Check what can be checked on any machine."""
    found = list(_chain())
    try:
        policy = conf.policy()
        conf.hooks()
        conf.store()
    except ConfigError as error:
        hint = None
        if any(problem.setting == "secret_keys" for problem in error.problems) and not derived_keys(settings):
            hint = "SECRET_KEY would do if it had 50 characters, 5 of them different; or write SECMW['secret_keys']."
        return [
            *found,
            *(Error(f"SECMW: {problem}", hint=hint, id="secmw.E001") for problem in error.problems),
        ]
    for part in (_sessions, _tokens, _headers, _proxies, _hosts):
        found.extend(part(policy))
    found.extend(
        Error(str(problem), hint="secmw takes Django's setting where SECMW does not say it.", id="secmw.E005")
        for _row, problem in contradictions(settings)
    )
    return found


@register(Tags.security, deploy=True)
def deployment(app_configs: Any = None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django gives it
    """Check what a machine that serves people must not have."""
    try:
        policy = conf.policy()
    except ConfigError:
        return []  # said above
    if policy.preset != "development":
        return []
    hint = "Write SECMW['public_url'], or another preset; without both, DEBUG = True makes it 'development'."
    return [
        Warning(
            "SECMW has the preset 'development', which answers this machine alone.",
            hint=hint,
            id="secmw.W001",
        )
    ]


def is_ours(path: str) -> bool:
    """Say whether a name in MIDDLEWARE is secmw's, or a subclass of it."""
    if path == OURS:
        return True
    try:
        found = import_string(path)
    except ImportError:
        return False  # Django says it
    from secmw_django.middleware import SecmwMiddleware

    return isinstance(found, type) and issubclass(found, SecmwMiddleware)


def _chain() -> Iterator[CheckMessage]:
    places = [place for place, path in enumerate(settings.MIDDLEWARE) if is_ours(path)]
    if not places:
        hint = f"Put '{OURS}' first in MIDDLEWARE, or take 'secmw_django' out of INSTALLED_APPS."
        yield Error("secmw is installed, and protects nothing.", hint=hint, id="secmw.E002")
    elif places[0] != 0:
        before = settings.MIDDLEWARE[0]
        yield Error(
            f"{before!r} comes before secmw in MIDDLEWARE: it sees requests that nobody has screened, and what it answers has no"
            " headers.",
            hint=f"Put {settings.MIDDLEWARE[places[0]]!r} first.",
            id="secmw.E003",
        )
    if len(places) > 1:
        yield Error("secmw is in MIDDLEWARE more than once.", hint="Leave the first.", id="secmw.E004")


def _sessions(policy: Policy) -> Iterator[CheckMessage]:
    if policy.sessions is None:
        if settings.SESSION_ENGINE == ENGINE:
            hint = "Write SECMW['store'], or another SESSION_ENGINE."
            yield Error(
                f"SESSION_ENGINE is {ENGINE!r}, and SECMW has no sessions.", hint=hint, id="secmw.E006"
            )
        return
    if settings.SESSION_ENGINE != ENGINE:
        yield Warning(
            f"SECMW has sessions, and SESSION_ENGINE is {settings.SESSION_ENGINE!r}: request.session and sign-ins of"
            " django.contrib.auth are not secmw's.",
            hint=f"Write SESSION_ENGINE = {ENGINE!r}, or SECMW['sessions'] = None.",
            id="secmw.W002",
        )
        return
    if apps.is_installed("django.contrib.auth") and not _has(_SESSIONS):
        yield Warning(
            "django.contrib.auth is installed, and nothing gives requests a session.",
            hint=f"Put {_SESSIONS!r} into MIDDLEWARE, after secmw.",
            id="secmw.W003",
        )
    if "pickle" in settings.SESSION_SERIALIZER.lower():
        yield Error(
            f"SESSION_SERIALIZER is {settings.SESSION_SERIALIZER!r}; secmw keeps what JSON can hold, and never unpickles.",
            hint="Take it out, and put nothing but text, numbers, lists and dicts of them into sessions.",
            id="secmw.E007",
        )
    for name, usual in (
        ("SESSION_COOKIE_DOMAIN", None),
        ("SESSION_COOKIE_PATH", "/"),
        ("SESSION_COOKIE_HTTPONLY", True),
    ):
        if getattr(settings, name) != usual:
            yield Warning(
                f"{name} is {getattr(settings, name)!r}; secmw's cookie belongs to this host, to all its paths, and to no script.",
                hint=f"Take {name} out.",
                id="secmw.W004",
            )


def _tokens(policy: Policy) -> Iterator[CheckMessage]:
    asked = policy.xsrf is not None and policy.xsrf.token
    if asked and _has(CSRF):
        yield Warning(
            "secmw asks for a token, and so does CsrfViewMiddleware for another one: every form needs both.",
            hint=f"Take {CSRF!r} out of MIDDLEWARE, or 'token' out of SECMW['xsrf'].",
            id="secmw.W005",
        )
    elif asked and not all(PROCESSOR in found for found in _processors()):
        yield Warning(
            "CsrfViewMiddleware is gone, and {% csrf_token %} writes its token still, which secmw refuses.",
            hint=f"Put {PROCESSOR!r} among the context_processors of TEMPLATES; {{% csrf_token %}} writes secmw's then.",
            id="secmw.W006",
        )
    if _has(CSRF) and _referrer(policy).rpartition(",")[2].strip() == "no-referrer":
        yield Error(
            "Under Referrer-Policy: no-referrer browsers send 'Origin: null' with every form, and CsrfViewMiddleware refuses that.",
            hint=f"Write SECMW['referrer_policy'] = 'same-origin'; or take {CSRF!r} out of MIDDLEWARE, and secmw asks for a token.",
            id="secmw.E010",
        )
    wild = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" in origin]
    if wild and policy.xsrf is not None:
        yield Warning(
            f"CSRF_TRUSTED_ORIGINS has {wild[0]!r}, and secmw trusts no origin that it can't name.",
            hint="Name each, or write SECMW['xsrf'] = {'allow_same_site': True} for all hosts of this site.",
            id="secmw.W007",
        )


def _referrer(policy: Policy) -> str:
    """Return the Referrer-Policy that leaves: SecurityMiddleware's, where that is there and the policy does not insist."""
    theirs = settings.SECURE_REFERRER_POLICY if _has(_SECURITY) else None
    if not theirs or "referrer-policy" in (name.lower() for name in policy.enforce_headers):
        return policy.referrer_policy or ""
    return theirs if isinstance(theirs, str) else ",".join(theirs)


def _processors() -> Iterator[Sequence[str]]:
    for engine in settings.TEMPLATES:
        if engine["BACKEND"].endswith(".DjangoTemplates"):
            yield engine.get("OPTIONS", {}).get("context_processors", ())


def _headers(policy: Policy) -> Iterator[CheckMessage]:
    for path in _POLICIES:
        if _has(path) and (policy.csp is not None or policy.csp_report_only is not None):
            yield Warning(
                f"{path!r} sends a Content-Security-Policy in place of secmw's, with a nonce of its own.",
                hint="Take it out of MIDDLEWARE; SECURE_CSP, or SECMW['csp'], is sent by secmw.",
                id="secmw.W008",
            )
    written = policy.written()
    said: list[tuple[str, str, str, Any, Callable[[Any], Any]]] = [
        (_FRAMES, "frame_options", "X_FRAME_OPTIONS", policy.frame_options, lambda value: value),
        (_SECURITY, "referrer_policy", "SECURE_REFERRER_POLICY", policy.referrer_policy, lambda value: value),
        (_SECURITY, "opener_policy", "SECURE_CROSS_ORIGIN_OPENER_POLICY", policy.opener_policy, str),
    ]
    for path, setting, name, ours, meant in said:
        theirs = getattr(settings, name)
        # What a project has written itself is honoured, or an error already.
        fights = setting in written and not settings.is_overridden(name) and theirs is not None
        if fights and _has(path) and ours != meant(theirs):
            yield Warning(
                f"{path!r} sends {theirs!r} for {name}, and SECMW says {setting} = {ours!r}; the first wins.",
                hint=f"Take {path!r} out of MIDDLEWARE: secmw sends what it would.",
                id="secmw.W009",
            )
    if policy.http_exempt and settings.SECURE_SSL_REDIRECT and _has(_SECURITY):
        yield Warning(
            "SECURE_SSL_REDIRECT redirects the paths of SECMW['http_exempt'] too.",
            hint=f"Take {_SECURITY!r} out of MIDDLEWARE: secmw redirects.",
            id="secmw.W010",
        )
    if settings.SECURE_REDIRECT_EXEMPT:
        yield Warning(
            "SECURE_REDIRECT_EXEMPT holds patterns, which secmw does not read: it redirects those paths.",
            hint="Name the paths in SECMW['http_exempt'].",
            id="secmw.W011",
        )
    others = [host for host in policy.allowed_hosts if host != settings.SECURE_SSL_HOST]
    if (
        settings.SECURE_SSL_REDIRECT
        and settings.SECURE_SSL_HOST
        and (others or "*" in settings.ALLOWED_HOSTS)
    ):
        what = f"redirects {others[0]!r} to itself" if others else "refuses all hosts that nobody has named"
        yield Warning(
            f"SECURE_SSL_HOST is {settings.SECURE_SSL_HOST!r}, where Django redirects people from every host; secmw {what}.",
            hint="Name in ALLOWED_HOSTS what may stay an address of its own, and have the server in front redirect the rest.",
            id="secmw.W012",
        )


def _proxies(policy: Policy) -> Iterator[CheckMessage]:
    if settings.SECURE_PROXY_SSL_HEADER is not None and not policy.trusted_proxies:
        yield Error(
            f"SECURE_PROXY_SSL_HEADER is {settings.SECURE_PROXY_SSL_HEADER!r}, and says of no address that it is the proxy's:"
            " secmw believes no header that anybody may have written, takes requests for plain HTTP, and redirects them for ever.",
            hint="Write SECMW['trusted_proxies'] = ['10.0.0.0/8'], or whatever addresses your proxies have; Django then sees"
            " scheme, host and client as they say.",
            id="secmw.E008",
        )
    elif (
        settings.SECURE_PROXY_SSL_HEADER is not None and settings.SECURE_PROXY_SSL_HEADER[0] not in WSGI_KEYS
    ):
        yield Error(
            f"SECURE_PROXY_SSL_HEADER is {settings.SECURE_PROXY_SSL_HEADER!r}, a header that secmw knows nothing of: whoever writes"
            " it makes Django take plain HTTP for HTTPS.",
            hint="Take it out: with trusted_proxies Django sees the scheme that the proxy says.",
            id="secmw.E011",
        )


def _hosts(policy: Policy) -> Iterator[CheckMessage]:
    if policy.public_url is None or settings.DEBUG:
        return
    host = parse_authority(policy.public_url.partition("//")[2].partition("/")[0]).host
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield Error(
            f"SECMW['public_url'] is {policy.public_url!r}, and ALLOWED_HOSTS has Django refuse that host.",
            hint=f"Add {host!r} to ALLOWED_HOSTS.",
            id="secmw.E009",
        )


def _has(path: str) -> bool:
    return path in settings.MIDDLEWARE


def answered(policy: Policy) -> list[str]:
    """Name Django's own checks whose question the policy answers: they would warn of what secmw does."""
    ids = ["security.W001", "security.W002"]
    if policy.xsrf is not None and policy.xsrf.token:
        ids.append("security.W003")
    if policy.hsts is not None:
        ids.append("security.W004")
    if policy.https != "off":
        ids.append("security.W008")
    if policy.sessions is not None and settings.SESSION_ENGINE == ENGINE:
        ids += [f"security.W{number:03}" for number in range(10, 16 if policy.cookies.secure else 10)]
    if policy.cookies.apply_to == "all" and policy.cookies.secure:
        ids.append("security.W016")  # the cookie of CsrfViewMiddleware goes out as secure as ours
    return ids

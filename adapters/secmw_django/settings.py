"""From Django's settings to those of a policy: what means the same is said once, and ``SECMW`` counts more. Changes nothing.

Only settings that a project has written count: Django's defaults are not its word, and the preset has better ones.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.utils.crypto import salted_hmac

from secmw.errors import ConfigError, Problem
from secmw.policy import Policy

CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"

#: What a translation returns where a setting has no equal here.
NOTHING: Final = object()

#: As django.core.checks.security wants it of a key.
_KEY_LENGTH, _KEY_LETTERS = 50, 5


class Row(NamedTuple):
    """One setting of Django's, the setting of the policy that means the same, and its value there."""

    name: str
    setting: str
    value: Callable[[Any], Any]
    always: bool = False
    """Whether it counts on a developer's machine too, where there is no HTTPS and no other host."""


def _same(value: Any) -> Any:
    return value


def _true(value: Any) -> Any:
    return True if value else NOTHING


def _joined(value: Any) -> Any:
    if value is None:
        return "omit"
    return value if isinstance(value, str) else ", ".join(value)


def _hosts(value: Any) -> Any:
    # An asterisk stands for all of them, and so does an empty list here.
    return NOTHING if not value or "*" in value else list(value)


def _age(value: Any) -> Any:
    return value or NOTHING


def _origins(value: Any) -> Any:
    return [origin for origin in value or () if "*" not in origin] or NOTHING


def _csp(value: Any) -> Any:
    """Translate a policy of Django 6."""
    if not value:
        return "omit"
    found = {}
    for directive, given in value.items():
        if given is None or given is False:
            continue
        sources = [] if given is True else [given] if isinstance(given, str) else sorted(given)
        found[str(directive)] = ["'nonce'" if "NONCE" in str(one) else str(one) for one in sources]
    return found


def _same_site(value: Any) -> Any:
    return value if value in ("Strict", "Lax", "None") else NOTHING


ROWS: Final = (
    Row("ALLOWED_HOSTS", "allowed_hosts", _hosts),
    Row("SECURE_SSL_REDIRECT", "https", lambda value: "redirect" if value else NOTHING),
    Row("SECURE_SSL_HOST", "public_url", lambda value: f"https://{value}" if value else NOTHING),
    Row("SECURE_HSTS_SECONDS", "hsts.max_age", _age),
    Row("SECURE_HSTS_INCLUDE_SUBDOMAINS", "hsts.include_subdomains", bool),
    Row("SECURE_HSTS_PRELOAD", "hsts.preload", bool),
    Row("SECURE_REFERRER_POLICY", "referrer_policy", _joined),
    Row(
        "SECURE_CROSS_ORIGIN_OPENER_POLICY",
        "opener_policy",
        lambda value: "omit" if value is None else value,
    ),
    Row("SECURE_CONTENT_TYPE_NOSNIFF", "content_type_sniffing", lambda value: not value),
    Row("X_FRAME_OPTIONS", "frame_options", _same),
    Row("SECURE_CSP", "csp", _csp),
    Row("SECURE_CSP_REPORT_ONLY", "csp_report_only", _csp),
    Row("CSRF_TRUSTED_ORIGINS", "xsrf.trusted_origins", _origins),
    Row("SESSION_COOKIE_AGE", "sessions.lifetime", _age, always=True),
    Row("SESSION_EXPIRE_AT_BROWSER_CLOSE", "sessions.persistent", lambda value: not value, always=True),
    Row("SESSION_COOKIE_NAME", "sessions.cookie", _same, always=True),
    Row("SESSION_COOKIE_SAMESITE", "cookies.same_site", _same_site, always=True),
    Row("SESSION_COOKIE_SECURE", "cookies.secure", _true),
)


def merged(settings: Any) -> dict[str, Any]:
    """Return the settings of the policy: those of ``SECMW``, and for the rest what Django's say.

    With ``DEBUG`` and neither a preset nor a ``public_url`` the preset is ``development``, which answers this machine alone.
    """
    given = _given(settings)
    if settings.DEBUG and "preset" not in given and "public_url" not in given:
        given["preset"] = "development"
    developing = given.get("preset") == "development"
    if "secret_keys" not in given:
        keys = derived_keys(settings)
        if keys:
            given["secret_keys"] = keys
    for setting, value in (*_of_csrf(settings), *_of_hsts(settings)):
        _say(given, setting, value)
    for row in ROWS:
        if _written(settings, row.name) and (row.always or not developing):
            value = row.value(getattr(settings, row.name))
            if value is not NOTHING:
                _say(given, row.setting, value)
    return given


def _given(settings: Any) -> dict[str, Any]:
    """Return what ``SECMW`` says: a mapping, or a policy, of which what was written counts."""
    said = getattr(settings, "SECMW", {})
    if isinstance(said, Policy):
        return said.written()
    if not isinstance(said, Mapping):
        fix = 'must be a dict, as in SECMW = {"public_url": "https://app.example.org"}'
        raise ConfigError([Problem("SECMW", fix, f"a {type(said).__name__}")])
    return dict(said)


def asks_for_token() -> bool:
    """Say whether Django's own middleware asks for its own token."""
    from django.conf import settings

    return CSRF in settings.MIDDLEWARE


def derived_keys(settings: Any) -> list[str]:
    """Make secret keys of ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``, of those that Django's own check finds long enough.

    They are derived for this purpose alone (HMAC-SHA-256): who learns one learns nothing of the other.
    """
    usable = [
        key
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        if len(key) >= _KEY_LENGTH and len(set(key)) >= _KEY_LETTERS
    ]
    if not usable or usable[0] != settings.SECRET_KEY:
        return []
    return [
        b64encode(
            salted_hmac("secmw_django", "secret_keys", secret=key, algorithm="sha256").digest()
        ).decode()
        for key in usable
    ]


def contradictions(settings: Any) -> Iterator[tuple[Row, Problem]]:
    """Find where a setting of Django's says something else than ``SECMW``."""
    given = _given(settings)
    if given.get("preset") == "development":
        return
    for row in ROWS:
        if not _written(settings, row.name):
            continue
        value, said = row.value(getattr(settings, row.name)), _said(given, row.setting)
        if value is NOTHING or said is NOTHING or _alike(row.setting, value, said):
            continue
        fix = f"contradicts SECMW, whose {row.setting} is {said!r}; leave one of them out"
        yield row, Problem(row.name, fix, repr(getattr(settings, row.name)))


def _written(settings: Any, name: str) -> bool:
    """Say whether a project has written a setting; one that a test takes away counts as changed to Django."""
    return bool(settings.is_overridden(name)) and hasattr(settings, name)


def _of_csrf(settings: Any) -> Iterator[tuple[str, Any]]:
    """Say who asks for a token: Django's own middleware where it is there, secmw under Django's names where it is not."""
    if CSRF in settings.MIDDLEWARE:
        yield "xsrf.token", False
        return
    yield "xsrf.field", "csrfmiddlewaretoken"
    yield "xsrf.cookie", settings.CSRF_COOKIE_NAME
    yield "xsrf.header", settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")


def _of_hsts(settings: Any) -> Iterator[tuple[str, Any]]:
    """Say that no browser shall be told of HTTPS for good, where a project says zero seconds."""
    if _written(settings, "SECURE_HSTS_SECONDS") and not settings.SECURE_HSTS_SECONDS:
        yield "hsts", "off"


def _say(given: dict[str, Any], setting: str, value: Any) -> None:
    """Say a setting, where nothing has been said of it."""
    part, _, name = setting.partition(".")
    if not name:
        given.setdefault(part, value)
        return
    inner = given.get(part, {})
    if inner is True or inner == "on":
        inner = {}
    # A whole part leaves nothing unsaid, and a part that is off has nothing to say.
    if isinstance(inner, Mapping):
        given[part] = {name: value, **inner}


def _said(given: Mapping[str, Any], setting: str) -> Any:
    part, _, name = setting.partition(".")
    if part not in given:
        return NOTHING
    if not name:
        return given[part]
    inner = given[part]
    if isinstance(inner, Mapping):
        return inner.get(name, NOTHING)
    return getattr(inner, name, NOTHING)


def _alike(setting: str, one: Any, other: Any) -> bool:
    """Say whether two values of a setting come to the same policy."""
    part, _, name = setting.partition(".")

    def meant(value: Any) -> Any:
        said = {part: {name: value}} if name else {part: value}
        rest = {"sessions": None, "xsrf": None, **said}
        found = getattr(Policy.from_mapping({**rest, "secret_keys": _ANY}), part)
        return getattr(found, name) if name else found

    try:
        return bool(meant(one) == meant(other))
    except ConfigError:
        # What is wrong is reported as that.
        return True


#: A key for policies that nobody uses.
_ANY: Final = [b64encode(bytes(range(32))).decode()]

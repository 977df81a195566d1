"""The nested parts of the settings table: HSTS, cookies, XSRF, sessions.

Each is a frozen, keyword-only msgspec struct whose fields are the settings; what is wrong with one is raised as a
ConfigError that names it. The flat settings, and how the parts fit together, are in :mod:`secmw.policy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from secmw.config.durations import seconds
from secmw.errors import ConfigError, Problem

SameSite = Literal["Strict", "Lax", "None"]


class Hsts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long browsers shall use HTTPS only (RFC 6797).

    ``max_age``: a duration; 0 makes browsers forget the host (``hsts = "forget"``). ``preload`` is a request to be
    built into browsers, close to irrevocable: it needs a year and ``include_subdomains``.
    """

    max_age: int | str = 31_536_000
    include_subdomains: bool = False
    preload: bool = False

    def __post_init__(self) -> None:
        try:
            age = seconds(self.max_age)
        except ValueError as error:
            raise ConfigError([Problem("hsts.max_age", str(error), repr(self.max_age))]) from None
        msgspec.structs.force_setattr(self, "max_age", age)
        if self.preload and (age < 31_536_000 or not self.include_subdomains):
            raise ConfigError(
                [
                    Problem(
                        "hsts.preload", "needs max_age of at least 1y and include_subdomains = true", "true"
                    )
                ]
            )


class Cookies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules for secmw's own cookies and, with ``apply_to = "all"``, for the application's.

    ``same_site``: ``None`` needs ``secure``. ``readable``: names of application cookies that scripts may read.
    ``prefix``: ``__Host-`` (or ``__Secure-``) on secmw's own HttpOnly cookies where its conditions hold.
    ``legacy_twin``: a second cookie ``NAME-legacy`` without SameSite beside every ``SameSite=None`` one.
    ``visit``: name, without prefix, of the random cookie that XSRF tokens are bound to before sign-in.
    ``embedded`` is set by ``Policy.embed`` and gives those cookies names of their own.
    """

    secure: bool = True
    http_only: bool = True
    same_site: SameSite = "Lax"
    partitioned: bool = False
    prefix: bool = True
    readable: Sequence[str] = ()
    apply_to: Literal["own", "all"] = "own"
    legacy_twin: Literal["never", "always", "incompatible"] = "never"
    visit: str = "visit"
    embedded: bool = False


class Xsrf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The two questions asked of every unsafe request, and of every WebSocket handshake the first.

    ``origin``: is it from our own origin, or from one of ``trusted_origins``? ``token``: does it carry a token bound
    to its session or visit, in ``header`` or in the form field ``field``? ``compare`` also wants the header equal to
    the cookie ``cookie``. ``exempt``: exact paths, or prefixes that end in ``/``, asked neither (webhooks).
    ``api_schemes`` and ``api_key_headers``: a request that carries such credentials and no cookie is asked neither.
    ``identity_headers``: fields by which a proxy signs people in; with one of them no request counts as an API call.
    ``form_limit``: how many bytes of a form are read to find the field.
    """

    origin: bool = True
    token: bool = True
    allow_same_site: bool = False
    trusted_origins: Sequence[str] = ()
    cookie: str = "XSRF-TOKEN"
    header: str = "X-XSRF-TOKEN"
    field: str = "xsrf_token"
    compare: bool = False
    exempt: Sequence[str] = ()
    api_schemes: Sequence[str] = ("Bearer",)
    api_key_headers: Sequence[str] = ()
    identity_headers: Sequence[str] = (
        "Remote-User",
        "X-Auth-Request-User",
        "X-Auth-Username",
        "X-Client-Cert",
        "X-Forwarded-User",
        "X-Remote-User",
        "X-RStudio-Username",
        "X-SSL-Client-Cert",
        "X-SSL-Client-Verify",
    )
    form_limit: int = 65_536


class Sessions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Server-side sessions; not available in this version: write ``sessions=None``."""

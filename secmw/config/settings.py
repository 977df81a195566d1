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

    ``preload`` is close to irrevocable. ``hsts = "forget"`` stands for ``max_age = 0``.
    """

    max_age: int | str = 31_536_000
    """How long browsers shall use HTTPS only; 0 makes them forget."""
    include_subdomains: bool = False
    """Whether that holds for every host below this one too."""
    preload: bool = False
    """Whether to ask for a place in the list built into browsers; needs a year and all subdomains."""

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
    """The rules for secmw's own cookies and, with ``apply_to = "all"``, for the application's."""

    secure: bool = True
    """Whether cookies travel over HTTPS only."""
    http_only: bool = True
    """Whether scripts are kept from reading the application's cookies."""
    same_site: SameSite = "Lax"
    """Whether cookies travel with requests from other sites; `None` needs `secure`."""
    partitioned: bool = False
    """Whether a cookie belongs to the page that embeds us (CHIPS); needs `same_site = "None"`."""
    prefix: bool = True
    """Whether our HttpOnly cookies are named `__Host-...`, so that no other host can have set them."""
    readable: Sequence[str] = ()
    """Names of the application's cookies that scripts may read."""
    apply_to: Literal["own", "all"] = "own"
    """Whether these rules hold for our own cookies, or for all that the application sets."""
    legacy_twin: Literal["never", "always", "incompatible"] = "never"
    """Whether each SameSite=None cookie goes out twice, for browsers that misread SameSite=None."""
    visit: str = "visit"
    """The name, without prefix, of the random cookie that XSRF tokens are bound to."""
    embedded: bool = False
    """Set by `policy.embed()`: our cookies have names of their own."""


class Xsrf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The two questions asked of every unsafe request, and of every WebSocket handshake the first."""

    origin: bool = True
    """Whether the first question is asked: does the request come from our own pages?"""
    token: bool = True
    """Whether the second is: does it carry a token bound to its visit?"""
    allow_same_site: bool = False
    """Whether pages of sibling hosts (`Sec-Fetch-Site: same-site`) pass the first question."""
    trusted_origins: Sequence[str] = ()
    """Other origins that pass it: scheme, host and port."""
    cookie: str = "XSRF-TOKEN"
    """The cookie that hands the token to scripts."""
    header: str = "X-XSRF-TOKEN"
    """The header in which a script sends it back; `X-CSRF-Token` is accepted too."""
    field: str = "xsrf_token"
    """The form field in which a form sends it back."""
    compare: bool = False
    """Whether the header must also equal that cookie."""
    exempt: Sequence[str] = ()
    """Paths that are asked nothing, exact or prefixes that end in `/`: webhooks."""
    api_schemes: Sequence[str] = ("Bearer",)
    """Authorization schemes of API calls, which are asked nothing if no cookie comes with them."""
    api_key_headers: Sequence[str] = ()
    """Headers that carry an API key, likewise."""
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
    """Headers by which a proxy signs people in; with one of them nothing counts as an API call."""
    form_limit: int = 65_536
    """How many bytes of a form are read to find the field."""


class Sessions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Server-side sessions; not available in this version: write ``sessions=None``."""

"""The nested parts of the settings table: HSTS, cookies, XSRF, sessions, sudo, audit.

Each is a frozen, keyword-only msgspec struct whose fields are the settings; what is wrong with one is raised as a
ConfigError that names it. The flat settings, and how the parts fit together, are in :mod:`secmw.policy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

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
    """Server-side sessions: how long they live, what they may hold, and what happens when their store is away.

    ``aal1()``, ``aal2()`` and ``aal3()`` make the time limits of NIST SP 800-63B-4.
    """

    lifetime: int | str = 86_400
    """How long a session lives, whatever happens in it; from sign-in, or from its creation while nobody is signed in."""
    inactivity: int | str | None = 28_800
    """How long it lives without a request; None for as long as its lifetime."""
    passive: Sequence[str] = ()
    """Paths whose requests are no activity, exact or prefixes that end in `/`: pages that ask for news by themselves."""
    max_size: int = 16_384
    """How many bytes the data of a session may have, as they are kept."""
    cap: int | None = None
    """How many sessions a user may have at once; a sign-in past it ends the oldest."""
    cookie: str = "id"
    """The name, without prefix, of the cookie that holds the id."""
    persistent: bool = False
    """Whether the cookie outlives the browser's run."""
    on_outage: Literal["refuse", "anonymous"] = "refuse"
    """What a request with a session gets while the store is away: 503, or, for GET and HEAD, the page of a stranger."""
    namespace: str | None = None
    """What this application's data are kept under, where several share one store: it sees no other names than its own."""
    shared: Sequence[str] = ()
    """Names that it has in common with those applications that list them too; needs `namespace`."""
    seal: bool = False
    """Whether the store keeps everything encrypted, by keys made of secret_keys; needs the extra `crypto`."""
    sweep: int | str = 3_600
    """How often sessions that are over are removed."""
    page: bool = True
    """Whether `/_secmw/sessions` shows people their sessions."""
    sign_in_url: str | None = None
    """Where people sign in: a path of this site; `login_required` sends them there, with `?next=`."""
    websocket: Literal["at_expiry", "next_message", "ignore"] = "at_expiry"
    """When a WebSocket closes whose session is over: at once, at the client's next message, or never."""
    recheck: float | str = 15
    """How soon a WebSocket, or a response that still streams, notices what happened to its session elsewhere."""
    close_code: int = 1008
    """The code that such a WebSocket closes with: 1008 is a policy's; 3000 to 4999 are an application's own."""
    websocket_activity: Sequence[str] = ()
    """Paths whose WebSocket messages are activity, exact or prefixes that end in `/`; `/` is all."""
    websocket_heartbeats: Sequence[str] = ()
    """How those messages begin that a page sends by itself, which are no activity."""

    def __post_init__(self) -> None:
        problems = []
        try:
            recheck = self.recheck if isinstance(self.recheck, float) else float(seconds(self.recheck))
        except ValueError as error:
            problems.append(Problem("sessions.recheck", str(error), repr(self.recheck)))
        else:
            if not 0.1 <= recheck <= 3600:
                fix = "must lie between 0.1 and 3600 seconds"
                problems.append(Problem("sessions.recheck", fix, repr(self.recheck)))
            msgspec.structs.force_setattr(self, "recheck", recheck)
        for name, least, most in (
            ("lifetime", 60, 400 * 86_400),
            ("inactivity", 10, 400 * 86_400),
            ("sweep", 1, 86_400),
        ):
            given = getattr(self, name)
            if given is None:
                continue
            try:
                value = seconds(given)
            except ValueError as error:
                problems.append(Problem(f"sessions.{name}", str(error), repr(given)))
                continue
            if not least <= value <= most:
                fix = f"must lie between {least} and {most} seconds"
                problems.append(Problem(f"sessions.{name}", fix, repr(given)))
            msgspec.structs.force_setattr(self, name, value)
        if problems:
            raise ConfigError(problems)

    @classmethod
    def aal1(cls, **settings: Any) -> Self:
        """Make the limits of assurance level 1: 30 days (NIST SP 800-63B-4, 2.1.3).

        >>> Sessions.aal1().lifetime, Sessions.aal1().inactivity
        (2592000, None)
        """
        return cls(**{"lifetime": "30d", "inactivity": None, **settings})

    @classmethod
    def aal2(cls, **settings: Any) -> Self:
        """Make the limits of assurance level 2: 24 hours, 1 hour without a request (NIST SP 800-63B-4, 2.2.3)."""
        return cls(**{"lifetime": "24h", "inactivity": "1h", **settings})

    @classmethod
    def aal3(cls, **settings: Any) -> Self:
        """Make the limits of assurance level 3: 12 hours, 15 minutes without a request (NIST SP 800-63B-4, 2.3.3)."""
        return cls(**{"lifetime": "12h", "inactivity": "15m", **settings})


class Sudo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Web sudo: what is dangerous asks for the password again."""

    enabled: bool = True
    """Whether anything asks for it; false is said at every start."""
    duration: int | str = 300
    """How long an elevation lasts, from the password on, whatever happens meanwhile."""

    def __post_init__(self) -> None:
        try:
            duration = seconds(self.duration)
        except ValueError as error:
            raise ConfigError([Problem("sudo.duration", str(error), repr(self.duration))]) from None
        if not 10 <= duration <= 86_400:
            raise ConfigError(
                [Problem("sudo.duration", "must lie between 10 and 86400 seconds", repr(self.duration))]
            )
        msgspec.structs.force_setattr(self, "duration", duration)


class Audit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The audit trail: what happens when it can't take an event, and how much of it strangers may fill."""

    on_failure: Literal["report", "refuse"] = "report"
    """Whether the application goes on, with an alarm and a count, or the response becomes 503."""
    refusals_per_minute: int = 20
    """How many refusals of one reason, from one client network, are recorded one by one; the rest as one count."""

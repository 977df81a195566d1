"""Policy: what you want. Frozen; wrong ones never exist, because making one reports every problem at once.

The fields are the settings table: the same names in Python, TOML and the environment. A field that is not written has
its preset's value (:mod:`secmw.presets`). What a policy means for a request is worked out in :mod:`secmw.plan`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec

from secmw.clock import Clock, system
from secmw.config import check, sources
from secmw.config.convert import SECRET, convert, field_types, freeze, inherit
from secmw.config.settings import Audit, Cookies, Hsts, Sessions, Sudo, Xsrf
from secmw.errors import ConfigError, Problem
from secmw.paths import covers
from secmw.presets import PRESETS

if TYPE_CHECKING:
    from secmw.http import Wire
    from secmw.plan import Plans

# Filled in by __post_init__, so no reader ever meets it; Any keeps it out of every field's type.
_PRESET: Any = msgspec.UNSET


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Say what you want of every request and response of one site.

    Raise ConfigError, with every problem, for a policy that could not hold. Durations are seconds or text such as
    ``"12h"``; a list may be given as a list or a tuple; ``"omit"`` (or None) leaves a header out.

    >>> policy = Policy.recommended(public_url="https://app.example.org", xsrf=None, sessions=None)
    >>> policy.frame_options
    'DENY'
    """

    preset: Literal["recommended", "strict", "connect", "workbench", "development"] = "recommended"

    # Who we are
    secret_keys: Sequence[str] = _PRESET
    """Base64 of at least 32 random bytes each (`secmw keys new`). The first makes, all check."""
    public_url: str | None = _PRESET
    """The address people use, scheme and host, port and path where there are any."""
    allowed_hosts: Sequence[str] = _PRESET
    """Hosts we answer to besides public_url's: exact, or `.suffix` for a domain and all below it."""

    screening: bool = _PRESET
    """Whether requests are asked anything; false leaves hosts, proxies, HTTPS and XSRF to others: headers only."""

    # HTTPS and proxies
    https: Literal["redirect", "redirect-all", "refuse", "off"] = _PRESET
    """Over plain HTTP: redirect GET and HEAD (301) and refuse the rest; redirect all (308); refuse all; or allow it."""
    http_exempt: Sequence[str] = _PRESET
    """Paths, exact or prefixes that end in `/`, that answer over plain HTTP too."""
    force_secure: bool | None = _PRESET
    """Whether cookies are Secure even where the server believes the request came over plain HTTP."""
    trusted_proxies: str | Sequence[str] = _PRESET
    """Addresses, networks or `unix` whose forwarding headers are believed; `server`: the server has decided already."""
    hops: int = _PRESET
    """How many trusted proxies stand in front, at most."""
    forwarded: Literal["x-forwarded", "forwarded", "x-rsc-request", "x-rstudio-request"] = _PRESET
    """The one family of forwarding headers the proxy writes."""
    no_warning: bool = _PRESET
    """Whether the note about an unencrypted link to a proxy on another machine is kept back."""

    # Headers
    hsts: Hsts | None = _PRESET
    """Strict-Transport-Security; `"off"` omits it, `"forget"` makes browsers forget."""
    frame_options: str | Sequence[str] | None = _PRESET
    """X-Frame-Options and frame-ancestors: DENY, SAMEORIGIN, or a list of origins that may frame us."""
    content_type_sniffing: bool = _PRESET
    """Whether browsers may guess types; false sends X-Content-Type-Options: nosniff."""
    csp: Mapping[str, Sequence[str]] | None = _PRESET
    """Content-Security-Policy: directive to sources; `'nonce'` stands for the request's nonce."""
    csp_report_only: Mapping[str, Sequence[str]] | None = _PRESET
    """Content-Security-Policy-Report-Only, beside the other."""
    referrer_policy: str | None = _PRESET
    """Referrer-Policy."""
    permissions_policy: Mapping[str, Sequence[str]] | None = _PRESET
    """Permissions-Policy: feature to allow-list; empty forbids it to everybody."""
    opener_policy: str | None = _PRESET
    """Cross-Origin-Opener-Policy."""
    embedder_policy: str | None = _PRESET
    """Cross-Origin-Embedder-Policy."""
    resource_policy: str | None = _PRESET
    """Cross-Origin-Resource-Policy."""
    origin_agent_cluster: bool | None = _PRESET
    """Origin-Agent-Cluster."""
    dns_prefetch_control: str | None = _PRESET
    """X-DNS-Prefetch-Control."""
    cross_domain_policies: str | None = _PRESET
    """X-Permitted-Cross-Domain-Policies."""
    reporting_endpoints: Mapping[str, str] | None = _PRESET
    """Reporting-Endpoints: name to URL."""
    nel: Mapping[str, Any] | None = _PRESET
    """NEL: network error logging."""
    cache_control: str | None = _PRESET
    """Cache-Control of responses for which the application gave none."""
    bfcache: bool = _PRESET
    """Whether pages that use a token stay in the browser's back-button cache: `no-cache, private` for `no-store`."""
    clear_site_data: Sequence[str] = _PRESET
    """Clear-Site-Data at sign-out."""
    server: str | None = _PRESET
    """What Server says; None drops it."""
    custom_headers: Sequence[str | Sequence[str]] = _PRESET
    """More headers, each `"Name: value"` or a pair."""
    enforce_headers: Sequence[str] = _PRESET
    """Headers whose value here wins over the application's."""
    drop_headers: Sequence[str] = _PRESET
    """Headers removed from every response."""

    # Cookies, XSRF, sessions
    cookies: Cookies = _PRESET
    """The rules for our cookies, and for the application's where asked."""
    xsrf: Xsrf | None = _PRESET
    """Cross-site request forgery: both questions, or `"off"`."""
    sessions: Sessions | None = _PRESET
    """Sessions; None for a policy without."""
    store: str | None = _PRESET
    """Where sessions live, as a URL: `sqlite:///var/lib/app/sessions.db`, `memory://`."""
    sudo: Sudo = _PRESET
    """Web sudo: what is dangerous asks for the password again."""
    trail: str | None = _PRESET
    """Where the audit trail lives, as a URL; where the sessions are if nothing is said."""
    audit: Audit = _PRESET
    """The audit trail's rules."""

    # Path classes
    paths: Mapping[str, Mapping[str, Any]] = _PRESET
    """Settings for paths below a prefix; `policy.at()` writes them."""

    _written: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self._written:
            raise ConfigError([Problem("_written", "is not a setting")])
        given = {
            name: value
            for name in self.__struct_fields__
            if name != "_written" and (value := getattr(self, name)) is not msgspec.UNSET
        }
        preset = PRESETS.get(str(given.get("preset")), PRESETS["recommended"])
        types = field_types(type(self))
        settings = {
            name: inherit(types[name], preset[name].value, value) if name in preset else value
            for name, value in sources.shorthands(given).items()
        }
        values, problems = convert(type(self), settings)
        force = msgspec.structs.force_setattr
        for name, row in preset.items():
            # A copy: whoever changes a mapping of one policy shall not change those of all others.
            force(self, name, values[name] if name in values else freeze(row.value))
        if not self.screening and "xsrf" not in values:
            force(self, "xsrf", None)
        force(self, "_written", frozenset(values))
        broken = {problem.setting.split(".")[0].split("[")[0] for problem in problems}
        problems += [
            found for found in check.policy(self) if found.setting.split(".")[0].split("[")[0] not in broken
        ]
        if problems:
            raise ConfigError(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied, or sent to another process, by what was written."""
        return type(self)._of, (self.written(),)

    def __repr__(self) -> str:
        """Show what was written, but no key."""
        shown = (
            f"{name}={'<hidden>' if name in SECRET else repr(value)}"
            for name, value in self.written().items()
        )
        return f"Policy({', '.join(shown)})"

    # --- where a policy comes from

    @classmethod
    def recommended(cls, **settings: Any) -> Self:
        """Start from safe defaults that break no page."""
        return cls._of({**settings, "preset": "recommended"})

    @classmethod
    def strict(cls, **settings: Any) -> Self:
        """Start from what the public scanners give their highest marks to."""
        return cls._of({**settings, "preset": "strict"})

    @classmethod
    def connect(cls, **settings: Any) -> Self:
        """Start from Posit Connect's defaults, names and cookies; needs ``public_url``."""
        return cls._of({**settings, "preset": "connect"})

    @classmethod
    def workbench(cls, **settings: Any) -> Self:
        """Start from Posit Workbench's defaults and names."""
        return cls._of({**settings, "preset": "workbench"})

    @classmethod
    def development(cls, **settings: Any) -> Self:
        """Serve plain HTTP on this machine only, and say so loudly; any other host is refused.

        Without ``secret_keys`` a key is made once and kept in ``./.secmw/`` (0700, the file 0600).
        """
        if "secret_keys" not in settings:
            from secmw.keys import development_key

            settings["secret_keys"] = [development_key()]
        return cls._of({**settings, "preset": "development"})

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Read a policy from a mapping of setting names to values; ``preset`` names the preset."""
        return cls._of(mapping)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy from a TOML file: ``secmw.toml``, or the ``[tool.secmw]`` table of a ``pyproject.toml``.

        Raise ConfigError also for a file that is missing or is not TOML.
        """
        return cls._of(sources.toml(Path(path)))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, prefix: str = "SECMW_") -> Self:
        """Read a policy from environment variables such as ``SECMW_HSTS__MAX_AGE=365d``.

        A list is separated by commas, or written as JSON, as are mappings; two underscores enter a part.
        """
        return cls._of(sources.environment(os.environ if environ is None else environ, prefix, cls))

    @classmethod
    def _of(cls, settings: Mapping[str, Any]) -> Self:
        """Make a policy, reporting unknown names together with everything else."""
        known = set(cls.__struct_fields__) - {"_written"}
        stray = {name: value for name, value in settings.items() if name not in known}
        if not stray:
            return cls(**settings)
        _, problems = convert(cls, stray)
        try:
            cls(**{name: value for name, value in settings.items() if name in known})
        except ConfigError as error:
            problems.extend(error.problems)
        raise ConfigError(problems)

    # --- policies made from this one

    def at(self, path: str, **settings: Any) -> Self:
        """Return this policy with other settings for the paths below ``path``; what is not named is inherited.

        The longest prefix wins, and a shorter one still gives what the longer one does not name. A path class is no
        security boundary: pages of one origin can reach each other; user content wants a host of its own.

        >>> policy = Policy.recommended(public_url="https://app.example.org", xsrf=None, sessions=None)
        >>> policy.at("/content/", frame_options=None).within("/content/").frame_options is None
        True
        """
        known = {**self.paths.get(path, {}), **settings}
        return self._of({**self.written(), "paths": {**self.paths, path: known}})

    def embed(self, origins: Sequence[str]) -> Self:
        """Return this policy with everything that pages of ``origins`` need to show ours in a frame.

        frame-ancestors names them; our cookies become SameSite=None, Secure and Partitioned, under names of their
        own, because a browser keeps the same name with and without Partitioned side by side.
        """
        cookies = msgspec.structs.replace(
            self.cookies, same_site="None", secure=True, partitioned=True, legacy_twin="never", embedded=True
        )
        return self._of({**self.written(), "frame_options": tuple(origins), "cookies": cookies})

    def within(self, path: str) -> Self:
        """Return the policy as it holds for the path class ``path``, without further path classes."""
        settings = {**self.written(), "paths": {}}
        types = field_types(type(self))
        for prefix in filter(lambda prefix: covers(prefix, path), sorted(self.paths, key=len)):
            for name, value in sources.shorthands(self.paths[prefix]).items():
                part = settings.get(name, getattr(self, name, None))
                settings[name] = inherit(types.get(name), part, value)
        return self._of(settings)

    def written(self) -> dict[str, Any]:
        """Return the settings that were written, as opposed to taken from the preset."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name in self._written}

    def compile(
        self,
        wire: Wire,
        *,
        can_verify: bool = False,
        versioned: bool = False,
        audited: bool = False,
        xsrf_exempt: Callable[[str], bool] | None = None,
        clock: Clock = system,
    ) -> Plans:
        """Work the policy out for one wire, once, at start-up; the middlewares call this."""
        from secmw.compile import compile_policy

        return compile_policy(
            self,
            wire,
            can_verify=can_verify,
            versioned=versioned,
            audited=audited,
            xsrf_exempt=xsrf_exempt,
            clock=clock,
        )

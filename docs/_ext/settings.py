"""reference/settings.md: the settings table, from the fields of Policy and its parts, and from the presets."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Union

import msgspec

from _ext.markdown import code, plain, table, toml
from secmw.config.convert import field_types
from secmw.policy import Policy
from secmw.presets import PRESETS

#: One example of each setting, as it stands in secmw.toml; a test hands each to Policy.
EXAMPLES: Final[Mapping[str, str]] = {
    "preset": 'preset = "strict"',
    "secret_keys": 'secret_keys = ["AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="]',
    "public_url": 'public_url = "https://app.example.org"',
    "allowed_hosts": 'allowed_hosts = ["app.example.org", ".example.net"]',
    "screening": "screening = false",
    "https": 'https = "redirect-all"',
    "http_exempt": 'http_exempt = ["/health", "/.well-known/acme-challenge/"]',
    "force_secure": "force_secure = true",
    "trusted_proxies": 'trusted_proxies = ["127.0.0.1", "10.0.0.0/8", "unix"]',
    "hops": "hops = 2",
    "forwarded": 'forwarded = "forwarded"',
    "no_warning": "no_warning = true",
    "hsts": '[hsts]\nmax_age = "365d"\ninclude_subdomains = true',
    "frame_options": 'frame_options = ["https://portal.example.org"]',
    "content_type_sniffing": "content_type_sniffing = false",
    "csp": "[csp]\ndefault-src = [\"'self'\"]\nscript-src = [\"'self'\", \"'nonce'\"]\nupgrade-insecure-requests = []",
    "csp_report_only": "csp_report_only = \"default-src 'self'; img-src 'self' data:\"",
    "referrer_policy": 'referrer_policy = "same-origin"',
    "permissions_policy": '[permissions_policy]\ncamera = []\nfullscreen = ["self", "https://video.example.org"]',
    "opener_policy": 'opener_policy = "same-origin-allow-popups"',
    "embedder_policy": 'embedder_policy = "credentialless"',
    "resource_policy": 'resource_policy = "cross-origin"',
    "origin_agent_cluster": "origin_agent_cluster = true",
    "dns_prefetch_control": 'dns_prefetch_control = "on"',
    "cross_domain_policies": 'cross_domain_policies = "none"',
    "reporting_endpoints": '[reporting_endpoints]\ncsp = "https://reports.example.org/csp"',
    "nel": '[nel]\nreport_to = "network"\nmax_age = 2592000',
    "cache_control": 'cache_control = "no-store, max-age=0"',
    "bfcache": "bfcache = true",
    "clear_site_data": 'clear_site_data = ["cache", "storage"]',
    "server": 'server = "Web"',
    "custom_headers": 'custom_headers = ["X-Team: Data Platform"]',
    "enforce_headers": 'enforce_headers = ["Content-Security-Policy"]',
    "drop_headers": 'drop_headers = ["Server", "X-Powered-By", "X-Runtime"]',
    "cookies": '[cookies]\nsame_site = "Strict"\napply_to = "all"\nreadable = ["theme"]',
    "xsrf": '[xsrf]\ntrusted_origins = ["https://www.example.org"]\nexempt = ["/hooks/payments"]',
    "sessions": '[sessions]\nlifetime = "12h"\ninactivity = "30m"\ncap = 5',
    "store": 'store = "sqlite:///var/lib/app/sessions.db"',
    "sudo": '[sudo]\nduration = "10m"',
    "trail": 'trail = "sqlite:///var/lib/app/audit.db"',
    "audit": '[audit]\non_failure = "refuse"',
    "paths": '[paths."/content/"]\nframe_options = "SAMEORIGIN"',
}


class Field(NamedTuple):
    """Be one setting: its name, what it means, and the heading it stands under."""

    name: str
    meaning: str
    section: str


def fields(struct: type[msgspec.Struct]) -> Iterator[Field]:
    """Yield the settings of a struct, in the order of its source, with the docstring below each."""
    source = inspect.getsource(struct)
    lines = source.splitlines()
    (body,) = (node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    section = ""
    for node, below in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        name = node.target.id
        if name.startswith("_"):
            continue
        above = lines[node.lineno - 2].strip()
        if above.startswith("# "):
            section = above[2:]
        meaning = ""
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            meaning = plain(inspect.cleandoc(str(below.value.value)))
        yield Field(name, meaning, section)


def parts() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield the settings that are tables of their own, and their structs."""
    for name, kind in field_types(Policy).items():
        struct = _struct(kind)
        if struct is not None and struct.__struct_fields__:
            yield name, struct


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    options = _options(kind)
    found = (item for item in options if isinstance(item, type) and issubclass(item, msgspec.Struct))
    return next(found, None)


def _options(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)


def words(kind: Any) -> str:
    """Say a type in words."""
    options = _options(kind)
    if len(options) > 1:
        said = [words(option) for option in options if option is not type(None)]
        if type(None) in options:
            said.append('`"omit"`' if str in options else '`"off"`')
        return ", or ".join(said)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(code(toml(value)) for value in inner)
    if origin in (list, tuple) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return "a list" if set(_options(inner[0])) != {str} else "a list of texts"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a table"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "a table"
    return {str: "a text", bool: "true or false", int: "a whole number"}.get(kind, str(kind))


def default(name: str) -> str:
    """Say the default of a setting, and where a preset has another one."""
    if name == "preset":
        return '`"recommended"`'
    usual = PRESETS["recommended"][name]
    lines = f"{value(name, usual.value)}: {usual.why}"
    others = [preset for preset, rows in PRESETS.items() if rows[name] is not usual]
    return lines + (f". Another value in {_listed(others)}" if others else "")


def _listed(presets: Sequence[str]) -> str:
    return ", ".join(f"[{preset}](presets.md#{preset})" for preset in presets)


def value(name: str, given: Any) -> str:
    """Show a value of a setting, briefly."""
    struct = dict(parts()).get(name)
    if struct is not None and given == struct():
        return "the table below"
    if name == "sessions" and given is not None:
        return "on"
    written = toml(given)
    if len(written) > 120:
        return "long, see the [presets](presets.md)"
    return code(written)


def write() -> str:
    """Write the page's tables."""
    kinds = field_types(Policy)
    structs = dict(parts())
    lines: list[str] = []
    section = ""
    for field in fields(Policy):
        heading = field.section or "Where to start from"
        if heading != section:
            section = heading
            lines += [f"## {section}", ""]
        lines += [
            f"### {field.name}",
            "",
            field.meaning or "Which preset gives every setting that is not written.",
            "",
        ]
        lines += [f"- Type: {words(kinds[field.name])}", f"- Default: {default(field.name)}"]
        lines += [
            f"- Environment: `SECMW_{field.name.upper()}`" + (", as JSON" if field.name in structs else ""),
            "",
            "```toml",
            EXAMPLES[field.name],
            "```",
            "",
        ]
        if field.name in structs:
            lines += [_part(field.name, structs[field.name]), ""]
    return "\n".join(lines)


def _part(name: str, struct: type[msgspec.Struct]) -> str:
    kinds, usual = field_types(struct), struct()
    rows = []
    for field in fields(struct):
        where = f"{name}.{field.name}"
        rows.append(
            (
                code(where),
                field.meaning,
                "a duration" if where == "hsts.max_age" else words(kinds[field.name]),
                code(toml(getattr(usual, field.name))),
                code(f"SECMW_{name.upper()}__{field.name.upper()}"),
            )
        )
    return table(("setting", "meaning", "type", "default", "environment"), rows)

"""`secmw explain PATH`: what a request gets, and why. It reads a policy and prints; it sends nothing anywhere."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from secmw.cli.account import Account, Item, account
from secmw.cli.inside import inside
from secmw.errors import ConfigError
from secmw.keys import new_key
from secmw.policy import Policy
from secmw.presets import PRESETS

_EXAMPLE_HOST = "app.example.org"


@click.command()
@click.argument("path")
@click.option(
    "--policy",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file; without it ./secmw.toml, or [tool.secmw] of ./pyproject.toml.",
)
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="Another preset than the policy's.")
@click.option("--method", default="GET", show_default=True, help="The request's method.")
@click.option("--host", help="The request's Host.")
def command(path: str, file: Path | None, preset: str | None, method: str, host: str | None) -> None:
    """Say which rules, headers and cookies a request to PATH gets, and why.

    Beside each stands the setting that made it, and who gave that its value: the policy, a path class, or the preset.
    """
    path = path.partition("?")[0]
    if not path.startswith("/"):
        raise click.BadParameter("a path begins with a slash", param_hint="PATH")
    policy, source = load(file, preset, host)
    outer = None if file is not None else inside()
    exempts = None if outer is None else outer.xsrf_exempt
    found = account(policy, path, method=method, host=host, xsrf_exempt=exempts)
    if sys.stdout.isatty():
        from secmw.cli.tables import show

        show(found, source)
    else:
        click.echo("\n".join(plain(found, source)))


def load(file: Path | None, preset: str | None, host: str | None) -> tuple[Policy, str]:
    """Return the policy to explain, and where it comes from; without one, a preset for an example host."""
    found: tuple[Policy, str] | None = None
    outer = inside()
    if file is None and outer is not None:
        found = outer.policy, outer.source
    elif (file := file or beside()) is not None:
        found = Policy.from_file(file), str(file)
    if found is not None:
        policy, source = found
        if preset is None or preset == policy.preset:
            return policy, source
        return Policy.from_mapping({**policy.written(), "preset": preset}), f"{source}, with preset {preset}"
    preset = preset or "recommended"
    settings: dict[str, Any] = {"preset": preset, "sessions": None, "secret_keys": [new_key()]}
    if preset == "development":
        return Policy.from_mapping(settings), f"the preset {preset}; no policy file here"
    address = f"https://{host or _EXAMPLE_HOST}"
    try:
        policy = Policy.from_mapping({**settings, "public_url": address})
    except ConfigError:
        # The host is a wrong one: that is what the account then says of it.
        policy = Policy.from_mapping({**settings, "public_url": f"https://{_EXAMPLE_HOST}"})
    return policy, f"the preset {preset} with public_url = {policy.public_url}; no policy file here"


def beside() -> Path | None:
    """Find a policy in the current folder."""
    if (file := Path("secmw.toml")).is_file():
        return file
    file = Path("pyproject.toml")
    try:
        found = "secmw" in tomllib.loads(file.read_text("utf-8")).get("tool", {})
    except (OSError, ValueError):
        return None
    return file if found else None


def plain(found: Account, source: str) -> Iterable[str]:
    """Write an account as lines for a file or a pipe: one fact, one line, its setting at the end."""
    yield heading(found)
    yield f"Policy: {source}"
    yield f"Path class: {path_class(found)}"
    for title, items in parts(found):
        yield ""
        yield title
        yield from (f"  {item.name}: {item.value}  [{item.setting}, {item.source}]" for item in items)


def heading(found: Account) -> str:
    """Name the request."""
    return f"{found.method} {found.path}" + (f" on {found.host}" if found.host else "")


def path_class(found: Account) -> str:
    """Name the path class, and say why it is that one where that is not plain to see."""
    name = found.path_class or "every path"
    return f"{name} ({found.because})" if found.because else name


def parts(found: Account) -> Iterable[tuple[str, tuple[Item, ...]]]:
    """Yield the parts of an account under their titles."""
    yield "Checks, in this order", found.checks
    yield "Response headers", found.headers
    yield "Also, where the page uses a token or a nonce", found.personal
    yield "Cookies", found.cookies

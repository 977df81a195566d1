"""The root of the `secmw` command: its verbs, each loaded when it is called. Adding a verb: one file, one line here."""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import Any, Final

import click

from secmw.errors import ConfigError

if sys.version_info >= (3, 12):
    from typing import override
else:
    # Starlette, of the same extra, brings it along.
    from typing_extensions import override

#: Verb, module whose ``command`` it is, and its line in `secmw --help`, so that help imports no verb.
VERBS: Final = {
    "bench": ("secmw.cli.bench.command", "Say what each part of a policy costs on your own application."),
    "check": ("secmw.cli.check", "Say what of a policy and its store is weaker than it could be."),
    "demo": ("secmw.cli.demo", "Serve a protected application to sign in to."),
    "explain": ("secmw.cli.explain", "Say which rules, headers and cookies a request to PATH gets, and why."),
    "keys": ("secmw.cli.keys", "Make and replace secret keys."),
    "sessions": ("secmw.cli.sessions", "List and end sessions."),
    "sharing": ("secmw.cli.sharing", "Say what the applications on one store agreed on."),
}


class Verbs(click.Group):
    """A group whose verbs are imported when they are called, and which suggests one for a typing error."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, help_line) for verb, (_, help_line) in sorted(VERBS.items())])

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not ctx.resilient_parsing:
            # Said here because versions of click differ in whether and how they guess.
            close = difflib.get_close_matches(args[0], VERBS, n=1)
            ctx.fail(f"There is no verb {args[0]!r}." + (f" Did you mean {close[0]}?" if close else ""))
        return super().resolve_command(ctx, args)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            report(error)
            ctx.exit(2)


def report(error: ConfigError) -> None:
    """Print every problem of a policy to stderr: the setting and its value, and below it what to write instead."""
    count = len(error.problems)
    click.secho(f"{count} problem{'' if count == 1 else 's'} in the policy:", fg="red", bold=True, err=True)
    for problem in error.problems:
        value = "" if problem.value is None else f" = {problem.value}"
        click.echo("\n  " + click.style(problem.setting, bold=True) + value, err=True)
        click.echo(f"    {problem.message}", err=True)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="secmw", message="secmw %(version)s")
def command() -> None:
    """One security layer for Python web applications."""

"""`flask secmw`: the verbs of the `secmw` command that are about a policy, asked of the policy of this application."""

from __future__ import annotations

import importlib
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from secmw.errors import ConfigError
from secmw_flask.placement import check_placement

#: The verbs that make sense inside an application, and their lines in `flask secmw --help`.
_VERBS: Final = {
    "check": "Say what of the policy and its store is weaker than it could be.",
    "explain": "Say which rules, headers and cookies a request to PATH gets, and why.",
    "sessions": "List and end sessions.",
}


class Verbs(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in _VERBS:
            return None
        verb: click.Command = importlib.import_module(f"secmw.cli.{cmd_name}").command
        return verb

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_VERBS.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from None


@click.group("secmw", cls=Verbs)
@click.pass_context
@with_appcontext
def command(context: click.Context) -> None:
    """Look at the policy and the sessions of this application."""
    from secmw.cli.inside import Inside

    # The verbs below find it, and look for no file then.
    if context.invoked_subcommand == "check":
        check_placement(current_app._get_current_object())  # type: ignore[attr-defined]  # it is a proxy
    state = current_app.extensions["secmw"]
    context.obj = Inside(
        policy=state.policy, source="the application's policy", xsrf_exempt=state.xsrf_exempt
    )

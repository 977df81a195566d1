"""The verbs of `manage.py secmw`: those of the `secmw` command that are about a policy, and what Django's users look for beside."""

from __future__ import annotations

import importlib
from typing import Final

import click

from secmw.audit import open_trail
from secmw.audit.lines import json_line
from secmw.cli.inside import inside
from secmw.errors import SinkError
from secmw_django.sessions.place import trail_url

_CORE: Final = {
    "check": "Say what of the policy and its store is weaker than it could be.",
    "explain": "Say which rules, headers and cookies a request to PATH gets, and why.",
    "sessions": "List and end sessions.",
    "sharing": "Say what the applications on one store agreed on.",
}


class Verbs(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*_CORE, *super().list_commands(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _CORE:
            return super().get_command(ctx, cmd_name)
        verb: click.Command = importlib.import_module(f"secmw.cli.{cmd_name}").command
        return verb

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        ours = {name: verb.get_short_help_str(80) for name, verb in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted({**_CORE, **ours}.items()))


@click.group("secmw", cls=Verbs)
def command() -> None:
    """Look at the policy, the sessions and the audit trail of this project."""


@command.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="How many events, at most.",
)
@click.option("--before", type=click.IntRange(1), help="Only events with a lower number than this.")
@click.option("--user", metavar="ID", help="Only events about this user, among those.")
def audit(limit: int, before: int | None, user: str | None) -> None:
    """Print the latest events of the audit trail, the oldest first, one line of JSON each."""
    url = trail_url() if inside() else None
    if url is None:
        raise click.UsageError("the policy has no audit trail; write SECMW['trail']")
    if url.startswith("memory"):
        raise click.UsageError(
            "the audit trail is in the memory of the process that serves; write SECMW['trail']"
        )
    trail = open_trail(url)
    try:
        events = trail.recent(limit, before)
    except SinkError as error:
        raise click.ClickException(str(error)) from None
    finally:
        trail.close()
    for event in reversed(events):
        if user is None or event.user_id == user:
            click.echo(json_line(event, extended=True).decode(), nl=False)


__all__ = ["command"]

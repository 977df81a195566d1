"""`manage.py secmw`: the verbs of the `secmw` command, asked of the policy of this project."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from secmw.errors import ConfigError
from secmw_django import conf

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Hand everything that comes after `secmw` to the verb."""

    help = "Look at the policy, the sessions and the audit trail of this project: check, explain, sessions, sharing, audit."
    #: What is wrong is what the verbs are asked about.
    requires_system_checks: Any = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whatever comes."""
        parser.add_argument(
            "verb", nargs=argparse.REMAINDER, help="A verb and its arguments; --help after one says more."
        )

    def handle(self, *_: Any, verb: list[str], **__: Any) -> None:
        """Run the verb, and end as it ends."""
        try:
            import click
        except ImportError:
            raise CommandError("`manage.py secmw` needs click; install secmw[cli]") from None
        from secmw.cli.inside import Inside
        from secmw_django.management.verbs import command

        with ExitStack() as stack:
            # click and rich write where Python does; `call_command` may want it elsewhere.
            out: Any = self.stdout
            err: Any = self.stderr
            stack.enter_context(redirect_stdout(out._out))
            stack.enter_context(redirect_stderr(err._out))
            try:
                inside = Inside(policy=conf.policy(), source="the settings of this project")
                code = command.main(
                    args=list(verb) or ["--help"],
                    prog_name="manage.py secmw",
                    obj=inside,
                    standalone_mode=False,
                )
            except ConfigError as error:
                raise CommandError(
                    "\n".join(str(problem) for problem in error.problems), returncode=2
                ) from None
            except click.ClickException as error:
                raise CommandError(error.format_message(), returncode=error.exit_code) from None
            except click.Abort:
                raise CommandError("broken off") from None
        if isinstance(code, int) and code:
            sys.exit(code)

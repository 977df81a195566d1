"""`secmw keys`: secret keys. They are printed, never kept."""

from __future__ import annotations

import click

from secmw.keys import new_key


@click.group()
def command() -> None:
    """Make secret keys."""


@command.command()
def new() -> None:
    """Print one new secret key: base64 of 32 random bytes.

    Keep it where passwords are kept. The first of secret_keys makes, all of them check: to rotate, put a new one in
    front and remove the old one when nothing made with it can still be in use.
    """
    click.echo(new_key())

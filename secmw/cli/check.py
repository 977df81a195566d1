"""`secmw check`: what of a policy and of its store is weaker than it could be. It changes nothing, and asks the store alone."""

from __future__ import annotations

from pathlib import Path

import click

from secmw.cli.explain import beside
from secmw.compile import notices
from secmw.errors import ConfigError, Problem, StoreError
from secmw.policy import Policy
from secmw.stores import open_store


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--store",
    "url",
    metavar="URL",
    help="A store, in place of the policy's; without FILE it alone is looked at.",
)
def command(file: Path | None, url: str | None) -> None:
    """Say what of a policy and its store is weaker than it could be.

    FILE is a policy in TOML; without it ./secmw.toml, or [tool.secmw] of ./pyproject.toml. Of a Redis it says whether its
    sessions outlive a crash, a full memory and the loss of the master. Ends with 1 if there is anything to say.
    """
    said: list[str] = []
    if file is None and url is None:
        file = beside()
        if file is None:
            raise click.UsageError("there is no policy file here; name a FILE or a --store")
    if file is not None:
        policy = Policy.from_file(file)
        said += notices(policy)
        url = url or policy.store
    if url is not None:
        said += _told(url)
    for sentence in said:
        click.echo(sentence)
    if said:
        raise SystemExit(1)
    click.echo("There is nothing to say.")


def _told(url: str) -> list[str]:
    try:
        store = open_store(url)
    except ValueError as error:
        # Without the URL, which may hold a password.
        raise ConfigError([Problem("store", str(error))]) from None
    try:
        # Who has nothing to say need not be asked.
        told: list[str] = getattr(store, "told", list)()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        store.close()
    return told

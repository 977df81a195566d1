"""`secmw sharing`: what the applications on one store agreed on, and how to begin anew. No session is touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from secmw.cli.explain import beside
from secmw.cli.inside import inside
from secmw.clock import system
from secmw.errors import ConfigError, Problem, StoreError
from secmw.policy import Policy
from secmw.sessions import agreement
from secmw.sessions.record import Ended, Record
from secmw.sessions.writes import Lost
from secmw.stores import open_store

if TYPE_CHECKING:
    from secmw.stores.base import Store


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--store", "url", metavar="URL", help="A store, in place of the policy's.")
@click.option("--forget", is_flag=True, help="Forget it: whoever starts next decides anew.")
def command(file: Path | None, url: str | None, forget: bool) -> None:
    """Say what the applications on one store agreed on.

    FILE is a policy in TOML; without it ./secmw.toml, or [tool.secmw] of ./pyproject.toml. To give all of them another cookie: end
    them, --forget, start them with the new policy. Sessions stay; under another cookie nobody presents them any more.
    """
    if url is None:
        url = _policy(file).store
        if url is None:
            raise click.UsageError("the policy names no store")
    store = opened(url)
    if store is None:
        raise click.UsageError("there is nothing there yet")
    try:
        found = agreed_on(store)
        write = agreement.forget(found, system.now())
        if forget and write is not None and isinstance(store.write(write), Lost):
            raise click.ClickException("an application has started meanwhile; end all of them, and try again")
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        store.close()
    if forget:
        click.echo("Forgotten: whoever starts next decides.")
        return
    agreed = agreement.read(found) if isinstance(found, Record) else agreement.NOTHING
    for name, value in agreed.settings.items():
        click.echo(f"{name} = {value}")
    for key in agreed.keys:
        click.echo(f"secret_keys: {key}")
    if agreed == agreement.NOTHING:
        click.echo("Nothing is agreed on yet.")


def _policy(file: Path | None) -> Policy:
    host = inside()
    if file is None and host is not None:
        return host.policy
    file = file or beside()
    if file is None:
        raise click.UsageError("there is no policy file here; name a FILE or a --store")
    return Policy.from_file(file)


def agreed_on(store: Store) -> Record | Ended | None:
    """Return what stands there, without making the tables of a database that has none."""
    if hasattr(store, "make_tables"):
        vars(store)["make_tables"] = _left_alone
    try:
        return store.load(agreement.KEPT_UNDER)
    except _NoTablesError:
        return None


class _NoTablesError(Exception):
    pass


def _left_alone() -> list[str]:
    raise _NoTablesError


def opened(url: str) -> Store | None:
    """Open a store that several processes can see; None for a file that is not there, which opening would make."""
    if url.partition(":")[0] == "memory":
        return None
    try:
        store = open_store(url)
    except ValueError as error:
        # Without the URL, which may hold a password.
        raise ConfigError([Problem("store", str(error))]) from None
    path = getattr(store, "path", None)
    if path is not None and not Path(path).exists():
        store.close()
        return None
    return store

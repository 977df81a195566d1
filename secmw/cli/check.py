"""`secmw check`: what of a policy and of its store is weaker than it could be. It changes nothing, and asks the store alone."""

from __future__ import annotations

from pathlib import Path

import click

from secmw.cli.explain import beside
from secmw.cli.inside import inside
from secmw.cli.sharing import agreed_on, opened
from secmw.clock import system
from secmw.compile import notices
from secmw.errors import ConfigError, Problem, StoreError
from secmw.policy import Policy
from secmw.sessions import agreement
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
    sessions outlive a crash, a full memory and the loss of the master; of a store on another machine, whether anybody on the
    way may answer in its place; of any store, whether the applications that share it agree. Ends with 1 if there is anything
    to say.
    """
    said: list[str] = []
    host = inside()
    policy = None if host is None or file is not None or url is not None else host.policy
    if file is None and url is None and policy is None:
        file = beside()
        if file is None:
            raise click.UsageError("there is no policy file here; name a FILE or a --store")
    if file is not None:
        policy = Policy.from_file(file)
    if policy is not None:
        said += notices(policy)
        url = url or policy.store
        if policy.sessions is not None and url is not None:
            said += _different(policy, url)
    if url is not None:
        said += _told(url)
    for sentence in said:
        click.echo(sentence)
    if said:
        raise SystemExit(1)
    click.echo("There is nothing to say.")


def _different(policy: Policy, url: str) -> list[str]:
    """Say what keeps an application with this policy from starting beside those that share its store."""
    store = opened(url)
    if store is None:
        return []
    try:
        agreement.step(agreement.terms(policy), agreed_on(store), system.now())
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        store.close()
    return []


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

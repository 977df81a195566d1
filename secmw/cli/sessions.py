"""`secmw sessions`: see and end sessions from outside the application. It never prints what could open one."""

from __future__ import annotations

import datetime as dt
import getpass
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from click.core import ParameterSource

from secmw.audit import Action, Event, open_trail
from secmw.audit.recorder import Recorder
from secmw.cli.explain import beside
from secmw.cli.inside import inside
from secmw.clock import system
from secmw.config.settings import Audit
from secmw.errors import ConfigError, Problem, SinkError, StoreError
from secmw.policy import Policy
from secmw.sessions.identifier import SELECTOR_LENGTH, well_formed
from secmw.sessions.record import Identity, Over, Record
from secmw.sessions.writes import End, Lost
from secmw.stores import open_store, sealed
from secmw.stores.sealing import KEPT_UNDER
from secmw.sweep import unfinished

if TYPE_CHECKING:
    from secmw.stores.base import Store

_SELECTOR: Final = re.compile(rf"[A-Za-z0-9_-]{{{SELECTOR_LENGTH}}}")
_BATCH: Final = 1000

_COLUMNS: Final = ("selector", "signed in", "last used", "ends", "address", "browser", "sudo")


def _where(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where the sessions are."""
    function = click.option(
        "--policy",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="A TOML file that names the store; without it ./secmw.toml, or [tool.secmw] of ./pyproject.toml.",
    )(function)
    return click.option(
        "--store",
        "url",
        envvar="SECMW_STORE",
        show_envvar=True,
        metavar="URL",
        help="The store itself, such as sqlite:///var/lib/app/sessions.db.",
    )(function)


@click.group()
def command() -> None:
    """List and end sessions.

    A session is named by its selector, the public half of its id; the other half is a secret that no store holds.
    """


@command.command("list")
@_where
@click.option("--user", required=True, metavar="ID", help="Whose; a store has an index by user and no other.")
def list_(url: str | None, file: Path | None, user: str) -> None:
    """List the living sessions of a user, the latest sign-in first.

    In a pipe: a line each, its columns separated by tabs, the selector first.
    """
    place = _place(url, file)
    with _opened(place) as store:
        _unsealed(place, store)
        rows = [_row(record) for record in store.of_user(user)]
    if sys.stdout.isatty():
        _show(rows, user)
    else:
        for row in rows:
            click.echo("\t".join(row))


# A selector may begin with a hyphen: what is no option of ours is one, and there are no short options.
@command.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@_where
@click.argument("selector", required=False)
@click.option("--user", metavar="ID", help="End all sessions of this user, sign-ins under way included.")
def revoke(url: str | None, file: Path | None, selector: str | None, user: str | None) -> None:
    """End the session SELECTOR, or all sessions of a user.

    No request in flight can bring it back. The audit trail is told. Ends with 1 if there was no such session.
    """
    if (selector is None) == (user is None):
        raise click.UsageError("name either the SELECTOR of one session or a --user")
    place = _place(url, file)
    recorder = _recorder(place)
    if selector is None:
        with _opened(place) as store:
            _unsealed(place, store)
            ended = store.end_all(str(user)).selectors
        click.echo(f"Ended {_count(len(ended))} of user {_plain(str(user))}.")
        _record(recorder, [(Identity(user_id=user), name) for name in ended])
        return
    _check(selector)
    with _opened(place) as store:
        _unsealed(place, store)
        found = store.write(End(selector=selector, at=system.now(), reason=Over.REVOKED))
    if isinstance(found, Lost):
        click.echo(f"There is no living session {selector}: {found.reason}.", err=True)
        raise SystemExit(1)
    identity = found.record.identity
    whose = "nobody signed in" if identity.user_id is None else f"user {_plain(identity.user_id)}"
    click.echo(f"Ended {selector}, of {whose}.")
    _record(recorder, [(identity, selector)])


@command.command()
@_where
def sweep(url: str | None, file: Path | None) -> None:
    """Remove sessions that are over.

    That is those past their limits, and the marks that ended ones have left.

    An application does this by itself (sessions.sweep); this is for one that does not run.
    """
    removed = 0
    with _opened(_place(url, file)) as store:
        while True:
            batch = store.sweep(system.now(), _BATCH)
            removed += batch
            if batch < _BATCH and not unfinished(store):
                break
    click.echo(f"Removed {removed}.")


@command.command()
@_where
def init(url: str | None, file: Path | None) -> None:
    """Make the tables of a store that is a database.

    An application does this by itself where its user of the database may make tables. For one that may not, somebody
    who may calls this once, and again after an update of secmw; the application needs SELECT, INSERT, UPDATE and DELETE.
    """
    with _opened(_place(url, file)._replace(keys=()), there=False) as store:
        make = getattr(store, "make_tables", None)
        made = [] if make is None else make()
    click.echo(f"Made {', '.join(made)}." if made else "There is nothing to make.")


# --- where


class _Place(NamedTuple):
    """Hold the URLs of the sessions and of the audit trail beside them, if there is one; the keys that seal, if any do."""

    store: str
    trail: str | None
    keys: Sequence[str] = ()


def _place(url: str | None, file: Path | None) -> _Place:
    trail, keys = None, tuple[str, ...]()
    named = click.get_current_context().get_parameter_source("url") is ParameterSource.COMMANDLINE
    # Which store an application has, its policy says, and no variable around the command.
    host = None if named or file is not None else inside()
    if host is not None or url is None or file is not None:
        if host is not None:
            policy, source = host.policy, host.source
        else:
            if file is None:
                file = beside()
            elif named:
                raise click.UsageError("name either a --store or a --policy")
            if file is None:
                raise click.UsageError("there is no policy file here; name a --store or a --policy")
            policy, source = Policy.from_file(file), str(file)
        url, trail = policy.store, policy.trail
        if policy.sessions is not None and policy.sessions.seal:
            keys = tuple(policy.secret_keys)
        if url is None:
            raise click.UsageError(f"{source} names no store")
    if url.partition(":")[0] == "memory":
        raise click.UsageError(
            "memory:// keeps sessions in the process that serves; there is nothing to see from here"
        )
    return _Place(url, trail or (url if url.startswith("sqlite") else None), keys)


@contextmanager
def _opened(place: _Place, *, there: bool = True) -> Iterator[Store]:
    """Open the store, which is to be there, and say in a sentence what it can't do."""
    try:
        store = open_store(place.store)
    except ValueError as error:
        # Without the URL, which may hold a password.
        raise ConfigError([Problem("store", str(error))]) from None
    path = getattr(store, "path", None)
    if there and path is not None and not Path(path).exists():
        # Opening would make it: a typing error would then look like a store without sessions.
        raise click.UsageError(f"there is no {path}")
    if place.keys:
        try:
            store = sealed(store, place.keys)
        except ValueError as error:
            raise ConfigError([Problem("sessions.seal", str(error))]) from None
    try:
        yield store
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    finally:
        store.close()


def _unsealed(place: _Place, store: Store) -> None:
    """Refuse to look for people in a store that is sealed, without the keys."""
    if not place.keys and store.load(KEPT_UNDER) is not None:
        raise click.UsageError(
            "the store is sealed; name the --policy that has sessions.seal and its secret_keys"
        )


def _recorder(place: _Place) -> Recorder | None:
    """Make what tells the audit trail; it opens nothing yet."""
    if place.trail is None:
        return None
    try:
        return Recorder(open_trail(place.trail), settings=Audit(on_failure="refuse"))
    except ValueError as error:
        raise ConfigError([Problem("trail", str(error))]) from None


def _record(recorder: Recorder | None, ended: Iterable[tuple[Identity, str]]) -> None:
    """Record which sessions were ended, and under whose account on this machine."""
    if recorder is None:
        return
    events = [
        Event(
            time=system.now(),
            user_id=identity.user_id or "",
            user_description=identity.description,
            action=Action.SESSION_REVOKED,
            event_description="ended on the command line",
            selector=selector,
            reason=Over.REVOKED,
            extra={"by": getpass.getuser()},
        )
        for identity, selector in ended
    ]
    try:
        recorder.record(events)
    except SinkError as error:
        raise click.ClickException(f"that has happened, and is not recorded: {error}") from None
    finally:
        recorder.close()


def _check(selector: str) -> None:
    """Refuse what is no selector, without repeating it: it may be a secret."""
    if well_formed(selector):
        raise click.UsageError(
            f"that is a whole id, which signs its bearer in; the selector is its first {SELECTOR_LENGTH} characters"
        )
    if not _SELECTOR.fullmatch(selector):
        raise click.UsageError(
            f"a selector is {SELECTOR_LENGTH} letters, digits, hyphens and underscores; `secmw sessions list` shows them"
        )


# --- what is shown


def _row(record: Record) -> tuple[str, ...]:
    identity = record.identity
    sudo = (
        ""
        if identity.sudo is None or identity.sudo[1] <= system.now()
        else f"until {_time(identity.sudo[1])}"
    )
    return (
        record.selector,
        _time(identity.authenticated or record.created),
        _time(record.seen),
        _time(min(record.expires, record.idle_until)),
        _plain(identity.address),
        _plain(identity.agent),
        sudo,
    )


def _time(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "never"
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _plain(text: str) -> str:
    """Take out what would move a terminal's cursor or end a line: a browser's name is the browser's to choose."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _count(number: int) -> str:
    return f"{number} session{'' if number == 1 else 's'}"


def _show(rows: list[tuple[str, ...]], user: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    title = Text(f"{_count(len(rows))} of user {_plain(user)}", style="bold")
    if not rows:
        console.print(title)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(
            column, style="cyan" if column == "selector" else "", no_wrap=column != "browser", overflow="fold"
        )
    for row in rows:
        # Text, not str: a browser's name is no markup.
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)

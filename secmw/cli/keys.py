"""`secmw keys`: secret keys. A new one is printed and never kept; of those in a file none is ever printed.

Keys are replaced in two phases, since the processes of a site start one after the other: what one of them makes all the others
must be able to check. A comment beside the new key says in which phase it is.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from secmw.clock import system
from secmw.keys import new_key
from secmw.policy import Policy

_START: Final = re.compile(r"^[ \t]*secret_keys[ \t]*=[ \t]*\[", re.MULTILINE)
_TOKEN: Final = re.compile(r"""\s+|,|\#[^\n]*|\]|"[^"\\\n]*"(?!")|'[^'\n]*'(?!')""")

#: What is written beside a key that only checks so far.
_WAITING: Final = "checks only"
_MAKING: Final = "makes"


@click.group()
def command() -> None:
    """Make and replace secret keys."""


@command.command()
def new() -> None:
    """Print one new secret key: base64 of 32 random bytes.

    Keep it where passwords are kept. The first of secret_keys makes, all of them check; `secmw keys rotate` replaces one
    without signing anybody out.
    """
    click.echo(new_key())


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--finish", is_flag=True, help="Move the new key first: the second phase.")
def rotate(file: Path, finish: bool) -> None:
    """Replace the secret key of FILE, a policy in TOML, in two phases.

    First a new key is put behind the others, where it only checks; with --finish, once every process has it, it is moved first.
    The old ones are taken out by hand when nothing made with them can still be in use; the command says when.
    """
    policy = Policy.from_file(file)
    path = file.resolve()
    text = path.read_bytes().decode()
    found = _keys(text, tuple(policy.secret_keys))
    waiting = [key for key in found.keys if key.note.startswith(_WAITING)]
    today = dt.datetime.fromtimestamp(system.now(), dt.UTC).date()
    if finish:
        if not waiting:
            raise click.ClickException(f"no key of {file} is waiting; `secmw keys rotate {file}` makes one")
        others = [key for key in found.keys if key not in waiting]
        last = today + dt.timedelta(seconds=_longest(policy)) + dt.timedelta(days=1)
        keys = [
            *(_Key(key.text, f"{_MAKING} since {today}") for key in waiting),
            *(_Key(key.text, _retired(key.note, last)) for key in others),
        ]
        said = (
            f"The new key is first in {file}: it makes, all check. Give it to every process, of every application that shares the"
            f" store. Take the old {'key' if len(others) == 1 else 'keys'} out after {last}, when no session that began with"
            f" {'it' if len(others) == 1 else 'them'} can still live; later, if another application's sessions live longer."
        )
    else:
        if waiting:
            raise click.ClickException(
                f"a new key of {file} is waiting already; `secmw keys rotate {file} --finish` moves it first"
            )
        note = f"{_WAITING} since {today}; secmw keys rotate --finish moves it first"
        keys = [*found.keys, _Key(f'"{new_key()}"', note)]
        said = (
            f"A new key is last in {file}: it only checks. Give it to every process, of every application that shares the store,"
            f" and restart them; then `secmw keys rotate {file} --finish`."
        )
    _replace(path, text, found, keys)
    click.echo(said)


class _Key(NamedTuple):
    """Be a key as it is written, quotes included, and what is noted beside it."""

    text: str
    note: str

    @property
    def value(self) -> str:
        return self.text[1:-1]


class _Found(NamedTuple):
    """Hold where in a file the list of keys is, between its brackets; and what is in it."""

    start: int
    end: int
    keys: list[_Key]


_BY_HAND: Final = (
    "the keys are written in a way that only a person should change: write each key in quotes, in one list"
)


def _keys(text: str, wanted: tuple[str, ...]) -> _Found:
    """Find the list of keys; raise ClickException where it is not as plain as it should be."""
    starts = list(_START.finditer(text))
    if not wanted:
        raise click.ClickException(
            "there are no secret_keys in it; `secmw keys new` makes one, and whoever keeps them elsewhere has it there"
        )
    for match in starts:
        found = _list(text, match.end())
        if found is not None and tuple(key.value for key in found.keys) == wanted:
            return found
    raise click.ClickException(_BY_HAND)


def _list(text: str, start: int) -> _Found | None:
    keys: list[_Key] = []
    at = start
    while (match := _TOKEN.match(text, at)) is not None:
        piece = match.group()
        if piece == "]":
            return _Found(start, at, keys)
        if piece[0] == "#":
            if not keys or keys[-1].note:
                return None  # it would not be known any more what it is about
            keys[-1] = keys[-1]._replace(note=piece[1:].strip())
        elif piece[0] in "\"'":
            keys.append(_Key(piece, ""))
        at = match.end()
    return None


def _retired(note: str, last: dt.date) -> str:
    return f"not needed after {last}" if not note or note.startswith(_MAKING) else note


def _longest(policy: Policy) -> int:
    return 0 if policy.sessions is None else int(policy.sessions.lifetime)


def _replace(path: Path, text: str, found: _Found, keys: list[_Key]) -> None:
    """Write the file anew, at once or not at all, if nothing else in it changes by that."""
    lines = "".join(f"    {key.text},{f'  # {key.note}' if key.note else ''}\n" for key in keys)
    after = f"{text[: found.start]}\n{lines}{text[found.end :]}"
    before, now = _read(text), _read(after)
    if (
        now is None
        or now["secret_keys"] != [key.value for key in keys]
        or before != now | {"secret_keys": [key.value for key in found.keys]}
    ):
        raise click.ClickException(_BY_HAND)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    status = path.stat()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(status.st_mode & 0o7777)
        if (status.st_uid, status.st_gid) != (draft.stat().st_uid, draft.stat().st_gid):
            os.chown(draft, status.st_uid, status.st_gid)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise click.ClickException(f"{path.name} can't be replaced: {error.strerror}") from None


def _read(text: str) -> dict[str, Any] | None:
    """Read the settings as :meth:`Policy.from_file` does; None for what is no TOML."""
    try:
        data = tomllib.loads(text)
    except ValueError:
        return None
    if "secret_keys" in data:
        return data
    found: dict[str, Any] = data.get("tool", {}).get("secmw", {})
    return found

"""`secmw bench module:app`: what each part of a policy costs on somebody's own application. It needs no server and asks no store."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secmw.cli.bench import telling
from secmw.cli.bench.measuring import WrongAnswerError
from secmw.cli.bench.study import Study, StudyError, study
from secmw.cli.bench.target import Target, TargetError, load
from secmw.cli.bench.visitors import Wanted
from secmw.cli.explain import load as load_policy
from secmw.config.check import public_url

if TYPE_CHECKING:
    from secmw.policy import Policy


#: A load average that a machine with nothing to do stays below.
_QUIET: Final = 0.5


class _CannotError(click.ClickException):
    """Say why there is nothing to measure, and leave with 2: the call is wrong, or the application is."""

    exit_code: Final = 2  # type: ignore[misc]  # click's own is no constant


@click.command()
@click.argument("application", metavar="MODULE:APP")
@click.option(
    "--policy",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file, in place of the application's own policy; for one without, ./secmw.toml or ./pyproject.toml.",
)
@click.option(
    "--path", "paths", multiple=True, default=("/",), show_default=True, help="What to ask for; repeatable."
)
@click.option(
    "--method", default="GET", show_default=True, help="The requests' method; POST comes with a token."
)
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A request header; repeatable."
)
@click.option("--data", help="The body; its type is a --header.")
@click.option("--user", help="The id of the user who is signed in; without it somebody whom nobody knows.")
@click.option("--base-url", metavar="URL", help="Whom the requests are for; without it public_url.")
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="About how long it takes."
)
@click.option("--each-header", is_flag=True, help="Time the headers one by one, too.")
@click.option(
    "--json", "report", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures to a file."
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw time into this file (SVG), and bytes into another beside it.",
)
def command(
    *,
    application: str,
    file: Path | None,
    paths: tuple[str, ...],
    method: str,
    headers: tuple[str, ...],
    data: str | None,
    user: str | None,
    base_url: str | None,
    seconds: float,
    each_header: bool,
    report: Path | None,
    plot: Path | None,
) -> None:
    """Say what each part of a policy costs on your own application.

    MODULE:APP is an ASGI or WSGI application, protected by secmw or bare, or a factory: shop:create_app(). It is asked in this
    process, thousands of times, with each part and without: choose paths that may be. Sessions are in memory meanwhile, whatever
    store the policy names. Ends with 2 where the application fails or the policy refuses the request.
    """
    wanted = [
        Wanted(
            target=_path(path),
            method=method.upper(),
            headers=tuple(map(_header, headers)),
            body=b"" if data is None else data.encode(),
            base=_base(base_url),
            user=user,
        )
        for path in paths
    ]
    try:
        busy = _busy()
        loaded = load(application, Path.cwd())
        _callable(loaded, application)
        target = Target.of(loaded)
        policy, source = _policy(target, file)
        found = study(target, policy, wanted, seconds=seconds, each_header=each_header)
    except (TargetError, StudyError, WrongAnswerError) as error:
        raise _CannotError(str(error)) from None
    for line in telling.told(found, name=application, source=source, remarks=[*_remarks(policy), *busy]):
        click.echo(line)
    if report is not None:
        content = telling.as_json(found, name=application, source=source)
        report.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        click.echo(f"All figures: {report}")
    if plot is not None:
        for written in _plots(found, application, plot):
            click.echo(f"Plot: {written}")


def _policy(target: Target, file: Path | None) -> tuple[Policy, str]:
    if file is None and target.policy is not None:
        return target.policy, "the application's own"
    return load_policy(file, None, None)


def _remarks(policy: Policy) -> list[str]:
    if policy.sessions is None or not policy.screening or (policy.store or "memory").startswith("memory"):
        return []
    kind = str(policy.store).partition(":")[0]
    return [f"Sessions and audit trail are in memory here, not in {kind}: what a store takes comes on top."]


def _callable(found: object, name: str) -> None:
    """Raise _CannotError for what is no application but what makes one: nobody else would say so in words."""
    try:
        asked = inspect.signature(found)  # type: ignore[arg-type]  # what can't be called is the target's to refuse
        asked.bind()
    except (TypeError, ValueError):
        return  # it wants something, as an application does
    for count in (2, 3):
        try:
            asked.bind(*range(count))
        except TypeError:
            continue
        return
    raise _CannotError(f"{name} takes no request; if it makes the application, write '{name}()'")


def _busy() -> list[str]:
    """Say so where other things run on this machine; to be asked before anything is measured, which is work too."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):
        return []  # no Unix, or one that does not tell
    if load < _QUIET:
        return []
    return [
        f"This machine was busy with other things (load {load:.1f}): times are too long, and may be off by more than ± says."
    ]


def _plots(found: list[Study], name: str, file: Path) -> list[Path]:
    written = []
    for number, one in enumerate(found):
        place = file if number == 0 else file.with_stem(f"{file.stem}-{number + 1}")
        place.write_text(telling.time_plot(one, name), encoding="utf-8")
        written.append(place)
        if any(row.part.header and row.size is not None for row in one.visits[0].rows):
            beside = place.with_stem(f"{place.stem}-bytes")
            beside.write_text(telling.size_plot(one, name), encoding="utf-8")
            written.append(beside)
    return written


def _path(path: str) -> str:
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise click.BadParameter(
            "a path begins with a slash, percent-encoded where needed", param_hint="--path"
        )
    return path


def _base(url: str | None) -> str | None:
    try:
        return None if url is None else public_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--base-url") from None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or not line.isprintable():
        raise click.BadParameter("a header is written 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()

"""reference/cli.md: the help of the command and its verbs."""

from __future__ import annotations

import importlib

import click

from secmw.cli.group import VERBS, command


def write() -> str:
    """Write a section for each verb."""
    sections = [_section("secmw", command)]
    for verb, (module, _) in sorted(VERBS.items()):
        found: click.Command = importlib.import_module(module).command
        sections.append(_section(f"secmw {verb}", found))
        if isinstance(found, click.Group):
            sections += [_section(f"secmw {verb} {name}", inner) for name, inner in found.commands.items()]
    return "\n\n".join(sections)


def _section(name: str, found: click.Command) -> str:
    context = click.Context(found, info_name=name, max_content_width=88, terminal_width=88)
    text = found.get_help(context)
    return f"## {name}\n\n```text\n{text.strip()}\n```"

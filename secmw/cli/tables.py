"""An account as tables for a terminal. Nothing here decides what is shown."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from secmw.cli.account import Account
from secmw.cli.explain import heading, parts, path_class


def show(found: Account, source: str) -> None:
    """Print an account to the terminal."""
    console = Console()
    console.print()
    console.print(Text(heading(found), style="bold"))
    console.print(Text(f"Policy: {source}", style="dim"))
    console.print(Text(f"Path class: {path_class(found)}", style="dim"))
    for title, items in parts(found):
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, expand=True)
        table.add_column("", style="cyan", no_wrap=True)
        table.add_column("Value", overflow="fold", ratio=3)
        table.add_column("Setting", style="green", ratio=1)
        table.add_column("Because", style="dim", ratio=2)
        for item in items:
            # Text, not str: a policy's values are no markup.
            why = f"{item.source}: {item.why}" if item.why else item.source
            table.add_row(Text(item.name), Text(item.value), Text(item.setting), Text(why))
        console.print(table)

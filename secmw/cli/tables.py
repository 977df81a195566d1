"""An account as tables for a terminal. Nothing here decides what is shown."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
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
        table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
        table.add_column(style="cyan", ratio=1, overflow="fold")
        table.add_column(ratio=2, overflow="fold")
        for item in items:
            # Text, not str: a policy's values are no markup.
            because = f"  {item.why or item.source}"
            setting = Text.assemble((item.setting, "green"), (because, "dim"))
            table.add_row(Text(item.name), Text.assemble(item.value, "\n", setting, "\n"))
        console.print(Padding(table, (1, 0, 0, 0)))

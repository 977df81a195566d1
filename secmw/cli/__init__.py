"""The `secmw` command. This module needs nothing but the core; what the verbs need comes with the extra ``cli``."""

from __future__ import annotations

import sys

#: What the extra brings, by the names that are imported.
_EXTRA = frozenset(
    {"click", "cryptography", "jinja2", "markupsafe", "rich", "starlette", "typing_extensions", "uvicorn"}
)


def main() -> None:
    """Run the command and leave the process with its status: 0, 1, or 2 where the call or the policy is wrong."""
    try:
        from secmw.cli.group import command

        command(prog_name="secmw")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print('The secmw command needs the extra cli: pip install "secmw[cli]"', file=sys.stderr)
        raise SystemExit(2) from None

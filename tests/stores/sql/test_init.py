"""`secmw sessions init` on real databases."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from secmw.cli.group import command
from tests.services.databases import Database
from tests.services.tables import Asked

pytestmark = pytest.mark.server


def test_the_tables_are_made_once_and_the_command_says_which(server: Database) -> None:
    Asked(server).drop()
    said = [CliRunner().invoke(command, ["sessions", "init", "--store", server.url]).output for _ in range(2)]
    tables = ["counters", "kept", "layout", "leases", "sessions", "users"]
    assert said == [
        f"Made {', '.join(f'secmw_{table}' for table in tables)}.\n",
        "There is nothing to make.\n",
    ]

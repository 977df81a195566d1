"""The table of what a Redis costs its client has a line for each way."""

from __future__ import annotations

import pytest

from benchmarks import connections

pytestmark = pytest.mark.server


def test_the_table_has_a_line_for_each_way_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    connections.main(["--count", "128"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 5 * 3 + 1 + 3
    assert lines[-3].startswith("anonymous: ")

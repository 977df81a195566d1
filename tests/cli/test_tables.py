from __future__ import annotations

import pytest

from secmw import Policy
from secmw.cli.account import account
from secmw.cli.tables import show
from secmw.keys import new_key


def test_an_account_is_shown_as_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    policy = Policy.recommended(
        secret_keys=[new_key()],
        public_url="https://app.example.org",
        sessions=None,
        custom_headers=["X-A: [red]b[/red]"],
    )
    show(account(policy, "/a", host="app.example.org"), "secmw.toml")
    output = capsys.readouterr().out
    assert "GET /a on app.example.org" in output
    assert "Policy: secmw.toml" in output
    for title in ("Checks, in this order", "Response headers", "Cookies"):
        assert title in output
    assert "[red]b[/red]" in output, "a value is no markup"
    assert "paths stay private" in output

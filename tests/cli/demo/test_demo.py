from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from secmw.cli import demo
from secmw.cli.group import command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "serve_demo", lambda port, **settings: calls.append((port, settings)))
    return calls


def test_the_demo_is_plain_http_on_port_8000_unless_told(served: list[Any], tmp_path: Path) -> None:
    assert CliRunner().invoke(command, ["demo"]).exit_code == 0
    assert served == [(8000, {"files": None, "short": False, "browser": False})]
    assert list(tmp_path.iterdir()) == []


def test_tls_makes_a_certificate_in_this_folder(served: list[Any], tmp_path: Path) -> None:
    assert CliRunner().invoke(command, ["demo", "--tls", "--open", "--port", "9000"]).exit_code == 0
    [(port, settings)] = served
    assert (port, settings["browser"]) == (9000, True)
    assert (tmp_path / settings["files"].authority).is_file()
    assert (tmp_path / ".secmw" / "demo").is_dir()


def test_short_limits_are_passed_on(served: list[Any]) -> None:
    assert CliRunner().invoke(command, ["demo", "--short"]).exit_code == 0
    [(_, settings)] = served
    assert settings["short"] is True


@pytest.mark.parametrize("port", ["0", "65535", "-1", "http"])
def test_a_port_leaves_room_for_the_other_site(served: list[Any], port: str) -> None:
    result = CliRunner().invoke(command, ["demo", "--port", port])
    assert result.exit_code == 2
    assert served == []

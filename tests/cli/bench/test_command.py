from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from secmw.cli.group import command
from secmw.keys import new_key

SITE = """
import secmw

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})

def broken(environ, start_response):
    raise ValueError("the password is geheim")

def make():
    policy = secmw.Policy.recommended(
        secret_keys=["%s"], public_url="https://shop.example", store="redis://:geheim@cache.example/0"
    )
    return secmw.asgi.Middleware(app, policy)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "ten_lines.py").write_text(SITE % new_key())
    yield tmp_path
    sys.modules.pop("ten_lines", None)


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["bench", "--seconds", "0.1", *words])


def test_a_bare_application_is_measured_under_the_preset() -> None:
    result = run("ten_lines:app")
    assert result.exit_code == 0, result.output
    assert "GET https://app.example.org/" in result.output
    assert "the preset recommended" in result.output
    assert "the whole policy" in result.output


@pytest.mark.parametrize("name", ["make", "lenient"])
def test_a_factory_without_parentheses_is_told_how_to_be_written(name: str, folder: Path) -> None:
    with (folder / "ten_lines.py").open("a") as file:
        file.write("\n\ndef lenient(settings=None):\n    return make()\n")
    result = run(f"ten_lines:{name}")
    assert result.exit_code == 2
    assert f"if it makes the application, write 'ten_lines:{name}()'" in result.output
    assert run(f"ten_lines:{name}()").exit_code == 0


@pytest.mark.parametrize(("load", "busy"), [(0.1, False), (1.9, True)])
def test_a_machine_that_was_busy_is_said_to_have_been_so(
    load: float, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert (f"busy with other things (load {load})" in run("ten_lines:app").output) == busy


def test_a_system_that_does_not_tell_its_load_is_measured_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "getloadavg")
    result = run("ten_lines:app")
    assert result.exit_code == 0
    assert "busy with other things" not in result.output


def test_a_policy_file_is_measured_in_place_of_all_others(folder: Path) -> None:
    (folder / "other.toml").write_text(
        f'secret_keys = ["{new_key()}"]\npublic_url = "https://other.example"\nsessions = "off"\n'
    )
    for name in ("ten_lines:app", "ten_lines:make()"):
        result = run(name, "--policy", "other.toml")
        assert "GET https://other.example/" in result.output
        assert "policy: other.toml" in result.output


def test_an_applications_own_policy_is_measured_without_its_store() -> None:
    result = run("ten_lines:make()")
    assert result.exit_code == 0, result.output
    assert "policy: the application's own" in result.output
    assert "Somebody signed in: 200" in result.output
    assert "are in memory here, not in redis" in result.output
    assert "geheim" not in result.output


def test_figures_and_plots_are_written(folder: Path) -> None:
    result = run("ten_lines:app", "--path", "/a", "--path", "/b", "--json", "all.json", "--plot", "cost.svg")
    assert result.exit_code == 0, result.output
    content = json.loads((folder / "all.json").read_text())
    assert [one["url"].rpartition("/")[2] for one in content["studies"]] == ["a", "b"]
    for name in ("cost.svg", "cost-bytes.svg", "cost-2.svg", "cost-2-bytes.svg"):
        assert (folder / name).read_text().startswith("<svg")
        assert f"Plot: {name}\n" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ten_lines"], "names no application"),
        (["nowhere_at_all:app"], "No module named"),
        (["ten_lines:broken"], "the application failed: ValueError in broken(), ten_lines.py"),
        (["ten_lines:app", "--header", "Host: evil.example"], "400, host_not_allowed"),
        (["ten_lines:app", "--path", "cart"], "begins with a slash"),
        (["ten_lines:app", "--header", "no colon"], "a header is written"),
        (["ten_lines:app", "--base-url", "shop"], "is not an http or https URL"),
        (["ten_lines:app", "--policy", "nowhere.toml"], "does not exist"),
    ],
)
def test_what_cannot_be_measured_ends_with_2_and_says_why(words: list[str], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "geheim" not in result.output
    assert "Traceback" not in result.output


def test_a_wrong_policy_is_refused_as_everywhere(folder: Path) -> None:
    (folder / "wrong.toml").write_text("hosts = 5\n")
    result = run("ten_lines:app", "--policy", "wrong.toml")
    assert result.exit_code == 2
    assert "problem" in result.output

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from secmw_flask import login_required, xsrf_exempt
from tests.adapters.secmw_flask.apps import application, production


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.chdir(tmp_path)
    # Flask finds no application in an empty folder, so nothing but the one that is given can answer.
    monkeypatch.delenv("FLASK_APP", raising=False)
    return application(production(store="sqlite:sessions.db", frame_options="SAMEORIGIN"))


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["secmw", *words])


def test_the_verbs_are_listed(app: Flask) -> None:
    said = run(app, "--help").output
    assert [verb for verb in ("check", "explain", "sessions", "demo", "keys") if f"  {verb}" in said] == [
        "check",
        "explain",
        "sessions",
    ]
    assert "No such command" in run(app, "demo").output


def test_explain_is_about_the_applications_policy(app: Flask) -> None:
    said = run(app, "explain", "/").output
    assert "Policy: the application's policy" in said
    assert "X-Frame-Options: SAMEORIGIN" in said


def test_explain_knows_the_views_that_are_exempt(app: Flask) -> None:
    app.post("/hook")(xsrf_exempt(lambda: "done"))
    assert "every view here is exempt" in run(app, "explain", "/hook", "--method", "POST").output
    assert "XSRF token: must be" in run(app, "explain", "/other", "--method", "POST").output


def test_check_is_about_the_applications_policy(app: Flask) -> None:
    assert run(app, "check").output == "There is nothing to say.\n"


def test_check_finds_a_decorator_that_guards_nothing(app: Flask) -> None:
    login_required(app.get("/")(lambda: "home"))
    said = run(app, "check")
    assert said.exit_code == 1
    assert "@login_required" in said.output
    assert run(app, "explain", "/").exit_code == 0


def test_sessions_are_listed_ended_and_swept(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction(base_url="https://app.example.org") as begun:
        begun.login("42", "Jane")  # type: ignore[attr-defined]  # Flask's type for it
    selector = run(app, "sessions", "list", "--user", "42").output.partition("\t")[0]
    assert len(selector) == 22
    assert run(app, "sessions", "revoke", selector).output == f"Ended {selector}, of user 42.\n"
    assert run(app, "sessions", "list", "--user", "42").output == ""
    assert run(app, "sessions", "sweep").output == "Removed 0.\n"


def test_a_policy_that_can_t_be_explained_is_an_error_without_a_traceback(app: Flask) -> None:
    said = run(app, "explain", "/", "--preset", "development")
    assert said.exit_code == 1
    assert "problem" in said.output

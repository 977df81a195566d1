"""Tests of notes_starlette.py and notes_flask.py, as an application's own tests would be. Run them: pytest test_notes.py"""

from __future__ import annotations

import notes_flask
import notes_starlette
import pytest

from secmw.testing import Client


@pytest.fixture(params=[notes_starlette.app, notes_flask.app], ids=["starlette", "flask"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param, base_url="http://localhost:8000")


def test_a_note_is_added_with_the_token_of_the_page(client: Client) -> None:
    page = client.get("/")
    assert page.status == 200
    assert client.post("/notes", form={"note": "Call Ada"}).status == 303
    assert "Call Ada" in client.get("/").text


def test_a_form_of_another_site_is_refused(client: Client) -> None:
    client.get("/")
    answer = client.post("/notes", form={"note": "spam"}, headers={"Origin": "https://evil.example"})
    assert answer.status == 403
    assert answer.json()["reason"] == "cross_origin"
    assert "spam" not in client.get("/").text

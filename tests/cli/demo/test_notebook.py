from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape

from secmw.cli.demo.notebook import PAYLOAD, masked
from tests.demo import TLS, Demo, token

if TYPE_CHECKING:
    from pathlib import Path

    from secmw.testing import Response


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def demo() -> Demo:
    return Demo()


def home(demo: Demo) -> Response:
    return demo.client.get("/attacks")


def nonce(response: Response) -> str:
    found = re.search(r"'nonce-([^']+)'", response.header("Content-Security-Policy") or "")
    assert found
    return found[1]


# --- the first page


def test_every_script_of_the_page_is_ours(demo: Demo) -> None:
    response = home(demo)
    assert response.status == 200
    scripts = re.findall(r"<script\b[^>]*>", response.text)
    assert scripts
    assert all(f'nonce="{nonce(response)}"' in script for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=", response.text.replace(escape(PAYLOAD), ""))


def test_the_page_shows_the_headers_that_it_comes_with_and_their_settings(demo: Demo) -> None:
    response = home(demo)
    text = re.sub(r"\s+", " ", html.unescape(response.text))
    for name in ("X-Frame-Options", "Content-Security-Policy", "Referrer-Policy", "Cache-Control"):
        value = response.header(name)
        assert value
        assert f'<th scope="row">{name}</th> <td><code class="value">{value}</code></td>' in text
    assert '<code class="setting">frame_options</code>' in text


def test_what_names_the_software_is_removed(demo: Demo) -> None:
    assert home(demo).header("X-Powered-By") is None
    assert "X-Powered-By" in home(demo).text


def test_the_page_shows_the_request_and_cuts_its_secrets_off(demo: Demo) -> None:
    home(demo)
    visit = demo.client.cookies["visit"].value
    text = demo.client.get("/attacks", headers={"X-Colour": "<b>green</b>"}).text
    assert "&lt;b&gt;green&lt;/b&gt;" in text
    assert visit[:4] + "…" in text
    assert visit not in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a=123456; bc=9", "a=1234…; bc=9…"),
        ("Bearer", "Bear…"),
        ("", "…"),
    ],
)
def test_values_are_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_over_plain_http_the_page_says_what_is_not_protected(demo: Demo) -> None:
    text = home(demo).text
    assert "Plain HTTP, for this machine only." in text
    assert "neither Secure nor prefixed with" in text
    assert demo.client.cookies["visit"].secure is False


def test_over_tls_it_has_what_was_missing() -> None:
    demo = Demo(TLS)
    assert "Plain HTTP, for this machine only." not in home(demo).text
    assert "Policy.recommended" in home(demo).text
    assert demo.client.cookies["__Host-visit"].secure is True


def test_the_button_for_a_socket_is_there_only_where_it_can_work(demo: Demo) -> None:
    assert 'id="echo"' in home(demo).text
    assert 'id="echo"' not in home(Demo(TLS)).text


def test_the_attacking_site_may_be_shown_and_nothing_else(demo: Demo) -> None:
    policy = home(demo).header("Content-Security-Policy") or ""
    assert "frame-src 'self' http://127.0.0.1:8001;" in policy


@pytest.mark.parametrize("name", ["demo.css", "demo.js", "shop.js", "greet.js", "attacker.js", "icon.svg"])
def test_its_files_are_served_under_the_policy(demo: Demo, name: str) -> None:
    response = demo.client.get(f"/static/{name}")
    assert response.status == 200
    assert response.header("X-Content-Type-Options") == "nosniff"


# --- writing


def test_a_form_with_the_token_is_kept(demo: Demo) -> None:
    form = {"xsrf_token": token(home(demo)), "note": "Hello <you>"}
    response = demo.client.post("/notes", form=form, headers={"X-XSRF-TOKEN": None})
    assert (response.status, response.header("Location")) == (303, "/attacks#send")
    assert "<li>Hello &lt;you&gt;</li>" in home(demo).text


def test_a_form_without_it_is_not(demo: Demo) -> None:
    home(demo)
    headers = {"X-XSRF-TOKEN": None, "Accept": "text/html"}
    response = demo.client.post("/notes", form={"note": "Hello"}, headers=headers)
    assert response.status == 403
    assert "<code>xsrf_missing</code>" in response.text
    assert "<li>Hello</li>" not in home(demo).text


def test_a_script_with_the_token_is_heard(demo: Demo) -> None:
    home(demo)
    headers = {"Accept": "application/json"}
    assert demo.client.post("/notes", json={"note": " Hi "}, headers=headers).json() == {"saved": "Hi"}
    assert demo.journal.after(0)[-1]["what"] == "POST /notes"


@pytest.mark.parametrize(("given", "reason"), [(None, "xsrf_missing"), ("A" * 43, "xsrf_mismatch")])
def test_a_script_without_it_is_told_why_not(demo: Demo, given: str | None, reason: str) -> None:
    home(demo)
    response = demo.client.post("/notes", json={"note": "Hi"}, headers={"X-XSRF-TOKEN": given})
    assert response.json()["reason"] == reason
    assert demo.journal.after(0)[-1]["reason"] == reason


def test_an_empty_note_is_not_kept(demo: Demo) -> None:
    before = home(demo).text.count("<li>")
    demo.client.post("/notes", json={"note": "  "})
    assert home(demo).text.count("<li>") == before


def test_the_notes_stay_few_and_short(demo: Demo) -> None:
    home(demo)
    for number in range(30):
        demo.client.post("/notes", json={"note": f"{number} {'x' * 15_000}"})
    notes = demo.client.get("/private").json()["notes"]
    assert len(notes) == 20
    assert max(map(len, notes)) == 200


def test_a_large_body_is_cut_not_kept(demo: Demo) -> None:
    form = {"xsrf_token": token(home(demo)), "note": "y" * 100_000}
    assert demo.client.post("/notes", form=form, headers={"X-XSRF-TOKEN": None}).status == 303


# --- attacks


def foreign(**more: str) -> dict[str, str]:
    return {"Origin": "http://127.0.0.1:8001", "Sec-Fetch-Site": "cross-site", **more}


def test_another_site_can_write_nothing(demo: Demo) -> None:
    home(demo)
    response = demo.client.post("/notes?attack=1", form={"note": "Foreign"}, headers=foreign())
    assert response.json()["reason"] == "cross_origin"
    assert [(entry["outcome"], entry["reason"]) for entry in demo.journal.of("1")] == [
        ("refused", "cross_origin")
    ]


def test_another_site_can_read_nothing(demo: Demo) -> None:
    response = demo.client.get("/private", headers=foreign())
    assert response.header("Access-Control-Allow-Origin") is None
    assert response.header("Cross-Origin-Resource-Policy") == "same-origin"


def test_another_site_opens_no_socket_and_ours_does(demo: Demo) -> None:
    result = demo.client.websocket("/echo?attack=2", origin="http://127.0.0.1:8001")
    assert (result.accepted, result.status) == (False, 403)
    assert demo.journal.of("2")[0]["what"] == "WebSocket /echo"
    assert demo.client.websocket("/echo", send=["hello"], replies=1).messages == ("hello",)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/sign-in", "DENY"),
        ("/attacks", "DENY"),
        ("/alone", "DENY"),
        ("/greet", "DENY"),
        ("/framed/", "SAMEORIGIN"),
    ],
)
def test_a_page_says_who_may_frame_it(demo: Demo, path: str, value: str) -> None:
    assert demo.client.get(path).header("X-Frame-Options") == value


def test_a_false_host_gets_no_link(demo: Demo) -> None:
    response = demo.client.get("/reset-link?attack=3", headers={"Host": "evil.example"})
    assert (response.status, response.json()["reason"]) == (400, "host_not_allowed")
    assert demo.journal.of("3")[0]["reason"] == "host_not_allowed"


def test_a_false_proxy_is_not_heard(demo: Demo) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    response = demo.client.get("/reset-link", headers=headers)
    assert response.json() == {"link": "http://localhost:8000/reset?code=0000", "forwarded": []}


@pytest.mark.parametrize("path", ["/greet", "/framed/greet"])
def test_the_greeting_is_careless_and_the_policy_is_not(demo: Demo, path: str) -> None:
    response = demo.client.get(f"{path}?name=<script>1</script>")
    assert "Hello, <script>1</script>" in response.text, "the page has to be vulnerable to show anything"
    policy = response.header("Content-Security-Policy") or ""
    assert "'unsafe-inline'" not in policy
    assert f"script-src 'self' 'nonce-{nonce(response)}'" in policy


def test_a_report_of_the_browser_is_noted(demo: Demo) -> None:
    demo.client.get("/greet")
    report: dict[str, Any] = {"directive": "script-src-elem", "page": "/greet", "attack": "4"}
    assert demo.client.post("/blocked", json=report).status == 204
    [entry] = demo.journal.of("4")
    assert (entry["outcome"], entry["what"], entry["reason"]) == (
        "blocked",
        "inline script on /greet",
        "script-src-elem",
    )


def test_nobody_else_can_report(demo: Demo) -> None:
    assert demo.client.post("/blocked", json={}, headers=foreign()).status == 403


# --- the log


@pytest.mark.parametrize(
    ("after", "count"), [("0", 1), ("1", 0), ("", 1), ("-1", 1), ("9" * 5000, 1), ("²", 1)]
)
def test_the_log_is_read_from_a_number_on(demo: Demo, after: str, count: int) -> None:
    demo.journal.add("refused", "POST /notes", status=403)
    assert len(demo.client.get(f"/journal/?after={after}").json()) == count

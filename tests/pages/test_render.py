from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.http import Reason, Refusal, Reply
from secmw.pages import refusal
from tests.reading import header, page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CROSS_ORIGIN = Refusal(
    403, Reason.CROSS_ORIGIN, "This came from elsewhere.", "Open the site yourself.", "xsrf.origin"
)


def render(
    refused: Refusal = CROSS_ORIGIN, accept: str = BROWSER, method: str = "POST", **more: Any
) -> Reply:
    return refusal(refused, accept=accept, method=method, **more)


# --- for programs


def test_a_program_gets_a_problem_it_can_branch_on() -> None:
    reply = render(accept="application/json")
    assert header(reply, "Content-Type") == "application/problem+json"
    assert json.loads(reply.body) == {
        "type": "urn:secmw:refusal:cross_origin",
        "title": "This came from another site",
        "status": 403,
        "detail": "This came from elsewhere.",
        "reason": "cross_origin",
        "fix": "Open the site yourself.",
    }


def test_a_client_that_says_nothing_gets_a_problem() -> None:
    assert header(render(accept=""), "Content-Type") == "application/problem+json"


def test_a_refusal_without_words_of_its_own_gets_those_of_its_reason() -> None:
    problem = json.loads(render(Refusal(403, Reason.XSRF_MISSING, ""), accept="").body)
    assert problem["detail"] == "What was sent did not carry the proof that it came from our page."
    assert problem["fix"] == "Go back, reload the page, and send it again. Nothing has been changed."


# --- for people


def test_a_person_reads_what_happened_what_to_do_and_the_reason() -> None:
    reply = render()
    assert header(reply, "Content-Type") == "text/html; charset=utf-8"
    read = page(reply)
    assert read.text["title"] == "403: This came from another site"
    assert read.text["h1"] == "This came from another site"
    assert "This came from elsewhere." in read.text["p"]
    assert "Open the site yourself." in read.text["p"]
    assert read.text["code"] == "cross_origin"


def test_the_page_is_accessible() -> None:
    read = page(render())
    elements = dict(read.elements)
    assert elements["html"]["lang"] == "en"
    assert {"title", "main", "h1"} <= elements.keys()
    assert [tag for tag, _ in read.elements].count("h1") == 1
    assert elements["svg"]["aria-hidden"] == "true"
    assert "width=device-width" in str([attrs for tag, attrs in read.elements if tag == "meta"])
    assert "prefers-color-scheme:dark" in read.text["style"]


def test_nothing_to_do_leaves_no_empty_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secmw.pages.words.WORDS", {})
    reply = render(Refusal(403, Reason.NOT_FOUND, "Not here."))
    assert b"<p></p>" not in reply.body
    assert "fix" not in json.loads(render(Refusal(403, Reason.NOT_FOUND, "Not here."), accept="").body)


@pytest.mark.parametrize("reason", Reason)
def test_every_page_is_well_formed_and_runs_and_loads_nothing(reason: Reason) -> None:
    read = page(render(Refusal(400, reason, "")))
    assert read.open == []
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "form", "iframe", "img", "link", "base", "object", "a"}
    names = {name for _, attributes in read.elements for name in attributes}
    assert not names & {"src", "href", "style", "http-equiv"}
    assert not [name for name in names if name.startswith("on")]


@given(st.text(), st.text(st.sampled_from("<>&\"'$ {}/!-")))
def test_no_sentence_can_become_markup(detail: str, fix: str) -> None:
    plain, given_words = render(), render(Refusal(403, Reason.CROSS_ORIGIN, f"A{detail}", f"B{fix}"))
    assert page(given_words).elements == page(plain).elements


# --- headers


def test_the_style_is_allowed_by_its_hash_and_by_nothing_else() -> None:
    reply = render()
    digest = hashlib.sha256(page(reply).text["style"].encode()).digest()
    assert header(reply, "Content-Security-Policy") == (
        f"default-src 'none'; style-src 'sha256-{base64.b64encode(digest).decode()}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_whoever_may_frame_the_page_may_frame_its_refusal() -> None:
    policy = header(render(frame_ancestors="'self' https://portal.example.org"), "Content-Security-Policy")
    assert policy.endswith("; frame-ancestors 'self' https://portal.example.org")


@pytest.mark.parametrize("accept", [BROWSER, "application/json"])
def test_nothing_keeps_a_refusal(accept: str) -> None:
    assert header(render(accept=accept), "Cache-Control") == "no-store"


@pytest.mark.parametrize("accept", [BROWSER, "application/json"])
def test_head_gets_the_header_of_get_and_no_body(accept: str) -> None:
    get, head = render(accept=accept, method="GET"), render(accept=accept, method="HEAD")
    assert head.headers == get.headers
    assert head.body == b""
    assert header(head, "Content-Length") == str(len(get.body))


def test_the_refusals_own_headers_are_sent_too() -> None:
    reply = render(Refusal(405, Reason.METHOD_NOT_ALLOWED, "", headers=(("Allow", "GET, HEAD"),)))
    assert header(reply, "Allow") == "GET, HEAD"


def test_a_redirect_has_a_tiny_body_that_repeats_no_address() -> None:
    to = "https://app.example.org/secret-path"
    reply = render(Refusal(301, Reason.REDIRECT_TO_HTTPS, "", headers=(("Location", to),)))
    assert reply.status == 301
    assert header(reply, "Location") == to
    assert header(reply, "Content-Type") == "text/plain; charset=utf-8"
    assert reply.body == b"This address is served over an encrypted connection.\n"


def test_the_page_says_nothing_of_what_is_meant_for_the_log() -> None:
    assert b"xsrf.origin" not in render().body
    assert b"xsrf.origin" not in render(accept="").body

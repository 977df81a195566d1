from __future__ import annotations

import base64
import hashlib
import re
from string import Template
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.http import Reply
from secmw.pages.page import Markup, Page, filled
from tests.reading import Markup as Read
from tests.reading import colours, contrast, header, page

REFUSAL = Page("refusal", style="refusal", forms=False)
SUDO = Page("sudo", style="account", forms=True)
PAGES = pytest.mark.parametrize("kind", [REFUSAL, SUDO], ids=["refusal", "account"])


def reply(kind: Page, **values: Any) -> Reply:
    names = kind.main.get_identifiers()
    return kind.reply(200, "A <title>", **{**dict.fromkeys(names, "x"), **values})


@PAGES
def test_the_style_is_allowed_by_its_hash_and_nothing_else_is(kind: Page) -> None:
    made = reply(kind)
    digest = base64.b64encode(hashlib.sha256(page(made).text["style"].encode()).digest()).decode()
    policy = header(made, "Content-Security-Policy")
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; ")
    assert policy.endswith("; frame-ancestors 'none'")


@pytest.mark.parametrize(("kind", "targets"), [(REFUSAL, "'none'"), (SUDO, "'self'")], ids=["none", "self"])
def test_only_a_page_with_forms_may_send_them_and_only_home(kind: Page, targets: str) -> None:
    assert f"; form-action {targets};" in header(reply(kind), "Content-Security-Policy")


def test_who_may_frame_the_page_can_be_named() -> None:
    made = reply(SUDO, frame_ancestors="https://portal.example.org")
    policy = header(made, "Content-Security-Policy")
    assert policy.endswith("; frame-ancestors https://portal.example.org")


@PAGES
def test_nothing_keeps_a_page_and_its_length_is_right(kind: Page) -> None:
    made = reply(kind)
    assert header(made, "Cache-Control") == "no-store"
    assert header(made, "Content-Type") == "text/html; charset=utf-8"
    assert header(made, "Content-Length") == str(len(made.body))


@PAGES
def test_a_page_can_be_read_by_everybody_everywhere(kind: Page) -> None:
    """WCAG 2.2: a language, a title, one heading of the first level, landmarks, and room to zoom."""
    read = page(reply(kind))
    assert read.open == []
    assert read.all("html") == [{"lang": "en"}]
    assert read.text["title"] == "A <title>"
    assert len(read.all("main")) == len(read.all("h1")) == 1
    assert [svg["aria-hidden"] for svg in read.all("svg")] == ["true"]
    [viewport] = [meta["content"] for meta in read.all("meta") if meta.get("name") == "viewport"]
    assert viewport == "width=device-width, initial-scale=1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("text", "card", 4.5),
        ("soft", "card", 4.5),
        ("mark", "card", 4.5),
        ("accent", "card", 4.5),
        ("filled", "accent", 4.5),
        ("text", "back", 4.5),
        # WCAG 2.2, 1.4.11: what shows where a field or a button is.
        ("line", "card", 3),
        ("line", "back", 3),
    ],
)
def test_the_colours_have_the_contrast_that_wcag_asks_for(
    scheme: str, front: str, back: str, least: float
) -> None:
    named = colours(page(reply(SUDO)), scheme)
    assert contrast(named[front], named[back]) >= least


@PAGES
def test_a_page_runs_and_loads_nothing(kind: Page) -> None:
    read = page(reply(kind))
    assert not {tag for tag, _ in read.elements} & {"script", "iframe", "img", "link", "base", "object"}
    names = {name for _, attributes in read.elements for name in attributes}
    assert not names & {"src", "style", "http-equiv", "formaction", "target"}
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"url\(|@import|expression", read.text["style"])


@given(st.text(), st.text(st.sampled_from("<>&\"'$ {}/!-=`\n")))
def test_a_value_never_leaves_its_place(one: str, other: str) -> None:
    template = Template('<p title="$one">$other</p><b>$one</b>')
    read = Read(filled(template, one=f"A{one}", other=f"B{other}"))
    assert read.shape() == [("p", ["title"]), ("b", [])]
    assert read.open == []


def test_markup_that_is_made_stays_markup_and_text_does_not() -> None:
    template = Template("$made$text")
    assert filled(template, made=Markup("<b>"), text="<b>") == "<b>&lt;b&gt;"


def test_a_value_is_not_a_template() -> None:
    assert filled(Template("$one"), one="$two ${three} $$") == "$two ${three} $$"


def test_text_that_no_encoding_can_hold_is_shown_as_far_as_it_goes() -> None:
    assert b"<h1>Jane?</h1>" in reply(REFUSAL, heading="Jane\udc80").body

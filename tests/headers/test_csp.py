"""A Content-Security-Policy, checked, written and read."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_csp_header

from secmw.headers import csp
from secmw.headers.csp_grammar import DIRECTIVES, KEYWORDS, NONCE, NONE, SANDBOX

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "https://", "wss://"]),
    st.sampled_from(["", "*."]),
    st.lists(LABELS, min_size=2, max_size=3).map(".".join),
    st.sampled_from(["", ":443", ":*"]),
    st.sampled_from(["", "/", "/js/app.js", "/a%3Bb/"]),
).filter(lambda host: not host.startswith(("nonce-", "sha256-", "sha384-", "sha512-")))
SCHEMES = st.sampled_from(["https:", "data:", "blob:", "vscode-webview:"])
HASHES = st.sampled_from([f"'sha256-{'a' * 43}='", f"'sha384-{'B' * 64}'", f"'sha512-{'+' * 86}=='"])
WORDS = st.sampled_from([word for word in KEYWORDS if word not in (NONE, NONCE)])
PLAIN = st.just((NONE,)) | st.lists(HOSTS | SCHEMES | HASHES | WORDS, min_size=1, max_size=4).map(tuple)
SOURCES = st.just((NONE,)) | st.lists(
    HOSTS | SCHEMES | HASHES | WORDS | st.just(NONCE), min_size=1, max_size=4
).map(tuple)
WITH_NONCE = ["default-src", "script-src", "script-src-elem", "style-src", "style-src-elem"]
WITHOUT_NONCE = [
    *[
        "child-src",
        "connect-src",
        "font-src",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
    ],
    *[
        "script-src-attr",
        "style-src-attr",
        "worker-src",
        "fenced-frame-src",
        "prefetch-src",
        "base-uri",
        "form-action",
    ],
]
OTHERS = {
    "frame-ancestors": st.just((NONE,))
    | st.lists(HOSTS | SCHEMES | st.just("'self'"), min_size=1).map(tuple),
    "sandbox": st.lists(st.sampled_from(SANDBOX), max_size=3).map(tuple),
    "trusted-types": st.lists(
        st.sampled_from(["*", "lit-html", "a.b@c", "'allow-duplicates'"]), max_size=2
    ).map(tuple),
    "require-trusted-types-for": st.just(("'script'",)),
    "webrtc": st.sampled_from([("'allow'",), ("'block'",)]),
    "upgrade-insecure-requests": st.just(()),
    "block-all-mixed-content": st.just(()),
    "report-to": st.sampled_from([("csp",), ("default",)]),
    "report-uri": st.lists(st.sampled_from(["/csp", "https://r.example.org/?a=b%3Bc"]), min_size=1).map(
        tuple
    ),
}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    names = draw(st.lists(st.sampled_from(sorted(DIRECTIVES)), unique=True, max_size=6))
    kinds = {**dict.fromkeys(WITH_NONCE, SOURCES), **dict.fromkeys(WITHOUT_NONCE, PLAIN), **OTHERS}
    return {name: draw(kinds[name]) for name in names}


def read(value: str) -> dict[str, tuple[str, ...]]:
    """Read a policy as CSP3 section 2.2.1 says, knowing nothing of secmw."""
    directives: dict[str, tuple[str, ...]] = {}
    assert "," not in value, "a comma would begin another policy"
    for token in value.split(";"):
        words = re.split("[\t\n\f\r ]+", token.strip("\t\n\f\r "))
        if words != [""]:
            directives.setdefault(words[0].lower(), tuple(words[1:]))
    return directives


def as_a_browser_sees_it(policy: dict[str, tuple[str, ...]], nonce: str) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(source.replace(NONCE, f"'nonce-{nonce}'") for source in sources)
        for name, sources in policy.items()
    }


def test_the_strategies_cover_every_directive() -> None:
    assert {*WITH_NONCE, *WITHOUT_NONCE, *OTHERS} == set(DIRECTIVES)


@given(policies())
def test_what_is_written_reads_back(policy: dict[str, tuple[str, ...]]) -> None:
    """CS-04"""
    written = csp.serialize(csp.checked(policy), "bm9uY2U=")
    assert read(written) == as_a_browser_sees_it(policy, "bm9uY2U=")


@given(policies())
def test_werkzeug_reads_the_same(policy: dict[str, tuple[str, ...]]) -> None:
    """CS-04"""
    parsed = parse_csp_header(csp.serialize(csp.checked(policy), "bm9uY2U="))
    # Werkzeug passes over directives without values.
    wanted = {name: sources for name, sources in as_a_browser_sees_it(policy, "bm9uY2U=").items() if sources}
    assert {name: tuple(value.split(" ")) for name, value in parsed.items()} == wanted


@given(policies().filter(lambda policy: not any(NONCE in sources for sources in policy.values())))
def test_a_policy_written_as_text_is_the_same_policy(policy: dict[str, tuple[str, ...]]) -> None:
    assert csp.parse(csp.serialize(policy)) == policy


@example("default-src 'none';; img-src 'self';")
@given(st.text(max_size=60) | st.text(alphabet="abcdefilnorsu-';:, */\t\n\r\f\0\xa0\"_", max_size=60))
def test_parsing_any_text_raises_nothing_but_valueerror(text: str) -> None:
    """CS-04"""
    try:
        parsed = csp.parse(text)
    except ValueError:
        return
    assert read(csp.serialize(parsed)) == parsed


@given(
    st.dictionaries(
        st.sampled_from(sorted(DIRECTIVES)) | st.text(), st.lists(st.text(max_size=12)) | st.text()
    )
)
def test_checking_anything_raises_nothing_but_valueerror(policy: dict[str, list[str]]) -> None:
    """CS-04"""
    try:
        checked = csp.checked(policy)
    except ValueError:
        return
    assert read(csp.serialize(checked)) == checked


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("defualt-src", "did you mean default-src?"),
        ("script_src", "did you mean script-src?"),
        ("frame-ancestor", "did you mean frame-ancestors?"),
        ("reflected-xss", "write one of default-src, child-src"),
        ("default-src 'self'", "is not a CSP directive"),
        ("", "is not a CSP directive"),
    ],
)
def test_an_unknown_directive_is_answered_with_the_closest(name: str, fix: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError) as refused:
        csp.checked({name: ("'self'",)})
    assert fix in str(refused.value)


def test_directives_may_be_given_in_any_case_but_once() -> None:
    """CS-05"""
    assert csp.checked({"Default-SRC": ["'self'"]}) == {"default-src": ("'self'",)}
    with pytest.raises(
        ValueError, match="img-src is there twice, and browsers heed only the first; merge the two"
    ):
        csp.checked({"img-src": ("'self'",), "IMG-src": ("data:",)})


def test_a_text_with_a_directive_twice_is_refused() -> None:
    """CS-05"""
    with pytest.raises(ValueError, match="img-src is there twice"):
        csp.parse("img-src 'self'; default-src 'none'; img-src data:")


def test_a_policy_is_a_table() -> None:
    with pytest.raises(ValueError, match="is not a table; write it like"):
        csp.checked("default-src 'self'")


def test_the_nonce_takes_every_place_that_asks_for_it() -> None:
    policy = {
        "script-src": ("'nonce'", "'strict-dynamic'"),
        "style-src": ("'self'", "'nonce'"),
        "img-src": ("*",),
    }
    assert csp.serialize(policy, "YWJj") == (
        "script-src 'nonce-YWJj' 'strict-dynamic'; style-src 'self' 'nonce-YWJj'; img-src *"
    )


def test_without_a_nonce_a_place_for_it_allows_nothing() -> None:
    """CS-03"""
    assert csp.serialize({"script-src": ("'nonce'",), "style-src": ("'self'", "'nonce'")}) == (
        "script-src 'none'; style-src 'self'"
    )


def test_a_page_without_a_nonce_is_not_laxer_than_one_with_it() -> None:
    """Browsers ignore 'unsafe-inline' beside a nonce only: what goes with the nonce must go with its absence."""
    policy = {"style-src": ("'self'", "'nonce'", "'unsafe-inline'")}
    assert csp.serialize(policy, "YWJj") == "style-src 'self' 'nonce-YWJj' 'unsafe-inline'"
    assert csp.serialize(policy) == "style-src 'self'"
    assert csp.serialize({"style-src": ("'unsafe-inline'",)}) == "style-src 'unsafe-inline'"


@pytest.mark.parametrize("nonce", ["", "a'b", "a b", "a;b", "a\n", "=", "\xe9"])
def test_a_nonce_is_base64(nonce: str) -> None:
    """CS-02"""
    with pytest.raises(ValueError, match="the nonce is not base64"):
        csp.serialize({"script-src": ("'nonce'",)}, nonce)

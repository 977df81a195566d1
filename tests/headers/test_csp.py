"""The grammar of Content-Security-Policy."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_csp_header

from secmw.headers import csp

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
KEYWORDS = st.sampled_from([word for word in csp.KEYWORDS if word not in (csp.NONE, csp.NONCE)])
PLAIN = st.just((csp.NONE,)) | st.lists(HOSTS | SCHEMES | HASHES | KEYWORDS, min_size=1, max_size=4).map(
    tuple
)
SOURCES = st.just((csp.NONE,)) | st.lists(
    HOSTS | SCHEMES | HASHES | KEYWORDS | st.just(csp.NONCE), min_size=1, max_size=4
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
    "frame-ancestors": st.just((csp.NONE,))
    | st.lists(HOSTS | SCHEMES | st.just("'self'"), min_size=1).map(tuple),
    "sandbox": st.lists(st.sampled_from(csp.SANDBOX), max_size=3).map(tuple),
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
    names = draw(st.lists(st.sampled_from(sorted(csp.DIRECTIVES)), unique=True, max_size=6))
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
        name: tuple(source.replace(csp.NONCE, f"'nonce-{nonce}'") for source in sources)
        for name, sources in policy.items()
    }


def test_the_strategies_cover_every_directive() -> None:
    assert {*WITH_NONCE, *WITHOUT_NONCE, *OTHERS} == set(csp.DIRECTIVES)


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


@given(policies().filter(lambda policy: not any(csp.NONCE in sources for sources in policy.values())))
def test_a_policy_written_as_text_is_the_same_policy(policy: dict[str, tuple[str, ...]]) -> None:
    assert csp.parse(csp.serialize(policy)) == policy


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
        st.sampled_from(sorted(csp.DIRECTIVES)) | st.text(), st.lists(st.text(max_size=12)) | st.text()
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


@pytest.mark.parametrize(
    "source",
    [
        "'self'; object-src *",
        "a.org,b.org",
        "a.org b.org",
        "a.org\tb.org",
        "a\nb",
        "a\0b",
        "\x7f",
        "p\xf6rtal.org",
        'a"b',
    ],
)
def test_a_source_holds_nothing_that_could_end_it(source: str) -> None:
    """CS-04"""
    with pytest.raises(
        ValueError, match=r"img-src: .* holds .*; write each source on its own, in visible ASCII"
    ):
        csp.checked({"img-src": (source,)})


@pytest.mark.parametrize("word", ["self", "none", "unsafe-inline", "strict-dynamic", "nonce", "SELF"])
def test_a_keyword_without_quotes_would_be_a_host(word: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError) as refused:
        csp.checked({"script-src": (word,)})
    fix = f"{word} needs lower case and single quotes around it; write \"'{word.lower()}'\""
    assert fix in str(refused.value)


@pytest.mark.parametrize("source", ["'self", "self'", "'SELF'", "''self''"])
def test_a_keyword_is_spelt_in_lower_case_between_two_quotes(source: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError, match="needs lower case and single quotes around it; write \"'self'\""):
        csp.checked({"script-src": (source,)})


@pytest.mark.parametrize("source", ["'unsafe-inlin'", "https://a.org/'x'", "'", "''", "'https://a.org'"])
def test_a_quote_belongs_to_a_known_keyword(source: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError, match=r"is not a keyword; (did you mean|write one of)"):
        csp.checked({"script-src": (source,)})


@pytest.mark.parametrize("source", ["'nonce-abc'", "nonce-abc", "'NONCE-abc'", "'nonce-abc", "'nonce-'"])
def test_a_fixed_nonce_is_no_nonce(source: str) -> None:
    """CS-02"""
    with pytest.raises(
        ValueError, match="is a fixed nonce, which is no nonce; write \"'nonce'\" for a fresh one"
    ):
        csp.checked({"script-src": (source,)})


@pytest.mark.parametrize(
    "source",
    [
        "sha256-" + "a" * 43 + "=",
        "'sha256-abc='",
        "'sha256-'",
        "'sha512-" + "a" * 43 + "='",
        "'sha256-" + "!" * 43 + "='",
    ],
)
def test_a_hash_is_a_whole_digest_in_quotes(source: str) -> None:
    """CS-04"""
    with pytest.raises(
        ValueError, match="is not a hash; write the whole base64 digest and single quotes around it"
    ):
        csp.checked({"script-src": (source,)})


@pytest.mark.parametrize("word", ["data", "https", "blob"])
def test_a_scheme_without_its_colon_would_be_a_host(word: str) -> None:
    with pytest.raises(ValueError) as refused:
        csp.checked({"img-src": (word,)})
    assert f'write "{word}:" for the scheme' in str(refused.value)


@pytest.mark.parametrize(
    "source",
    ["https://", "https://a.org?x", "https://a.org#x", "a.org:x", "*.*.org", "a.*", "[::1]", "https://[::1]:80", "/x", "a%41.org"],
)  # fmt: skip
def test_a_source_is_a_scheme_a_host_or_a_keyword(source: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError, match=r"is not a source; write a scheme \(https:\), a host"):
        csp.checked({"img-src": (source,)})


@pytest.mark.parametrize(
    "source", ["*", "*:8080", "https://*", "localhost:3838", "a_b.org.", "https://a.org/x/%2C"]
)
def test_these_are_sources(source: str) -> None:
    assert csp.checked({"img-src": (source,)}) == {"img-src": (source,)}


@pytest.mark.parametrize("name", ["default-src", "frame-ancestors", "trusted-types"])
def test_none_stands_alone(name: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError, match=r"'none' stands beside other .*; write it alone or not at all"):
        csp.checked({name: ("'none'", "https:" if name != "trusted-types" else "a")})


@pytest.mark.parametrize("name", ["default-src", "img-src", "frame-ancestors"])
def test_an_empty_source_list_says_none(name: str) -> None:
    with pytest.raises(ValueError, match="is empty; write \"'none'\" to allow nothing"):
        csp.checked({name: ()})


@pytest.mark.parametrize("name", ["upgrade-insecure-requests", "block-all-mixed-content"])
def test_a_bare_directive_takes_no_sources(name: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError, match=f"{name}: takes no values, not .*; write an empty list"):
        csp.checked({name: ("'self'",)})


@pytest.mark.parametrize(
    "source", ["'unsafe-inline'", "'strict-dynamic'", f"'sha256-{'a' * 43}='", "'report-sample'"]
)
def test_frame_ancestors_takes_places_only(source: str) -> None:
    """CS-07"""
    with pytest.raises(ValueError, match=r"frame-ancestors: .* means nothing here; write origins"):
        csp.checked({"frame-ancestors": (source,)})


@pytest.mark.parametrize("name", ["img-src", "frame-ancestors", "base-uri", "script-src-attr"])
def test_the_nonce_is_for_scripts_and_styles(name: str) -> None:
    with pytest.raises(ValueError, match="'nonce' means nothing here; scripts and styles alone have nonces"):
        csp.checked({name: ("'nonce'",)})


@pytest.mark.parametrize(
    ("name", "values", "fix"),
    [
        ("sandbox", ("allow-script",), "did you mean allow-scripts?"),
        ("report-to", (), "is not one name; write a name of reporting_endpoints"),
        ("report-to", ("a", "b"), "is not one name"),
        ("report-to", ("a;b",), "is not one name"),
        ("report-uri", (), "is empty; write the address that takes reports"),
        ("report-uri", ("/a;b",), "with %3B for ;"),
        ("report-uri", ("/'",), "holds a quote; write %27"),
        ("report-uri", ("",), "holds an empty text; leave it out"),
        ("img-src", ("",), "holds an empty text; leave it out"),
        ("trusted-types", ("a b",), "is not a policy name"),
        ("require-trusted-types-for", ("script",), "write 'script'"),
        ("require-trusted-types-for", (), "write 'script'"),
        ("webrtc", ("'deny'",), "write 'allow' or 'block'"),
        ("img-src", "'self'", "is one text; write a list"),
        ("img-src", None, "is not a list of texts"),
    ],
)
def test_other_values_are_checked_too(name: str, values: object, fix: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError) as refused:
        csp.checked({name: values})
    assert str(refused.value).startswith(f"{name}: ")
    assert fix in str(refused.value)


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


@pytest.mark.parametrize("piece", ["a.", "a:", "a/", "%41", "*.", "a-", "https://", "'"])
def test_a_long_source_is_checked_in_linear_time(piece: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ValueError, match="write"):
        csp.checked({"img-src": (piece * 50_000 + "!?",)})
    assert time.perf_counter() - started < 1

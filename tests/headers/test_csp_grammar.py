"""What each directive of a Content-Security-Policy may hold."""

from __future__ import annotations

import time

import pytest

from secmw.headers import csp


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


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sandbox", ("allow-scripts", "allow-forms")),
        ("report-uri", ("/reports", "https://reports.example/csp")),
        ("require-trusted-types-for", ("'script'",)),
        ("webrtc", ("'block'",)),
    ],
)
def test_these_are_other_values(name: str, values: tuple[str, ...]) -> None:
    assert csp.checked({name: values}) == {name: values}


@pytest.mark.parametrize("name", ["default-src", "frame-ancestors", "trusted-types"])
def test_none_stands_alone(name: str) -> None:
    """CS-04"""
    with pytest.raises(ValueError, match=r"'none' stands beside other .*; write it alone or not at all"):
        csp.checked({name: ("'none'", "https:" if name != "trusted-types" else "a")})


@pytest.mark.parametrize("name", ["default-src", "frame-ancestors", "trusted-types"])
def test_none_alone_allows_nothing(name: str) -> None:
    assert csp.checked({name: ["'none'"]}) == {name: ("'none'",)}


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


@pytest.mark.parametrize("piece", ["a.", "a:", "a/", "%41", "*.", "a-", "https://", "'"])
def test_a_long_source_is_checked_in_linear_time(piece: str) -> None:
    started = time.thread_time()
    with pytest.raises(ValueError, match="write"):
        csp.checked({"img-src": (piece * 50_000 + "!?",)})
    assert time.thread_time() - started < 1

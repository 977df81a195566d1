"""Prefixes, mount points, and paths that could mean another one."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.paths import below, covers, exempt, odd

#: Pieces of which dangerous paths are made.
PIECES = st.sampled_from(
    [
        "/",
        "/",
        "a",
        "b",
        ".",
        "..",
        "%",
        "2f",
        "%2e",
        "\\",
        ";",
        "\0",
        "\n",
        " ",
        "é",
        "\u2028",
        "\udc80",
        "admin",
    ]
)
PATHS = st.lists(PIECES, max_size=8).map("".join)
PLAIN = st.lists(st.sampled_from(["a", "b", "content", "admin"]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def segments(path: str) -> list[str]:
    return path.split("/")


# --- covers


@given(PLAIN, PLAIN)
def test_a_prefix_covers_whole_segments_only(prefix: str, path: str) -> None:
    """PX-10"""
    wanted = segments(prefix.rstrip("/"))
    assert covers(prefix, path) == (segments(path)[: len(wanted)] == wanted)


def test_a_prefix_with_a_slash_at_its_end_does_not_cover_the_path_without() -> None:
    assert not covers("/hooks/", "/hooks")
    assert covers("/hooks/", "/hooks/")


def test_the_root_covers_everything() -> None:
    assert covers("/", "/a/b")


# --- exempt


@pytest.mark.parametrize(
    "path", ["/health/", "/health/x", "/healthy", "/HEALTH", "/x/health", "/health\n", ""]
)
def test_an_entry_without_a_slash_at_its_end_is_that_path_alone(path: str) -> None:
    """TR-11"""
    assert exempt(("/health",), "/health")
    assert not exempt(("/health",), path)


def test_an_entry_with_a_slash_at_its_end_is_everything_below_it() -> None:
    """TR-11"""
    entries = ("/.well-known/acme-challenge/",)
    assert exempt(entries, "/.well-known/acme-challenge/token")
    assert not exempt(entries, "/.well-known/acme-challenge")
    assert not exempt(entries, "/.well-known/acme-challenges/token")


def test_nothing_is_exempt_where_nothing_is_listed() -> None:
    assert not exempt((), "/")


# --- below


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("", "/a", "/a"),
        ("/", "/a", "/a"),
        ("/app", "/app/a", "/a"),
        ("/app/", "/app/a", "/a"),
        ("/app", "/app/", "/"),
        ("/app", "/app", "/"),
        ("/app", "/app/app/a", "/app/a"),
        ("/app", "/application", "/application"),
        ("/app", "/other", "/other"),
        ("/app", "/app//a", "//a"),
    ],
)
def test_a_mount_point_is_stripped_once_and_whole(root: str, path: str, expected: str) -> None:
    assert below(root, path) == expected


# --- odd


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/b/", "/a.b", "/.well-known/x", "/a/...", "/é", "/a b", "/~a+b,c@d"]
)
def test_an_ordinary_path_is_not_odd(path: str) -> None:
    assert not odd(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "a", "*", "//", "//a", "/a//b", "/a//", "/.", "/..", "/a/.", "/a/..", "/a/../b", "/./a"),
        *(
            "\\",
            "/\\a",
            "/a\\..\\b",
            "/a\0",
            "/a\n",
            "/\ta",
            "/a\r",
            "/a\x7f",
            "/a\x85",
            "/a\u2028b",
            "/\udc80",
        ),
        *("/a;b", "/a;/../b", "/a%2fb", "/a%252e", "/100%"),
    ],
)
def test_a_path_that_could_mean_another_is_odd(path: str) -> None:
    """PX-10"""
    assert odd(path)


@pytest.mark.parametrize("raw", ["/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/%2e%2e/a", "/%2E/a", "/a%2ehtml"])
def test_an_escape_of_what_separates_paths_is_odd_although_the_decoded_path_is_not(raw: str) -> None:
    """PX-10"""
    assert not odd("/a/b")
    assert odd("/a/b", raw)


def test_an_escape_of_a_letter_is_not_odd() -> None:
    assert not odd("/é", "/%C3%A9")


@given(PATHS)
@example("/a/..")
@example("/a/%2e%2e/b")
def test_what_is_not_odd_is_already_in_the_form_that_tidying_gives(path: str) -> None:
    """PX-10: an application that normalises, decodes again or strips cannot reach another path"""
    if not odd(path):
        kept = "/" if path.endswith("/") and path != "/" else ""
        assert posixpath.normpath(path) + kept == path
        assert unquote(path) == path
        assert path.partition(";")[0] == path
        assert path.replace("\\", "/") == path
        assert path.rstrip("\r\n") == path


@given(PATHS, PATHS)
def test_the_spelling_can_only_make_a_path_odder(path: str, raw: str) -> None:
    assert odd(path, raw) or not odd(path)

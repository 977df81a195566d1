"""Which plan a path gets: the longest prefix, nothing laxer for odd paths, and a memory that has an end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.http import ASGI, WSGI
from secmw.paths import odd
from secmw.plan import NONCE_MARK, OWN_PREFIX, HeaderSet, Names, OwnNames, Table
from tests.making import policy

#: The plans of a table of our own making are told apart by their names alone.
PREFIXES = ("/content/", "/content/deep", "/content/deep/er/", "/a", "/a/b", "/")
EXEMPT = ("/a/hook", "/content/hooks/", "/hook")


def table(*prefixes: str, exempt: dict[str, tuple[str, ...]] | None = None) -> Table:
    names = ["", *prefixes]
    plans: Any = {prefix: f"plan {prefix}" for prefix in names}
    exempted: Any = {prefix: f"exempt {prefix}" for prefix in names}
    strict: Any = "strict"
    own: Any = "own"
    return Table(plans, exempted, strict, own, {prefix: (exempt or {}).get(prefix, ()) for prefix in names})


def naive(prefixes: tuple[str, ...], exempt: tuple[str, ...], path: str) -> str:
    """Say again what find does, segment by segment."""
    if odd(path):
        return "strict"
    if path.startswith(OWN_PREFIX):
        return "own"
    segments = path.split("/")
    best = ""
    for prefix in prefixes:
        wanted = prefix.split("/")
        inside = (
            segments[: len(wanted) - 1] == wanted[:-1]
            if prefix.endswith("/")
            else segments[: len(wanted)] == wanted
        )
        deeper = len(segments) >= len(wanted)
        if inside and deeper and len(prefix) > len(best):
            best = prefix
    free = any(path == entry or (entry.endswith("/") and path.startswith(entry)) for entry in exempt)
    return f"{'exempt' if free else 'plan'} {best}"


PATHS = st.lists(
    st.sampled_from(["content", "deep", "er", "a", "b", "hook", "hooks", "_secmw", "xsrf", "..", ".", "", "%2e", ";", "c\\d", "contents"]),
    max_size=5,
).map(lambda parts: "/" + "/".join(parts))  # fmt: skip


@given(
    PATHS,
    st.lists(st.sampled_from(PREFIXES), unique=True).map(tuple),
    st.lists(st.sampled_from(EXEMPT)).map(tuple),
)
@example("/content/deep", PREFIXES, ())
@example("/content", PREFIXES, ())
@example("/_secmw/../content/x", PREFIXES, ())
def test_a_path_gets_the_plan_of_the_longest_prefix_that_covers_it(
    path: str, prefixes: tuple[str, ...], exempt: tuple[str, ...]
) -> None:
    """PX-10"""
    made: Any = table(*prefixes, exempt=dict.fromkeys(["", *prefixes], exempt))
    assert made.find(path) == naive(prefixes, exempt, path)


@given(PATHS, st.lists(st.sampled_from(PREFIXES), unique=True).map(tuple))
def test_a_path_that_was_seen_before_gets_the_same(path: str, prefixes: tuple[str, ...]) -> None:
    made = table(*prefixes)
    assert made[path] is made.find(path) is made[path]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/content/../admin",
            "/content//x",
            "//content/x",
            "/content/./x",
            "/content/..",
            "/content\\x",
            "content/x",
        ),
        *(
            "/content/x;y",
            "/content/%2e%2e/admin",
            "/content/x\0",
            "/content/x\n",
            "",
            "/x/../_secmw/xsrf",
            "/_secmw//xsrf",
        ),
    ],
)
def test_an_odd_path_gets_the_strict_plan_and_never_a_class_or_a_page_of_ours(path: str) -> None:
    """PX-10"""
    made: Any = table("/content/", "/")
    assert made.find(path) == "strict"


def test_each_class_has_its_own_exempt_paths() -> None:
    """XS-15"""
    made: Any = table("/a/", "/b/", exempt={"": ("/a/hook", "/hook"), "/b/": ("/b/hook",)})
    assert made.find("/hook") == "exempt "
    assert made.find("/a/hook") == "plan /a/"
    assert made.find("/b/hook") == "exempt /b/"
    assert made.find("/b/hook/x") == "plan /b/"


def test_our_own_pages_are_below_their_prefix_only() -> None:
    made: Any = table("/")
    assert made.find("/_secmw/xsrf") == made.find("/_secmw/") == "own"
    assert made.find("/_secmw") == made.find("/_secmwx") == made.find("/a/_secmw/") == "plan /"


# --- memory


def test_a_flood_of_paths_takes_a_bounded_memory() -> None:
    made = table("/content/")
    for number in range(5000):
        made[f"/content/{number}"]
        assert len(made) <= 4096


def test_a_long_path_is_found_but_not_remembered() -> None:
    made: Any = table("/content/")
    assert made["/content/" + "x" * 60_000] == "plan /content/"
    assert len(made) == 0


def test_a_flood_of_header_names_takes_a_bounded_memory() -> None:
    names = Names([b"vary"])
    for number in range(1000):
        assert not names[b"X-%d" % number]
    assert len(names) <= 256
    assert names[b"VARY"]
    assert names[b"vary"]


@given(st.text(st.characters(max_codepoint=255), max_size=20))
def test_header_names_are_known_in_any_case(name: str) -> None:
    """HD-03"""
    names = Names([name.lower()])
    assert names[name]
    assert names[name.lower()]


# --- header lines


def test_the_nonce_goes_where_its_mark_is_and_nowhere_else() -> None:
    """CS-02"""
    lines = [(b"content-security-policy", b"script-src 'self'"), (b"x-other", NONCE_MARK.encode())]
    nonced = {
        b"content-security-policy": (b"content-security-policy", f"script-src 'nonce-{NONCE_MARK}'".encode())
    }
    made = HeaderSet(
        lines=lines,
        read=lines,
        private=lines,
        by_name={line[0]: line for line in lines},
        nonced=nonced,
        places=(),
    )
    assert made.with_nonce(ASGI, "n0nce") == {
        b"content-security-policy": (b"content-security-policy", b"script-src 'nonce-n0nce'"),
        b"x-other": (b"x-other", NONCE_MARK.encode()),
    }
    assert made.by_name[b"content-security-policy"][1] == b"script-src 'self'"


def test_the_names_a_request_is_read_by_are_in_the_wires_type() -> None:
    assert OwnNames.of(ASGI).cookie == b"cookie"
    assert OwnNames.of(WSGI).comma == ", "


def test_a_plan_cannot_be_changed() -> None:
    plan: Any = policy().compile(ASGI).safe["/"]
    with pytest.raises(AttributeError):
        plan.ask = None


def test_a_framework_may_exempt_a_path_of_its_own_and_is_asked_once() -> None:
    asked: list[str] = []

    def exempts(path: str) -> bool:
        asked.append(path)
        return path == "/a/7/hook"

    plan: Any = {"": "plan", "/a": "plan a"}
    exempted: Any = {"": "exempt", "/a": "exempt a"}
    strict: Any = "strict"
    own: Any = "own"
    found: Any = Table(plan, exempted, strict, own, {"": (), "/a": ()}, exempts=exempts)
    assert [found[path] for path in ("/a/7/hook", "/a/7/hook", "/a/7", "/hook")] == [
        "exempt a",
        "exempt a",
        "plan a",
        "plan",
    ]
    assert asked == ["/a/7/hook", "/a/7", "/hook"]


def test_a_framework_exempts_neither_odd_paths_nor_pages_of_ours() -> None:
    plan: Any = {"": "plan"}
    exempted: Any = {"": "exempt"}
    strict: Any = "strict"
    own: Any = "own"
    found: Any = Table(plan, exempted, strict, own, {"": ()}, exempts=lambda _: True)
    assert [found[path] for path in ("/a/../b", "/a//b", "/_secmw/sudo", "/a")] == [
        "strict",
        "strict",
        "own",
        "exempt",
    ]

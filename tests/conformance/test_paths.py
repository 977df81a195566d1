"""Which rules a path gets: decided on the path that the application sees, and never laxer than the base for an odd one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import pytest

from tests.conformance.client import seen
from tests.conformance.stacks import in_process, on_server
from tests.conformance.traits import SERVERS, Fact

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.client import Site
    from tests.conformance.stacks import Stack


def expected(stack: Stack, table: dict[str, int | str | None], path: str) -> int | str | None:
    """Return what the table says of a path, as this server spells it for everybody behind it."""
    if stack.has(Fact.TIDY_SLASHES) and path.startswith("//"):
        return table[f"/{path.lstrip('/')}"]
    if stack.has(Fact.HIDDEN_TARGET):
        return table.get(unquote(path), table[path])
    return table[path]


def test_a_path_class_changes_what_it_names_and_nothing_else(stack: Stack) -> None:
    """Longest prefix, on a segment boundary; an odd path gets nothing laxer. (PX-10)"""
    site = stack.site("classes")
    table: dict[str, int | str | None] = {
        "/": "DENY",
        "/content/": None,
        "/content/a/b": None,
        "/content": "DENY",
        "/contents/": "DENY",
        "/content/strict/x": "SAMEORIGIN",
        "/content/../x": "DENY",
        "/content/%2e%2e/x": "DENY",
        "/content/a%2fb": "DENY",
        "/content//x": "DENY",
        "/content/a;b": "DENY",
        "/content/a%5cb": "DENY",
        "/content/%252e%252e/x": "DENY",
        "//content/a/b": "DENY",
    }
    sent = {path: site.get(path) for path in table}
    assert {path: response.header("X-Frame-Options") for path, response in sent.items()} == {
        path: expected(stack, table, path) for path in table
    }
    assert all(response.header("Referrer-Policy") is not None for response in sent.values())


def test_a_forgiving_class_asks_nothing_of_its_own_paths_alone(stack: Stack) -> None:
    """What an odd path means to a router is not known, so the questions are asked there. (PX-10, XS-15)"""
    site = stack.site("classes")
    table: dict[str, int | str | None] = {
        "/hooks/x": 200,
        "/hooks/": 200,
        "/hooks": 403,
        "/hooks/../account": 403,
        "/hooks/%2e%2e/account": 403,
        "/hooks/..%2faccount": 403,
        "/hooks/.%2e/account": 403,
        "/hooks/%2e/account": 403,
        "/hooks/a%2fb": 403,
        "/hooks/a%5cb": 403,
        "/hooks/a;b": 403,
        "//hooks/x": 403,
        "/hooks//x": 403,
        "/hooks/x%0a": 403,
        "/hooks/x%00": 403,
        "/HOOKS/x": 403,
        "/account": 403,
        "/a/hooks/x": 403,
    }
    # A server that hides the spelling hides it from the router too: these mean the same to both.
    if stack.has(Fact.HIDDEN_TARGET):
        table["/hooks/a/b"] = 200
    sent = {path: site.post(path).status for path in table}
    assert sent == {path: expected(stack, table, path) for path in table}


def test_the_path_that_decides_is_the_path_the_application_sees(stack: Stack) -> None:
    """One truth: no URL is put together from Host, and nothing is decoded twice. (PX-09, PX-10)"""
    site = stack.site("recommended")
    for path in ("/a/b", "/a%20b", "/caf%C3%A9", "/a%252fb", "/%E2%82%AC", "/x%ff"):
        facts = seen(site.get(path))
        path_seen = facts["path"]
        if stack.interface == "wsgi":
            path_seen = path_seen.encode("latin-1").decode("utf-8", "surrogateescape")
        assert facts["exchange"]["path"] == path_seen


def test_an_absolute_target_changes_neither_host_nor_path(server: Stack) -> None:
    """`GET http://evil.example/hooks/ HTTP/1.1`: its host counts for nothing. (PX-09)"""
    site = server.site("classes")
    found: Response = site.request("GET", "http://evil.example/content/", by_server=True)
    if found.status == 200:
        facts = seen(found)
        assert facts["exchange"]["host"] == "app.example.org"
        assert facts["exchange"]["path"] in ("/content/", "http://evil.example/content/")
    else:
        assert found.status in (400, 404)


#: The option that mounts an application below `/app`, and what the server then wants to be asked: uvicorn, for one,
#: puts the mount point in front of what comes, because its proxy has taken it away.
MOUNTS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "uvicorn-h11": (("--root-path", "/app"), ""),
    "hypercorn": (("--root-path", "/app"), "/app"),
    "daphne": (("--root-path", "/app"), "/app"),
    "granian": (("--url-path-prefix", "/app"), "/app"),
    "waitress": (("--url-prefix=/app",), "/app"),
}


def look_below(site: Site, root: str = "/app") -> None:
    """Ask what must hold below a mount point, whatever the server leaves of it in the path."""
    classes = {f"{root}/content/x": None, f"{root}/x": "DENY", f"{root}/contents": "DENY"}
    assert {path: site.get(path).header("X-Frame-Options") for path in classes} == classes
    assert seen(site.get(f"{root}/content/x"))["exchange"]["path"] == "/content/x"
    page = site.get(f"{root}/_secmw/xsrf")
    assert (page.status, len(page.all("Set-Cookie"))) == (204, 2)
    assert all("; Path=/" in line for line in page.all("Set-Cookie"))
    assert site.post(f"{root}/hooks/x", [("Origin", "https://evil.example")]).status == 200
    assert site.post(f"{root}/x", [("Origin", "https://evil.example")]).status == 403
    assert site.get(f"{root}/x?y=1", scheme="http").all("Location") == ["https://app.example.org/app/x?y=1"]


@pytest.mark.server
@pytest.mark.parametrize("kind", MOUNTS)
def test_paths_are_those_below_the_mount_point(kind: str) -> None:
    """Some servers leave it in the path, some do not: path classes and our own pages lie below it either way. (PX-10)"""
    known = SERVERS[kind]
    options, root = MOUNTS[kind]
    with on_server(kind, options=(*known.options, *options)) as stack:
        look_below(stack.site("classes"), root)


@pytest.mark.parametrize("build", ["asgi", "wsgi"])
def test_paths_are_those_below_the_mount_point_in_process(build: str) -> None:
    """(PX-10)"""
    stack = in_process(build, root="/app")
    look_below(stack.site("classes"))
    stack.close()

"""The stacks as fixtures: `stack` is every one of them, in process first; a server starts once and serves every policy."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.builds import BUILDS
from tests.conformance.stacks import in_process, on_server
from tests.conformance.traits import SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.stacks import Stack

#: Every build but plain WSGI, which is there with validators; then every server, and the builds that name one.
IN_PROCESS: Final = tuple(
    name if name in ("asgi", "wsgi-validated") else pytest.param(name, marks=pytest.mark.framework)
    for name in BUILDS
    if name != "wsgi"
)
SERVED: Final = tuple(f"{name}@{build.server}" for name, build in BUILDS.items() if build.server)
#: What a client of a server runs is not secmw.
_CLIENT: Final = (pytest.mark.server, pytest.mark.unmeasured)
REAL: Final = tuple(pytest.param(kind, marks=_CLIENT) for kind in (*SERVERS, *SERVED))
FEW: Final = tuple(pytest.param(kind, marks=_CLIENT) for kind in ("uvicorn-httptools", "gunicorn-gthread"))


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[str], Stack]]:
    """Give a stack by its name, made once; servers run until the session ends."""
    made: dict[str, Stack] = {}
    with ExitStack() as servers:

        def give(name: str) -> Stack:
            if name not in made:
                build, _, kind = name.rpartition("@")
                made[name] = (
                    servers.enter_context(on_server(kind, build=build))
                    if kind in SERVERS
                    else in_process(name)
                )
                servers.callback(made[name].close)
            return made[name]

        yield give


@pytest.fixture(scope="session", params=[*IN_PROCESS, *REAL])
def stack(request: pytest.FixtureRequest, running: Callable[[str], Stack]) -> Stack:
    """Be every stack in turn: one test, written once, is run on all of them."""
    return running(request.param)


@pytest.fixture(scope="session", params=REAL)
def server(request: pytest.FixtureRequest, running: Callable[[str], Stack]) -> Stack:
    """Be every real server in turn, for what only a socket can carry."""
    return running(request.param)


@pytest.fixture(scope="session", params=[*IN_PROCESS, *FEW])
def few(request: pytest.FixtureRequest, running: Callable[[str], Stack]) -> Stack:
    """Be each interface in process, and one server of each: for rules in which no server has a say."""
    return running(request.param)


@pytest.fixture(scope="session", params=["asgi", "wsgi"])
def inside(request: pytest.FixtureRequest, running: Callable[[str], Stack]) -> Stack:
    """Be each interface in process, without validators: for what takes many requests, or is timed."""
    return running(request.param)

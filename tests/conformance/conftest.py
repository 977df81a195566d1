"""The stacks as fixtures: `stack` is every one of them, in process first; a server starts once and serves every policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.stacks import in_process, on_server
from tests.conformance.traits import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.stacks import Stack

IN_PROCESS: Final = ("asgi", "wsgi-validated")
REAL: Final = tuple(pytest.param(kind, marks=pytest.mark.server) for kind in SERVERS)


@pytest.fixture(scope="session", params=[*IN_PROCESS, *REAL])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Be every stack in turn: one test, written once, is run on all of them."""
    if request.param in SERVERS:
        with on_server(request.param) as made:
            yield made
    else:
        yield in_process(request.param)


@pytest.fixture(scope="session", params=REAL)
def server(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Be every real server in turn, for what only a socket can carry."""
    with on_server(request.param) as made:
        yield made

"""One run: a server with two workers, wrk, and beside it people with sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tests.conformance.builds import BUILDS
from tests.load.builds import build
from tests.load.examples import EXAMPLES, example
from tests.load.playing import Site
from tests.load.wrk import Load, press

TARGETS: Final[dict[str, Callable[[], AbstractContextManager[Site]]]] = {
    **{name: partial(build, name) for name, made in BUILDS.items() if not made.validates},
    **{name: partial(example, found) for name, found in EXAMPLES.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Hold what came of a run."""

    target: str
    server: str
    load: Load
    looked_at: int
    wrong: list[str] = field(default_factory=list)
    log: str = ""

    def __str__(self) -> str:
        load = self.load
        return (
            f"{self.target:13}{self.server:18}{load.requests:9} answers{load.rate:9.0f}/s"
            f"{load.errors + load.wrong:4} wrong{load.turned_away:4} told to come back"
            f"{self.looked_at:7} to people{len(self.wrong):4} wrong"
        )


def run(target: str, seconds: float) -> Report:
    """Press a target for so many seconds, and look at it meanwhile."""
    with TARGETS[target]() as site:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=visitor.visit, args=(until,)) for visitor in site.visitors]
        for thread in threads:
            thread.start()
        try:
            load = press(site.server, site.asked, site.wanted, seconds)
        finally:
            for thread in threads:
                thread.join()
        return Report(
            target=target,
            server=site.server.kind,
            load=load,
            looked_at=sum(visitor.answers for visitor in site.visitors),
            wrong=[fault for visitor in site.visitors for fault in visitor.wrong],
            log=site.server.log(),
        )

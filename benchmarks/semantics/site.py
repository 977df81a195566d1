"""A running application, browsers that keep its cookies, and gates that hold requests in flight."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from benchmarks.semantics.subjects import Subject
from tests.servers import HOST, Server, serve
from tests.services.redis import RedisServer, serve_redis

#: Requests that are in flight at once, at most: as many as a browser has, and two more.
WIDTH: Final = 8

#: Seconds that anything may take on a busy machine.
PATIENCE: Final = 60.0

_ROOT: Final = Path(__file__).resolve().parents[2]
#: Where Debian's libfaketime is.
_FAKETIME: Final = "*/faketime/libfaketimeMT.so.1"
_SOONER: Final = """
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left > 0 then redis.call('PEXPIRE', key, math.max(left - ARGV[1], 1)) end
end
"""


class PlayError(Exception):
    """A request did not do what the scenario is built on, so nothing can be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Be one response; ``cookies`` are the names it sets or clears."""

    status: int
    cookies: tuple[str, ...]
    body: bytes

    @property
    def seen(self) -> Mapping[str, Any]:
        """What the application saw; a PlayError where it was not asked or did not look."""
        if self.status != 200:
            raise PlayError(f"answered {self.status}: {self.body[:300]!r}")
        found: Mapping[str, Any] = json.loads(self.body)[-1]
        return found

    @property
    def user(self) -> str | None:
        """Who was signed in; nobody where the request was refused, and a PlayError where it failed."""
        if 400 <= self.status < 500 or self.status == 503:
            return None
        user: str | None = self.seen["user"]
        return user

    @property
    def names(self) -> list[str]:
        names: list[str] = self.seen["names"]
        return names


@dataclass(slots=True)
class Browser:
    """Keep cookies and ask, as a browser does: what an answer sets counts for the next request, whichever answer comes last."""

    site: Site
    jar: dict[str, str] = field(default_factory=dict)
    #: Whether it lets go of a cookie when it is told to; a thief does not.
    forgets: bool = True

    def ask(self, steps: str) -> Answer:
        """Send one request and keep the cookies of its answer."""
        connection = HTTPConnection(HOST, self.site.server.port, timeout=PATIENCE)
        try:
            sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}
            connection.request("GET", f"/?{steps}", headers=sent if self.jar else {})
            response = connection.getresponse()
            body = response.read()
            lines = response.headers.get_all("set-cookie") or []
            return Answer(status=response.status, cookies=tuple(map(self._keep, lines)), body=body)
        finally:
            connection.close()

    def do(self, steps: str) -> Answer:
        """Send one request that has to be answered 200."""
        answer = self.ask(steps)
        if answer.status != 200:
            raise PlayError(
                f"{steps} was answered {answer.status}: {answer.body[:300]!r}\n{self.site.server.log()}"
            )
        return answer

    def start(self, steps: str) -> Future[Answer]:
        """Send one, and go on without its answer."""
        return self.site.pool.submit(self.ask, steps)

    def see(self) -> Answer:
        """Look into the session."""
        return self.ask("see")

    @property
    def signed_in(self) -> bool:
        return self.see().user is not None

    def copy(self) -> Browser:
        """Return another browser with the same cookies, which go their own ways from now on."""
        return Browser(self.site, dict(self.jar))

    def _keep(self, line: str) -> str:
        pair, *attributes = line.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        said = {
            key.strip().lower(): given.strip()
            for key, _, given in (item.partition("=") for item in attributes)
        }
        if self.forgets and _is_over(said, time.time() + self.site.clock.ahead):
            self.jar.pop(name, None)
        else:
            self.jar[name] = value
        return name


def _is_over(attributes: Mapping[str, str], now: float) -> bool:
    """Tell whether a cookie is to be forgotten (RFC 6265, 5.3: Max-Age comes before Expires)."""
    if "max-age" in attributes:
        return int(attributes["max-age"]) <= 0
    if "expires" in attributes:
        return parsedate_to_datetime(attributes["expires"]).timestamp() <= now
    return False


class Gate:
    """Hold requests that come to it until it is opened."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._listening.settimeout(0.05)
        self._held: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._listening.close()

    def arrived(self, *asked: Future[Answer]) -> None:
        """Wait until all of these are here; raise PlayError for one that is answered before."""
        until = time.monotonic() + PATIENCE
        while len(self._held) < len(asked):
            with suppress(TimeoutError):
                self._held.append(self._listening.accept()[0])
                continue
            for one in asked:
                if one.done():
                    raise PlayError(f"answered without waiting: {one.result()}")
            if time.monotonic() > until:
                raise PlayError("nobody came to the gate")

    def open(self) -> None:
        """Let them go."""
        while self._held:
            with self._held.pop() as held, suppress(OSError):
                held.sendall(b"!")


class Clock:
    """Be the time that a server goes by: the real one, and so many seconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ahead = 0.0
        self.move(0)

    def env(self, *, asgi: bool) -> dict[str, str]:
        """Return what makes a process go by it."""
        (library,) = Path("/usr/lib").glob(_FAKETIME)
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            # Event loops wait by the monotonic clock. Threads do so too, but for them the library gets it wrong.
            "FAKETIME_DONT_FAKE_MONOTONIC": str(int(asgi)),
        }

    def move(self, seconds: float) -> None:
        """Go forward."""
        self.ahead += seconds
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"+{self.ahead:.0f}\n")
        fresh.replace(self._path)


@dataclass(slots=True, kw_only=True)
class Site:
    """Be one application while it runs."""

    subject: Subject
    server: Server
    pool: ThreadPoolExecutor
    clock: Clock
    folder: Path
    redis: RedisServer | None
    gates: int = 0

    def browser(self) -> Browser:
        """Be a new browser."""
        return Browser(self)

    def signed_in(self, user: str = "ann") -> Browser:
        """Be a new browser whose user has signed in."""
        browser = self.browser()
        browser.do(f"login={user}")
        if not browser.signed_in:
            raise PlayError("a sign-in did nothing")
        return browser

    def gate(self) -> Gate:
        """Make a gate."""
        self.gates += 1
        return Gate(self.server.directory / f"gate{self.gates}")

    def later(self, hours: float) -> None:
        """Let hours pass, for the application and for what its store keeps."""
        self.clock.move(hours * 3600)
        if self.redis is not None:
            # Redis does not start under such a clock; its keys have less time left instead.
            self.redis.ask("EVAL", _SOONER, 0, int(hours * 3_600_000))

    @property
    def database(self) -> Path | None:
        return self.folder / "django.db" if self.subject.file else None

    def writes(self) -> tuple[int, ...]:
        """Count what was written to wherever sessions are kept."""
        counted = []
        if self.redis is not None:
            told = self.redis.ask("INFO", "persistence")
            assert isinstance(told, bytes)
            counted.append(int(told.partition(b"rdb_changes_since_last_save:")[2].split()[0]))
        if self.database is not None:
            # SQLite's file format, 1.3: in its header the file says how often it was changed.
            counted.append(int.from_bytes(self.database.read_bytes()[24:28]))
        return tuple(counted)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the store be away for the time of the block; what it keeps is there afterwards."""
        if self.redis is not None:
            self.redis.stop()
            try:
                yield
            finally:
                self.redis.start()
        elif self.database is not None:
            holding = sqlite3.connect(self.database, isolation_level=None)
            holding.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                holding.close()
        else:
            raise PlayError("there is no store")


@contextmanager
def running(subject: Subject, limits: str = "") -> Iterator[Site]:
    """Start a subject's application on a server, with a Redis of its own where it takes one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="semantics")))
        for name in ("benchmarks", "tests"):
            (folder / name).symlink_to(_ROOT / name)
        clock = Clock(folder / "clock")
        env = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])),
            "SEMANTICS_FOLDER": str(folder),
            "SEMANTICS_LIMITS": limits,
            **clock.env(asgi=subject.asgi),
        }
        redis = None
        if subject.redis:
            # What was answered is there again after it was away; the machine stays, so no disk need be waited for.
            kept = ("--appendonly", "yes", "--appendfsync", "no")
            redis = stack.enter_context(serve_redis("redis", *kept))
            env["SEMANTICS_REDIS"] = redis.url
        kind, options = (
            ("uvicorn-h11", ("--factory",)) if subject.asgi else ("waitress", ("--threads=16", "--call"))
        )
        server = stack.enter_context(serve(kind, subject.app, env=env, options=options))
        pool = stack.enter_context(ThreadPoolExecutor(WIDTH + 2))
        yield Site(subject=subject, server=server, pool=pool, clock=clock, folder=folder, redis=redis)

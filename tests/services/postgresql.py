"""PostgreSQL for tests."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.databases import HOST, Database, directory, done, free_port, started


@contextmanager
def postgresql(*more: str) -> Iterator[Database]:
    """Start a server with an empty database; ``more`` is said to it besides."""
    programs = _programs()
    with directory("postgres") as (folder, user):
        data, port = folder / "data", free_port()
        options: list[str | Path] = ["--auth=trust", "--encoding=UTF8", "--no-sync", "--no-locale"]
        done([programs / "initdb", "-D", data, "-U", "secmw", *options], folder, user)

        def start() -> subprocess.Popen[bytes]:
            words: list[str | Path] = [
                programs / "postgres",
                "-D",
                data,
                "-p",
                f"{port}",
                "-h",
                HOST,
                "-k",
                "",
                "-F",
            ]
            return started([*words, "-c", "max_connections=200", *more], folder, user)

        def answers() -> None:
            psycopg.connect(url, connect_timeout=2).close()

        url = f"postgresql://secmw@{HOST}:{port}/postgres"
        server = Database(url, start, answers, signal.SIGINT)
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        raise FileNotFoundError("PostgreSQL's initdb; on Debian: apt-get install postgresql")
    return Path(initdb).parent

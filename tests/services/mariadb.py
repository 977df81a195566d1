"""MariaDB for tests."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql

from tests.services.databases import HOST, Database, directory, done, free_port, started


@contextmanager
def mariadb(*more: str) -> Iterator[Database]:
    """Start a server with an empty database; it keeps a commit only by the second unless ``more`` says otherwise."""
    with directory("mysql") as (folder, user):
        data, port, path = folder / "data", free_port(), folder / "socket"
        data.mkdir()
        if user:
            done(["chown", f"{user['user']}", data], folder, {})
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        done(
            [*install, "--auth-root-authentication-method=normal", "--innodb-log-file-size=8M"], folder, user
        )

        def start() -> subprocess.Popen[bytes]:
            words = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={path}"]
            words += [
                f"--port={port}",
                f"--bind-address={HOST}",
                "--skip-name-resolve",
                "--max-connections=300",
            ]
            words += [
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-log-file-size=8M",
                "--innodb-buffer-pool-size=32M",
            ]
            return started([*words, *more], folder, user)

        def answers() -> None:
            connection = pymysql.connect(host=HOST, port=port, user="root", connect_timeout=2)
            connection.cursor().execute("CREATE DATABASE IF NOT EXISTS secmw")
            connection.close()

        server = Database(f"mysql://root@{HOST}:{port}/secmw", start, answers, signal.SIGTERM)
        try:
            yield server
        finally:
            server.stop()

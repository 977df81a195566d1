"""Real databases over TLS: who is not known to the authority that the URL names is told nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from sqlalchemy import text

from secmw.errors import StoreError
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create, Written
from secmw.stores import AsyncSQLStore, SQLStore
from secmw.testing import FrozenClock
from tests.servers import TLS, make_tls
from tests.services.databases import Database, directory
from tests.services.mariadb import mariadb
from tests.services.postgresql import postgresql

pytestmark = pytest.mark.server

NOW: Final = 1_750_000_000.0
RECORD: Final = Record(
    f"{0:022}",
    0,
    NOW,
    NOW,
    NOW + 86_400,
    NOW + 3_600,
    3_600,
    bytes(32),
    b"\x80",
    written(Identity("jane", "", NOW)),
)
CREATE: Final = Create(record=RECORD, user_id="jane", checked_at=NOW)


class Site(NamedTuple):
    """Be a server that speaks TLS, its certificate, and how it is asked what a connection of its own is encrypted by."""

    server: Database
    tls: TLS
    option: str
    cipher: str

    def url(self, authority: Path) -> str:
        """Say where it is, and who vouches for it."""
        return f"{self.server.url}?{self.option}{authority}"


@contextmanager
def certified(owner: str) -> Iterator[TLS]:
    """Make a certificate whose key the user may read who runs the server, and nobody else."""
    with directory(owner) as (folder, user):
        tls = make_tls(folder)
        if user:
            os.chown(tls.key, user["user"], user["group"])
        tls.key.chmod(0o600)
        yield tls


@contextmanager
def on_postgresql() -> Iterator[Site]:
    with certified("postgres") as tls:
        words = ("ssl=on", f"ssl_cert_file={tls.certificate}", f"ssl_key_file={tls.key}")
        with postgresql(*(word for each in words for word in ("-c", each))) as server:
            yield Site(
                server,
                tls,
                "sslmode=verify-full&sslrootcert=",
                "SELECT cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            )


@contextmanager
def on_mariadb() -> Iterator[Site]:
    with (
        certified("mysql") as tls,
        mariadb(f"--ssl-cert={tls.certificate}", f"--ssl-key={tls.key}") as server,
    ):
        cipher = (
            "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'"
        )
        yield Site(server, tls, "ssl_ca=", cipher)


def asked(store: SQLStore, query: str) -> object:
    """Ask the server something on a connection of a store."""
    assert store._engine is not None
    with store._engine.connect() as connection:
        return connection.scalar(text(query))


@pytest.fixture(scope="module", params=[on_postgresql, on_mariadb])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with request.param() as running:
        yield running


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Be an authority that has not signed the server's certificate."""
    return make_tls(tmp_path).authority


def test_what_threads_tell_a_server_that_is_known_is_encrypted(site: Site) -> None:
    """SE-25"""
    store = SQLStore(site.url(site.tls.authority), clock=FrozenClock(NOW))
    assert store.told() == []
    assert isinstance(store.write(CREATE), Written)
    assert store.load(RECORD.selector) == RECORD
    assert asked(store, site.cipher)
    store.close()
    store = SQLStore(site.server.url, clock=FrozenClock(NOW))
    assert store.load(RECORD.selector) == RECORD
    store.close()


def test_what_an_event_loop_tells_a_server_that_is_known_is_encrypted(site: Site) -> None:
    """SE-25"""

    async def main() -> None:
        store = AsyncSQLStore(site.url(site.tls.authority), clock=FrozenClock(NOW))
        assert await store.load("none") is None
        assert await store._run(asked, store._store, site.cipher)
        await store.close()

    asyncio.run(main())


def test_a_server_that_another_authority_vouches_for_is_told_nothing(site: Site, stranger: Path) -> None:
    """SE-25: on threads and on an event loop; a request gets 503, as when nobody answers."""

    async def main() -> None:
        store = AsyncSQLStore(site.url(stranger), clock=FrozenClock(NOW))
        with pytest.raises(StoreError):
            await store.load(RECORD.selector)
        await store.close()

    store = SQLStore(site.url(stranger), clock=FrozenClock(NOW))
    with pytest.raises(StoreError):
        store.load(RECORD.selector)
    store.close()
    asyncio.run(main())

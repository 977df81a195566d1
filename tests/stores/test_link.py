"""Whether what a store is told leaves this machine."""

from __future__ import annotations

import pytest

from secmw.stores.link import leaves


@pytest.mark.parametrize(
    "host", ["db.example", "db", "10.0.0.5", "fe80::1", "a_b", "0x7f000001", "a b", "127.1"]
)
def test_another_machine_and_whatever_nobody_can_read_is_elsewhere(host: str) -> None:
    assert leaves(host)


@pytest.mark.parametrize(
    "host", ["", "/run/postgresql", "@abstract", "localhost", "LOCALHOST", "a.localhost", "127.9.9.9", "::1"]
)
def test_sockets_loopback_and_localhost_are_this_machine(host: str) -> None:
    assert not leaves(host)

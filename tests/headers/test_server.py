"""Server."""

from __future__ import annotations

import pytest

from secmw.headers import Server
from tests.headers.settings import Settings


def test_it_is_left_out_by_default() -> None:
    """HD-05"""
    assert Server.of(Settings()) is None


def test_a_name_of_ones_own_is_sent() -> None:
    """HD-05"""
    header = Server.of(Settings(server=" Posit Connect "))
    assert header is not None
    assert header.render() == "Posit Connect"


@pytest.mark.parametrize("value", ["", " \t", "Web\r\nX: y", "Web\0", "W\u0119b"])
def test_an_empty_or_broken_name_is_refused(value: str) -> None:
    """HD-04"""
    with pytest.raises(ValueError, match=r"write a name such as Web, or None|one line of latin-1 text"):
        Server(value=value)

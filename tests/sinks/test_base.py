"""The sink protocol, and that a sink loads when it is first asked for."""

from __future__ import annotations

import pytest

import secmw.sinks
from secmw.audit import Event
from secmw.sinks import Sink


class Mine:
    def write(self, events: object) -> None: ...

    def close(self) -> None: ...


class Half:
    def write(self, events: object) -> None: ...


def test_whatever_has_the_methods_is_a_sink() -> None:
    assert isinstance(Mine(), Sink)
    assert not isinstance(Half(), Sink)
    assert not isinstance(Event(time=0.0, action="x"), Sink)


def test_every_sink_is_there_by_its_name_and_nothing_else_is_shown() -> None:
    assert dir(secmw.sinks) == sorted(secmw.sinks.__all__)
    assert all(getattr(secmw.sinks, name) for name in secmw.sinks.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'CVSSink'"):
        _ = secmw.sinks.CVSSink

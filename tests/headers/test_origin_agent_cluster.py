"""Origin-Agent-Cluster."""

from __future__ import annotations

import pytest

from secmw.headers import OriginAgentCluster
from tests.headers.settings import Settings


@pytest.mark.parametrize(("keyed", "value"), [(True, "?1"), (False, "?0")])
def test_it_is_a_structured_boolean(keyed: bool, value: str) -> None:
    header = OriginAgentCluster.of(Settings(origin_agent_cluster=keyed))
    assert header is not None
    assert header.render() == value


def test_none_leaves_it_out() -> None:
    assert OriginAgentCluster.of(Settings(origin_agent_cluster=None)) is None


@pytest.mark.parametrize("keyed", ["?1", 1, "true"])
def test_anything_but_a_boolean_is_refused(keyed: bool) -> None:
    with pytest.raises(ValueError, match="is not a boolean; write true or false"):
        OriginAgentCluster(keyed=keyed)

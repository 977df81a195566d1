"""The search of the store contract is measured on the stores that need no server: there its own lines are reached, and it is quick."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark it elsewhere: what it finds on a server counts for nothing, like what any other search finds."""
    for item in items:
        if item.name == "test_a_store_does_what_a_plain_dict_would_do" and item.get_closest_marker("server"):
            item.add_marker(pytest.mark.unmeasured)

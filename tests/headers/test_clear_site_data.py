"""Clear-Site-Data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import HEADERS, ClearSiteData
from secmw.headers.clear_site_data import TYPES
from tests.headers.settings import Settings


def test_sign_out_clears_cache_and_storage() -> None:
    """HD-07"""
    header = ClearSiteData.of(Settings())
    assert header is not None
    assert header.render() == '"cache", "storage"'
    assert header.notices == ()


def test_it_is_not_sent_with_every_response() -> None:
    assert "Clear-Site-Data" not in {kind.name for kind in HEADERS}


def test_an_empty_list_leaves_it_out() -> None:
    assert ClearSiteData.of(Settings(clear_site_data=())) is None


@pytest.mark.parametrize("kind", ["cookies", "*"])
def test_clearing_cookies_gets_a_notice(kind: str) -> None:
    """HD-07"""
    assert "every other application of the domain" in ClearSiteData(types=(kind,)).notices[0]


def test_quotes_and_case_may_be_given_and_repetitions_are_dropped() -> None:
    assert (
        ClearSiteData(types=("executioncontexts", '"cache"', "Cache")).render()
        == '"executionContexts", "cache"'
    )


def test_an_unknown_type_is_answered_with_the_closest() -> None:
    with pytest.raises(ValueError, match=r"'cookie' is not known; did you mean cookies\?"):
        ClearSiteData(types=("cookie",))


def test_a_text_is_no_list() -> None:
    with pytest.raises(ValueError, match="is one text; write a list"):
        ClearSiteData.of(Settings(clear_site_data="cache"))


@given(st.lists(st.sampled_from(TYPES), min_size=1, unique=True))
def test_what_is_written_reads_back(types: list[str]) -> None:
    assert ClearSiteData(types=tuple(types)).render().replace('"', "").split(", ") == types

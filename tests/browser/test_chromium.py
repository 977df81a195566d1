"""The suite never passes for want of a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import program, trusting_home

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser


def test_a_missing_browser_is_a_skip_that_says_how_to_get_it_and_ci_lets_none_pass() -> None:
    with pytest.raises(pytest.skip.Exception, match="apt-get install --yes chromium libnss3-tools"):
        program("no-such-browser", "nor-this-one")


def test_an_authority_that_cannot_be_trusted_stops_the_suite(tmp_path: Path) -> None:
    broken = tmp_path / "authority.pem"
    broken.write_text("no certificate")
    with pytest.raises(RuntimeError, match="certutil"):
        trusting_home(tmp_path / "home", [broken])

"""Inside: an application that has a policy and runs a verb about it, as `flask secmw` does; then no file is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from secmw.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Hold the policy, and where it comes from, in words; be the ``obj`` of a click context above the verb's.

    ``xsrf_exempt``: what the middleware is given under that name.
    """

    policy: Policy
    source: str
    xsrf_exempt: Callable[[str], bool] | None = None


def inside() -> Inside | None:
    """Return what an application around this verb has given, None where the verb was called by itself."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.find_object(Inside)

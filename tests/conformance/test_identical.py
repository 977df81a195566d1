"""What secmw owns in an answer is the same whatever the application is made with.

Each of the SITUATIONS is played on every build; the answers of the raw ASGI application are what the others are held
against. Names are compared without case, and what differs each time (ids, tokens, nonces, times) is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from secmw.headers import HEADERS
from tests.conformance.builds import BUILDS
from tests.conformance.situations import FAILURE, HANDLED, SITUATIONS, Situation
from tests.conformance.stacks import in_process

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.stacks import Stack

REFERENCE: Final = "asgi"
OTHERS: Final = tuple(name for name in BUILDS if name != REFERENCE)

#: The headers that secmw has the last word on, in any answer; the custom ones are those of `modes`.
OWNED: Final = frozenset(
    {
        *(header.name.lower() for header in HEADERS),
        "clear-site-data",
        "set-cookie",
        "vary",
        "x-debug",
        "x-generator",
        "x-note",
        "x-powered-by",
        "x-team",
    }
)

#: Those of an answer that is ours from the first line to the last.
OWNED_BY_US: Final = OWNED | {
    "allow",
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
    "x-done",
}

_ID: Final = r"[A-Za-z0-9_-]{22,}(?:\.[A-Za-z0-9_-]{20,})?"

#: What differs each time: the values of our cookies, nonces, the tokens and selectors of forms, times, and whoever it is.
_DIFFERS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"(?i)^((?:__Host-)?[\w-]+=){_ID}(?=;|$)", r"\1ID"),
        (rf"'nonce-{_ID}'", "'nonce-ID'"),
        (rf'(?<= nonce="){_ID}', "ID"),
        (rf'(?<= value="){_ID}(?=")', "ID"),
        (r'(?<= datetime=")[^"]+(" title=")[^"]+', r"TIME\1TIME"),
        (r"\b(?:\d+ seconds? ago|just now)", "JUST NOW"),
        (r"user-\d{5}", "USER"),
    )
)


def same(text: str) -> str:
    """Replace what differs each time."""
    for pattern, replacement in _DIFFERS:
        text = pattern.sub(replacement, text)
    return text


def owned(response: Response, *, ours: bool) -> list[str]:
    """Write down what is secmw's of a response; of one that is ``ours`` its body as well."""
    names = OWNED_BY_US if ours else OWNED
    lines = sorted(
        f"{name.lower()}: {same(value)}" for name, value in response.headers if name.lower() in names
    )
    body = same(response.body.decode("latin-1")).splitlines() if ours else []
    return [str(response.status), *lines, "", *body]


def played(stack: Stack, situation: Situation) -> list[str]:
    """Play a situation, and write down what is secmw's of each of its answers."""
    answers = situation.play(stack.site(situation.policy))
    return [line for response in answers for line in owned(response, ours=situation.ours)]


@pytest.fixture(scope="module")
def fresh() -> Iterator[Callable[[str], Stack]]:
    """Give a build with stores of its own, in which nobody else has signed in."""
    made: dict[str, Stack] = {}
    with ExitStack() as stacks:

        def give(name: str) -> Stack:
            if name not in made:
                made[name] = in_process(name)
                stacks.callback(made[name].close)
            return made[name]

        yield give


@pytest.fixture(scope="module")
def reference(fresh: Callable[[str], Stack]) -> Callable[[Situation], list[str]]:
    """Give what the raw ASGI application answers in a situation."""
    answers: dict[str, list[str]] = {}

    def give(situation: Situation) -> list[str]:
        if situation.name not in answers:
            answers[situation.name] = played(fresh(REFERENCE), situation)
        return answers[situation.name]

    return give


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
@pytest.mark.parametrize("build", OTHERS)
def test_what_secmw_owns_is_identical_whatever_the_framework(
    build: str,
    situation: Situation,
    fresh: Callable[[str], Stack],
    reference: Callable[[Situation], list[str]],
) -> None:
    """Status, our header lines, our cookies; of our own answers the body as well. (HD-09, RB-01, SU-03)"""
    assert played(fresh(build), situation) == reference(situation)


@pytest.mark.parametrize("build", OTHERS)
def test_a_failure_is_answered_by_us_or_by_a_framework_with_our_headers(
    build: str, fresh: Callable[[str], Stack], reference: Callable[[Situation], list[str]]
) -> None:
    """Nothing in between. (HD-09)"""
    assert played(fresh(build), FAILURE) in (reference(FAILURE), reference(HANDLED))


# --- whether the comparison sees what it should -------------------------------------------------------------------------


def test_every_situation_has_a_name_of_its_own() -> None:
    assert len({situation.name for situation in SITUATIONS}) == len(SITUATIONS) > 60


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("strict-origin-when-cross-origin", "no-referrer"),
        ("max-age=31536000", "max-age=86400"),
        ("__Host-id=; Max-Age=0; Path=/", f"__Host-id={'a' * 22}.{'b' * 22}; Path=/"),
        (f"a={'a' * 30}; Secure", f"a={'a' * 30}"),
        ("script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA'", "script-src 'self'"),
    ],
)
def test_values_that_differ_stay_different(text: str, other: str) -> None:
    assert same(text) != same(other)


def test_what_differs_each_time_is_replaced() -> None:
    assert same(f"script-src 'nonce-{'A' * 22}'") == same(f"script-src 'nonce-{'b' * 22}'")
    cookies = [f"__Host-id={one * 22}.{one * 22}; Path=/; Secure" for one in "xy"]
    assert same(cookies[0]) == same(cookies[1])


def test_the_situations_are_what_they_are_called(reference: Callable[[Situation], list[str]]) -> None:
    """Statuses of every kind are among the answers."""
    found: Mapping[str, list[int]] = {
        situation.name: [int(line) for line in reference(situation) if line.isdigit()]
        for situation in SITUATIONS
    }
    assert {200, 204, 301, 302, 303, 304, 308, 400, 401, 403, 404, 405, 500, 503} <= {
        status for several in found.values() for status in several
    }
    assert {name: found[name] for name in ("signing in", "an outage", "a good token", "no password")} == {
        "signing in": [200, 200, 200],
        "an outage": [503] * 5,
        "a good token": [200],
        "no password": [403],
    }

"""What adapters/README.md says is enough: an adapter written by it, for Quart, passes the conformance suite.

The tests of the suite that are asked of every build are asked of this one too, without its being one of BUILDS: what lies
in docs/examples is not ours to ship.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.adapters.quart_app import BUILD
from tests.conformance.builds import BUILDS
from tests.conformance.situations import SITUATIONS, Situation
from tests.conformance.stacks import in_process
from tests.conformance.test_identical import REFERENCE, played

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack

#: The fixtures that are every build in turn.
STACKS: Final = frozenset({"stack", "few"})
#: 10,000 requests, for each of which Quart takes more than a millisecond.
LONG: Final = frozenset({"test_two_people_on_one_connection_get_their_own"})

# What it reaches of secmw, the applications that are ours to ship reach too, and there it is measured.
pytestmark = pytest.mark.framework

SUITE: Final = Path(__file__).resolve().parents[1] / "conformance"


@pytest.fixture(scope="module")
def build() -> Iterator[Callable[[], Stack]]:
    """Make stacks of Quart, for as long as these tests run: nothing that pytest collects depends on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BUILDS, "quart", BUILD)
        made: list[Stack] = []

        def make() -> Stack:
            made.append(in_process("quart"))
            return made[-1]

        yield make
        for one in made:
            one.close()


@pytest.fixture(scope="module")
def stack(build: Callable[[], Stack]) -> Stack:
    return build()


@pytest.fixture(scope="module")
def few(stack: Stack) -> Stack:
    return stack


def _asked_of_every_build() -> Iterator[tuple[str, Any]]:
    for path in sorted(SUITE.glob("test_*.py")):
        module = importlib.import_module(f"tests.conformance.{path.stem}")
        for name, test in vars(module).items():
            if (
                name.startswith("test_")
                and name not in LONG
                and STACKS & set(inspect.signature(test).parameters)
            ):
                yield f"{path.stem}_{name.removeprefix('test_')}", test


globals().update(_asked_of_every_build())


@pytest.fixture(scope="module")
def sides(build: Callable[[], Stack]) -> Iterator[tuple[Stack, Stack]]:
    """Be Quart and what it is held against, in which nobody has signed in."""
    reference = in_process(REFERENCE)
    yield build(), reference
    reference.close()


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_what_secmw_owns_is_identical_under_quart(sides: tuple[Stack, Stack], situation: Situation) -> None:
    quart, reference = sides
    assert played(quart, situation) == played(reference, situation)


def test_the_suite_was_found() -> None:
    assert len([name for name in globals() if name.startswith("test_")]) > 150

"""The generated pages say what the code says, and leave nothing out."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final

import pytest

import secmw
from secmw import Policy, Reason, Refusal
from secmw.audit import Action, Event
from secmw.config.convert import field_types
from secmw.headers import HEADERS
from secmw.presets import PRESETS
from tests.docs.blocks import DOCS
from tests.docs.test_examples import REST

NAMES: Final = ("settings", "presets", "headers", "refusals", "actions", "cli", "requirements")


@pytest.fixture(scope="module")
def writers() -> Iterator[ModuleType]:
    """Import docs/_ext under its own name, without docs/ on sys.path."""
    spec = importlib.util.spec_from_file_location(
        "_ext", DOCS / "_ext" / "__init__.py", submodule_search_locations=[str(DOCS / "_ext")]
    )
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_ext"] = module
    yield importlib.import_module("_ext.generated")
    for name in [name for name in sys.modules if name.partition(".")[0] == "_ext"]:
        del sys.modules[name]


def part(name: str) -> Any:
    return importlib.import_module(f"_ext.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_each_page_has_its_marker_and_each_marker_its_page(name: str, writers: ModuleType) -> None:
    page = (DOCS / "reference" / f"{name}.md").read_text()
    assert writers.MARKER.findall(page) == [name]
    assert tuple(writers.WRITERS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_filled(name: str, writers: ModuleType) -> None:
    page = writers.fill((DOCS / "reference" / f"{name}.md").read_text())
    assert "<!-- generated" not in page
    assert len(page) > 1000


# --- settings


def test_every_setting_has_a_heading_a_meaning_and_its_variable(writers: ModuleType) -> None:
    page = writers.writer("settings")()
    for name in field_types(Policy):
        assert f"### {name}\n\n" in page
        assert f"`SECMW_{name.upper()}`" in page
    assert not re.search(r"### \w+\n\n\n", page)


def test_every_part_of_a_setting_has_a_meaning(writers: ModuleType) -> None:
    page = writers.writer("settings")()
    for name, struct in part("settings").parts():
        for field in struct.__struct_fields__:
            assert re.search(rf"^\| `{name}\.{field}` \| \S", page, re.MULTILINE), f"{name}.{field}"


@pytest.mark.usefixtures("writers")
def test_every_setting_has_an_example_that_is_a_policy() -> None:
    examples = part("settings").EXAMPLES
    assert set(examples) == set(field_types(Policy))
    for name, example in examples.items():
        given = tomllib.loads(example)
        assert list(given) == [name]
        Policy.from_mapping({**REST, **given})


# --- presets


def test_every_value_of_every_preset_is_shown_with_its_reason(writers: ModuleType) -> None:
    sections = re.split(r"^## ", writers.writer("presets")(), flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections] == list(PRESETS)
    for section, rows in zip(sections, PRESETS.values(), strict=True):
        for name, row in rows.items():
            assert f"](settings.md#{name}) |" in section
            assert row.why.replace("|", "\\|") in section


# --- headers


def test_every_header_is_shown_with_what_each_preset_sends(writers: ModuleType) -> None:
    page = writers.writer("headers")()
    for kind in HEADERS:
        assert f"## {kind.name}\n" in page
        assert f"](settings.md#{kind.setting})" in page
    assert "- strict: `max-age=63072000; includeSubDomains`" in page


# --- refusals


def test_every_reason_has_a_row(writers: ModuleType) -> None:
    page = writers.writer("refusals")()
    assert set(part("refusals").ADVICE) == set(Reason)
    for reason in Reason:
        assert f"| `{reason}` |" in page


@pytest.mark.usefixtures("writers")
def test_the_statuses_are_those_of_the_code() -> None:
    advice = part("refusals").ADVICE
    found = {(refusal.reason, refusal.status) for refusal in refusals()}
    # Those that are made while running: redirects, demands, and what a forwarding header is refused for.
    assert set(Reason) - {reason for reason, _ in found} == {
        Reason.REDIRECT_TO_HTTPS,
        Reason.PEER_REWRITTEN,
        Reason.FORWARDED_AMBIGUOUS,
        Reason.FORWARDED_MALFORMED,
        Reason.SIGN_IN_REQUIRED,
        Reason.SUDO_REQUIRED,
    }
    for reason, status in found:
        assert str(status) in advice[reason].status.split(" or ")


def refusals() -> Iterator[Refusal]:
    """Yield every refusal that stands in a module of secmw."""
    for module in pkgutil.walk_packages(secmw.__path__, "secmw."):
        if not module.name.startswith("secmw.cli"):
            yield from _refusals(vars(importlib.import_module(module.name)))


def _refusals(names: Mapping[Any, Any]) -> Iterator[Refusal]:
    for value in names.values():
        if isinstance(value, Refusal):
            yield value
        elif isinstance(value, dict) and value is not names:
            yield from (inner for inner in value.values() if isinstance(inner, Refusal))
        elif isinstance(getattr(value, "refusal", None), Refusal):
            yield value.refusal


# --- actions


def test_every_action_has_a_row(writers: ModuleType) -> None:
    """AU-02"""
    page = writers.writer("actions")()
    for action in Action:
        assert page.count(f"| `{action}` |") == 1
        assert action.description in page
    assert len(re.findall(r"^\| `", page, re.MULTILINE)) == len(Action)


@pytest.mark.usefixtures("writers")
def test_every_field_of_an_event_is_explained() -> None:
    page = (DOCS / "reference" / "actions.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(Event.__struct_fields__)


# --- the command


def test_every_verb_is_shown(writers: ModuleType) -> None:
    page = writers.writer("cli")()
    for verb in (
        "secmw",
        "secmw demo",
        "secmw explain",
        "secmw keys",
        "secmw keys new",
        "secmw sessions",
        "secmw sessions revoke",
    ):
        assert f"## {verb}\n" in page
        assert f"Usage: {verb} " in page

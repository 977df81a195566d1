"""The vocabulary: the products' names as they are, OWASP's where it has one, ours for the rest."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

import secmw
from secmw.audit import Action

PRODUCTS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "audit_actions.json").read_text()
)


def test_the_products_actions_keep_name_meaning_and_origin() -> None:
    """AU-02"""
    ours = {action for action in Action if action.vocabulary == "posit"}
    assert len(ours) == 37
    assert {(action.value, action.description, action.origin) for action in ours} == {
        (row["name"], row["description"], row["origin"]) for row in PRODUCTS["actions"]
    }


@pytest.mark.parametrize(("slip", "name"), sorted(PRODUCTS["aliases"].items()))
def test_a_slip_in_their_table_is_read_as_what_was_meant(slip: str, name: str) -> None:
    assert Action(slip) == name


def test_owasp_names_are_owasps() -> None:
    """AU-02: those of the Logging Vocabulary Cheat Sheet that secmw has a use for."""
    assert {action.value for action in Action if action.vocabulary == "owasp"} == {
        "authn_login_fail",
        "session_expired",
        "session_renewed",
        "session_use_after_expire",
    }


def test_what_is_no_products_name_is_written_by_secmw() -> None:
    """AU-02: the table promises nothing that never comes."""
    package = Path(secmw.__file__ or "").parent
    table = Path(inspect.getfile(Action))
    source = "".join(path.read_text() for path in package.rglob("*.py") if path != table)
    ours = [action for action in Action if action.vocabulary != "posit"]
    assert [action for action in ours if not re.search(rf"\bAction\.{action.name}\b", source)] == []


def test_each_is_there_once_with_what_it_means() -> None:
    """AU-02"""
    names = [action.value for action in Action]
    assert sorted(set(names)) == sorted(names)
    assert len(Action.__members__) == len(names)
    meanings = [action.description for action in Action]
    assert len(set(meanings)) == len(meanings)
    for action in Action:
        assert action.name == action.value.upper()
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", action.value)
        assert action.description
        assert action.description[0].islower() or action.description.startswith(("an API", "a -"))
        assert action.vocabulary in ("posit", "owasp", "secmw")
        assert action.origin in ("web", "cli", "system")


def test_it_is_text() -> None:
    assert f"{Action.WEB_SUDO}" == "web_sudo"
    assert json.dumps({"action": Action.WEB_SUDO}) == '{"action": "web_sudo"}'


def test_an_applications_own_action_is_no_member() -> None:
    with pytest.raises(ValueError, match="invoice_paid"):
        Action("invoice_paid")

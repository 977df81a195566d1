from __future__ import annotations

from typing import Any

import pytest

from secmw import Policy
from secmw.cli.bench.parts import HEADERS_FOR, least, measurable, parts, without
from secmw.compile import response_lines
from secmw.headers import HEADERS
from secmw.keys import new_key
from secmw.presets import PRESETS


def policy(**settings: Any) -> Policy:
    return Policy.from_mapping(
        {
            "secret_keys": [new_key()],
            "public_url": "https://app.example.org",
            "store": "memory://",
            **settings,
        }
    )


def named(wanted: Policy, path: str = "/", method: str = "POST") -> dict[str, Any]:
    return {part.name: part for part in parts(wanted, path, method)}


def test_every_header_says_what_it_protects_from() -> None:
    """So a new one can't be put on the list of what may be left out without a word."""
    assert set(HEADERS_FOR) == {header.setting for header in HEADERS} | {"custom_headers"}
    assert all(sentence.endswith(".") for sentence in HEADERS_FOR.values())


def test_every_part_says_what_it_protects_from() -> None:
    found = parts(
        policy(trusted_proxies=["10.0.0.1"], sessions={"seal": True}, cookies={"apply_to": "all"}),
        "/",
        "POST",
    )
    assert all(part.protects for part in found)


def test_without_a_part_everything_else_stays() -> None:
    wanted = policy()
    found = named(wanted)
    assert found["XSRF token"].without.xsrf.token is False
    assert found["XSRF token"].without.xsrf.origin is True
    assert found["HTTPS"].without.https == "off"
    assert found["sessions"].without.sessions is None
    without_frames = found["X-Frame-Options"].without
    lines = {line.name: line.value for line in response_lines(without_frames)}
    assert "X-Frame-Options" not in lines
    assert len(lines) == len(response_lines(wanted)) - 1
    assert response_lines(found["headers, all"].without) == []


def test_a_part_is_left_out_of_path_classes_too() -> None:
    wanted = policy(paths={"/api/": {"frame_options": "SAMEORIGIN", "referrer_policy": "no-referrer"}})
    found = without(wanted, {"frame_options": None})
    assert found.within("/api/").frame_options is None
    assert found.within("/api/").referrer_policy == "no-referrer"


def test_parts_are_those_of_the_class_of_the_path() -> None:
    wanted = policy(paths={"/api/": {"sessions": None, "frame_options": None}})
    assert {"sessions", "X-Frame-Options"} <= set(named(wanted, "/"))
    assert not {"sessions", "X-Frame-Options"} & set(named(wanted, "/api/cart"))


def test_what_is_asked_of_unsafe_requests_alone_is_not_looked_for_in_others() -> None:
    for name in ("origin of requests", "XSRF token"):
        part = named(policy(), method="GET")[name]
        assert part.without is None
        assert "--method POST" in part.remark


def test_a_part_that_cannot_go_alone_says_why() -> None:
    part = named(Policy.development(secret_keys=[new_key()]))["hosts"]
    assert part.without is None
    assert part.remark == "can't be left out alone: allowed_hosts is empty, which would answer any host"


def test_headers_alone_have_no_questions() -> None:
    wanted = Policy.recommended(screening=False, sessions=None)
    assert "headers, all" in named(wanted)
    assert not {"hosts", "HTTPS", "every question"} & set(named(wanted))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_of_every_preset_each_part_can_be_measured_or_says_why_not(preset: str) -> None:
    url = {"public_url": None} if preset == "development" else {}
    wanted = measurable(policy(preset=preset, **url))
    for part in parts(wanted, "/content/x", "POST"):
        assert (part.without is None) == bool(part.remark)
    assert least(wanted).xsrf is None
    assert response_lines(least(wanted)) == []


def test_nothing_of_the_applications_own_is_used() -> None:
    key = new_key()
    wanted = policy(
        secret_keys=[key],
        store="redis://:geheim@cache.example/0",
        trail="sqlite:/var/lib/app/trail.db",
        hsts="1d",
    )
    found = measurable(wanted)
    assert (found.store, found.trail) == ("memory://", "memory://")
    assert key not in found.secret_keys
    assert response_lines(found) == response_lines(wanted)


def test_a_policy_without_keys_or_store_gets_none() -> None:
    found = measurable(Policy.recommended(screening=False, sessions=None))
    assert (found.secret_keys, found.store, found.trail) == ((), None, None)

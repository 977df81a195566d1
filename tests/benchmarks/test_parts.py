"""Each part is timed on what has it and on what has not. How long anything takes is not asked here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

import secmw.asgi
from benchmarks import parts, requests
from benchmarks.parts import PARTS, Variants, Visitor
from benchmarks.probe import WrongAnswerError, ask
from benchmarks.timing import compare

HEADERS: Final = (
    "strict-transport-security",
    "x-frame-options",
    "x-content-type-options",
    "content-security-policy",
    "content-security-policy-report-only",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "origin-agent-cluster",
    "x-dns-prefetch-control",
    "x-permitted-cross-domain-policies",
)
OWN: Final = ["content-type", "content-length"]

INTERFACES: Final = pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])


def names(app: Any, request: Any, *, asgi: bool) -> list[str]:
    return [name for name, _ in ask(app, request, asgi=asgi).headers]


@INTERFACES
def test_the_wrapper_that_does_nothing_adds_nothing(asgi: bool) -> None:
    apps, visitor = Variants.on(asgi=asgi).apps, Visitor(asgi=asgi)
    assert apps["noop"] is not apps["bare"]
    assert ask(apps["noop"], visitor.get(), asgi=asgi) == ask(apps["bare"], visitor.get(), asgi=asgi)
    assert names(apps["noop"], visitor.get(), asgi=asgi) == OWN


@INTERFACES
def test_whole_and_headers_send_every_recommended_header(asgi: bool) -> None:
    apps, visitor = Variants.on(asgi=asgi).apps, Visitor(asgi=asgi)
    for name in ("whole", "headers", "not read"):
        assert sorted(names(apps[name], visitor.get(), asgi=asgi)) == sorted([*OWN, *HEADERS])


def test_headers_only_is_the_same_without_a_place_for_a_nonce() -> None:
    app = secmw.asgi.Middleware(requests.asgi_app, parts.headers_only())
    expected = {*OWN, *HEADERS} - {"content-security-policy-report-only"}
    assert set(names(app, Visitor(asgi=True).get(), asgi=True)) == expected
    assert ask(app, Visitor(asgi=True).broken()).status == 200


@INTERFACES
@pytest.mark.parametrize(
    ("name", "stand_in"),
    [
        ("floor", "host"),
        ("host", "floor"),
        ("https", "host"),
        ("host", "https"),
        ("origin", "https"),
        ("origin", "token"),
        ("token", "origin"),
        ("headers", "floor"),
        ("floor", "headers"),
        ("whole", "headers"),
        ("noop", "headers"),
        ("nonce", "whole"),
    ],
)
def test_a_part_that_asks_less_or_more_than_it_is_timed_for_is_not_timed(
    asgi: bool, name: str, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(*_: Any, **__: Any) -> None:
        raise AssertionError("timed")

    monkeypatch.setattr(parts, "compare", timed)
    sound = Variants.on(asgi=asgi)
    with pytest.raises(WrongAnswerError):
        parts.measure(replace(sound, apps={**sound.apps, name: sound.apps[stand_in]}), rounds=1, count=1)
    with pytest.raises(AssertionError, match="timed"):
        parts.measure(sound, rounds=1, count=1)


@INTERFACES
def test_every_part_is_measured_on_what_it_stands_on(asgi: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str, str]] = []

    def watched(variants: Any, make: Any, **settings: Any) -> Any:
        found = compare(variants, make, **settings)
        seen.extend((make.__name__, name, under) for name, under in settings["against"].items())
        return found

    monkeypatch.setattr(parts, "compare", watched)
    assert list(parts.measure(Variants.on(asgi=asgi), rounds=2, count=3)) == [part.name for part in PARTS]
    assert sorted(under for *_, under in seen) == sorted(part.under for part in PARTS)
    assert ("get", "https", "host") in seen
    assert ("post", "https", "floor") in seen


def test_each_header_is_measured_alone_and_its_bytes_are_those_on_the_wire() -> None:
    rows = {name.lower(): size for name, _, size in parts.each_header(rounds=2, count=3)}
    assert list(rows) == list(HEADERS)
    # X-Content-Type-Options: nosniff, and CR LF
    assert rows["x-content-type-options"] == 33

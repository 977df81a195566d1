from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from secmw import Policy
from secmw.cli.bench.measuring import Difference, Times
from secmw.cli.bench.parts import parts
from secmw.cli.bench.stand_in import Use
from secmw.cli.bench.study import Row, Study, Visit
from secmw.cli.bench.telling import advice, as_json, size_plot, time_plot, told
from secmw.cli.bench.visitors import Wanted
from secmw.keys import new_key

POLICY = Policy.recommended(
    secret_keys=[new_key()],
    public_url="https://app.example.org",
    store="memory://",
    paths={"/a/": {"nel": None}},
)


READS = Use(reads=True)


def found(who: str = "a stranger", *, added: float = 10.0, use: Use = READS) -> Visit:
    rows = tuple(
        Row(
            part=part,
            time=None if part.header or part.remark else Difference(1.25, 0.1),
            size=40,
            remark=part.remark,
        )
        for part in parts(POLICY, "/", "GET")
    )
    return Visit(
        who=who,
        status=200,
        alone=Times([100.0] * 200, [100.0] * 5),
        whole=Times([100.0 + added] * 200, [100.0 + added] * 5),
        added=Difference(added, 0.5),
        sizes=(26, 793),
        no_op=Difference(0.5, 0.01),
        around=Difference(5.0, 0.2),
        rows=rows,
        left=Difference(2.0, 0.1),
        uses={name: Difference(1.5, 0.1) for name in use.names()},
        use=use,
        notes=("Something to know.",),
    )


def studied(*visits: Visit, **settings: Any) -> Study:
    return Study(
        wanted=Wanted(**settings),
        url="https://app.example.org/",
        asgi=True,
        visits=visits,
        skipped=("nobody: so",),
    )


def text(study: Study) -> str:
    return "\n".join(told([study], name="shop:app", source="secmw.toml", remarks=["A remark."]))


def test_every_figure_is_in_the_text() -> None:
    said = text(studied(found()))
    for line in (
        "GET https://app.example.org/",
        "shop:app on ASGI; policy: secmw.toml",
        "A remark.",
        "A stranger: 200, 200 requests each",
        "Something to know.",
        "Not measured: nobody: so.",
    ):
        assert line in said
    lines = [" ".join(line.split()) for line in said.splitlines()]
    for line in (
        "the application alone 100.0 100.0 26",
        "with secmw 110.0 110.0 793",
        "secmw adds 10.00 ± 0.50 10 % +767",
        "a wrapper that does nothing 0.50 ± 0.01 1.0",
        "the whole policy 5.00 ± 0.20 10.0 767",
        "around a stand-in with the same answer µs × no-op bytes setting",
        "hosts 1.25 ± 0.10 2.5 40 public_url, allowed_hosts",
        "the page reads its session 1.50 ± 0.10 3.0",
        "without any part: the look at a request 2.00 ± 0.10 4.0 0",
    ):
        assert line in lines


def test_each_question_says_what_it_is_for() -> None:
    said = " ".join(text(studied(found(), found("somebody signed in"))).split())
    for part in parts(POLICY, "/", "GET"):
        if not part.header and part.setting not in ("screening", "the settings of headers", "paths"):
            assert part.protects in said, part.name


def test_no_line_is_too_long_for_a_terminal() -> None:
    assert max(map(len, text(studied(found())).splitlines())) <= 110


def test_what_chance_could_have_made_is_written_as_nothing() -> None:
    visit = replace(found(), around=Difference(0.05, 0.2), added=Difference(-12.0, 30.0))
    said = text(studied(visit))
    assert "0 ± 0.20" in said
    assert "0 ± 30.00" in said
    assert "-12 %" not in said
    assert "varies by more than secmw adds" in said
    assert "varies by more than secmw adds" not in text(studied(found()))


@pytest.mark.parametrize(
    ("status", "hint"),
    [(200, None), (302, "A redirect: to measure the page"), (404, "No page, but an error")],
)
def test_an_answer_that_nobody_meant_to_measure_is_said_to_be_one(status: int, hint: str | None) -> None:
    said = text(studied(replace(found(), status=status)))
    for one in ("A redirect: to measure the page", "No page, but an error"):
        assert (one in said) == (one == hint)


def test_too_few_requests_for_a_percentile_say_so() -> None:
    visit = replace(found(), alone=Times([1.0] * 5, [1.0] * 5))
    assert "too few" in text(studied(visit))


def test_each_header_is_told_with_what_it_protects_from() -> None:
    said = " ".join(text(studied(found())).split())
    for part in parts(POLICY, "/", "GET"):
        if part.header:
            assert f"{part.name} 40 {part.protects}" in said


# --- advice


def test_the_first_word_is_of_what_could_be_saved_at_the_most() -> None:
    first = next(advice(studied(found(), replace(found("somebody signed in"), around=Difference(7.0, 0.2)))))
    assert "5.0 µs of the policy's 7.0 µs for somebody signed in, and 767 bytes" in first
    level = replace(found(), around=Difference(5.0, 0.2), left=Difference(4.8, 0.1))
    assert "is next to nothing of the policy's 5.0 µs" in next(advice(studied(level)))


def test_no_advice_to_leave_something_out_goes_without_what_is_lost() -> None:
    visits = (found(use=Use()), found("somebody signed in", use=Use(token=True, nonce=True, changes=True)))
    for one in (*advice(studied(visits[0])), *advice(studied(*visits))):
        if any(word in one for word in ("off", "leave it out", "fewer")):
            assert "Lost" in one or "lose" in one or "protects people" in one


def test_sessions_that_nobody_looks_at_are_named() -> None:
    assert any("No request here looked at its session" in one for one in advice(studied(found(use=Use()))))
    assert not any("looked at its session" in one for one in advice(studied(found(use=Use(reads=True)))))


def test_a_page_that_makes_a_token_is_told_of_unless_it_answers_a_post() -> None:
    visit = found(use=Use(token=True))
    assert any("makes a token (1.5 µs)" in one for one in advice(studied(visit)))
    assert any("/_secmw/xsrf" in one for one in advice(studied(visit)))
    assert not any("/_secmw/xsrf" in one for one in advice(studied(visit, method="POST")))


def test_a_page_that_takes_a_nonce_is_told_of() -> None:
    assert any("takes a nonce (1.5 µs)" in one for one in advice(studied(found(use=Use(nonce=True)))))
    assert not any("nonce" in one for one in advice(studied(found())))


def test_a_session_that_is_changed_each_time_is_told_of() -> None:
    assert any("a write to the store" in one for one in advice(studied(found(use=Use(changes=True)))))


def test_where_secmw_takes_little_nothing_is_worth_it() -> None:
    assert any("For time, nothing: secmw takes 2.0 %" in one for one in advice(studied(found(added=2.0))))
    assert any("Switch a part off only" in one for one in advice(studied(found(added=50.0))))
    hidden = replace(found(), added=Difference(-12.0, 30.0), around=Difference(3.0, 0.1))
    assert any("secmw takes 3.0 %" in one for one in advice(studied(hidden)))


def test_a_part_that_takes_much_is_named_with_what_to_think_of_first() -> None:
    visit = found()
    (said,) = [one for one in advice(studied(visit)) if one.startswith("hosts ")]
    hosts = next(row.part for row in visit.rows if row.part.name == "hosts")
    assert said == (
        "hosts (public_url, allowed_hosts): 1.2 of the policy's 5.0 µs for a stranger. Before you do without it: "
        + hosts.protects
    )
    little = replace(visit, around=Difference(50.0, 0.2))
    assert not any(one.startswith("hosts ") for one in advice(studied(little)))


# --- for machines, and to look at


def test_everything_is_there_as_json() -> None:
    content = json.loads(json.dumps(as_json([studied(found())], name="shop:app", source="secmw.toml")))
    (one,) = content["studies"]
    (visitor,) = one["visitors"]
    assert visitor["alone"] == {"p50": 100.0, "p99": 100.0, "requests": 200, "rounds": 5, "header_bytes": 26}
    assert visitor["added"] == {"median": 10.0, "give_or_take": 0.5}
    assert visitor["stand_in"]["left"] == {"median": 2.0, "give_or_take": 0.1}
    assert {"name", "setting", "time", "bytes", "protects", "remark"} == set(visitor["parts"][0])


def test_the_plots_show_both_visitors_and_every_header() -> None:
    study = studied(found(), found("somebody signed in"))
    drawn = time_plot(study, "shop:app")
    for label in ("a stranger", "somebody signed in", "the whole policy", "hosts", "HTTPS"):
        assert f">{label}<" in drawn
    assert ">Referrer-Policy<" in size_plot(study, "shop:app")


def test_of_no_headers_there_is_no_plot() -> None:
    bare = replace(found(), rows=tuple(row for row in found().rows if not row.part.header))
    with pytest.raises(ValueError):
        size_plot(studied(bare), "shop:app")
    assert "The policy sends no headers of its own." in text(studied(bare))

"""One request and its response: which states it goes through, and which header lines come out."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

import pytest

from secmw.checks import Wants
from secmw.exchange import DENIED, FAILED, Exchange, State
from secmw.http import ASGI, Reason, Refusal
from secmw.keys import KeyRing
from secmw.plan import Plans
from secmw.policy import Policy
from secmw.xsrf import Tokens
from tests.making import HOST, KEY, exchange, plans, policy, sent, values

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
COOKIE = f"__Host-visit={VISIT}"
BOTH = f"{COOKIE}; XSRF-TOKEN={TOKENS.token(VISIT)}"
HOME = {"sec-fetch-site": "same-origin"}
FORM = HOME | {"content-type": "application/x-www-form-urlencoded"}
IPHONE_12 = "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


def unscreened(made: Plans | None = None) -> Exchange:
    made = made or plans()
    return Exchange(made.safe["/"], made.sites[HOST.encode()], "GET", "https", "/")


def waiting() -> Exchange:
    return exchange(plans(), "POST", headers=FORM, cookie=COOKIE)


@cache
def strict(**settings: Any) -> Plans:
    return Policy.strict(
        **{"secret_keys": [KEY], "public_url": f"https://{HOST}", "sessions": None, **settings}
    ).compile(ASGI)


def cookies(lines: Any) -> dict[str, str]:
    return dict(value.partition(";")[0].split("=", 1) for value in values(lines, "set-cookie"))


def csp(lines: Any) -> str:
    (value,) = values(lines, "content-security-policy")
    return value


# --- states


def test_the_state_follows_from_what_has_happened() -> None:
    found = unscreened()
    assert found.state is State.OPEN
    found = waiting()
    assert (found.state, found.wants) == (State.SCREENED, Wants.FORM)
    found.read_form(f"xsrf_token={TOKENS.token(VISIT)}".encode(), complete=True)
    assert (found.state, found.wants) == (State.RESUMED, None)
    found.close(200, [])
    assert found.state is State.CLOSED


#: State and request, what is done to it, the state after, and what it wants then.
TRANSITIONS = [
    ("OPEN", unscreened, "screen", "SCREENED", None),
    ("OPEN", unscreened, "refuse", "SCREENED", Wants.REPLY),
    ("OPEN", unscreened, "close", "CLOSED", Wants.SCREEN),
    ("SCREENED", waiting, "refuse", "SCREENED", Wants.REPLY),
    ("SCREENED", waiting, "good form", "RESUMED", None),
    ("SCREENED", waiting, "bad form", "RESUMED", Wants.REPLY),
    ("SCREENED", waiting, "fail", "SCREENED", Wants.REPLY),
    ("SCREENED", waiting, "close", "CLOSED", Wants.FORM),
]
STEPS: dict[str, Any] = {
    "screen": lambda found: found.screen(),
    "refuse": lambda found: found.refuse(DENIED),
    "fail": lambda found: found.fail(),
    "good form": lambda found: found.read_form(f"xsrf_token={TOKENS.token(VISIT)}".encode(), complete=True),
    "bad form": lambda found: found.read_form(b"", complete=True),
    "close": lambda found: found.close(200, []),
}


@pytest.mark.parametrize(
    ("before", "make", "step", "after", "wants"),
    TRANSITIONS,
    ids=[f"{row[0]} {row[2]}" for row in TRANSITIONS],
)
def test_each_step_leads_from_state_to_state(
    before: str, make: Any, step: str, after: str, wants: Any
) -> None:
    found = make()
    assert found.state is State[before]
    STEPS[step](found)
    assert (found.state, found.wants) == (State[after], wants)


def test_a_closed_exchange_stays_closed() -> None:
    for order in permutations(["refuse", "fail", "bad form", "close"]):
        found = waiting()
        found.close(200, [])
        for step in order:
            STEPS[step](found)
            assert found.state is State.CLOSED


def test_an_exchange_knows_whether_a_head_was_worked_out() -> None:
    found = unscreened()
    assert not found.closed
    with pytest.raises((TypeError, ValueError)):
        found.close(200, [("no pair",)])
    assert not found.closed
    found.close(200, [])
    assert found.closed


# --- screening


def test_the_first_refusal_counts() -> None:
    made = plans()
    everything: dict[str, Any] = {"headers": {"origin": "https://evil.example"}, "scheme": "http"}
    found = exchange(made, "TRACE", host="evil.example", **everything)
    assert found.refusal is not None
    assert found.refusal.reason is Reason.HOST_NOT_ALLOWED
    found = exchange(made, "TRACE", **everything)
    assert found.refusal is not None
    assert found.refusal.reason is Reason.HTTPS_REQUIRED


def test_a_form_that_nobody_asked_for_is_not_judged() -> None:
    found = unscreened(plans(xsrf=None))
    found.read_form(b"xsrf_token=x", complete=True)
    assert found.refusal is FAILED


def test_a_form_sent_to_a_page_of_ours_gets_its_answer() -> None:
    found = exchange(plans(), "POST", "/_secmw/xsrf", headers=FORM, cookie=COOKIE)
    assert found.state is State.SCREENED
    found.read_form(f"xsrf_token={TOKENS.token(VISIT)}".encode(), complete=True)
    assert found.wants is Wants.REPLY
    assert found.reply("").status == 405


def test_its_repr_shows_no_header() -> None:
    """XS-10"""
    found = exchange(plans(), "POST", "/a\n", headers=HOME | {"authorization": "Bearer s3cret"}, cookie=BOTH)
    assert repr(found) == "<Exchange POST '/a\\n' screened>"


# --- answers of ours


def test_a_failed_application_takes_its_cookies_and_its_nonce_with_it() -> None:
    """RB-09, CS-03"""
    found = exchange(strict())
    nonce = found.nonce
    found.xsrf_token()
    found.fail()
    reply = found.reply("text/html")
    lines = found.close(reply.status, [ASGI.line(*line) for line in reply.headers])
    assert reply.status == 500
    assert values(lines, "set-cookie") == []
    assert nonce not in str(sent(lines))
    assert b"Traceback" not in reply.body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_refusal_has_every_security_header_and_its_own_strict_policy(method: str) -> None:
    """HD-09, RB-09"""
    found = exchange(plans(), method, host="evil.example")
    reply = found.reply("text/html")
    lines = found.close(reply.status, [ASGI.line(*line) for line in reply.headers])
    assert reply.status == 400
    assert bool(reply.body) is (method == "GET")
    assert values(lines, "x-content-type-options") == ["nosniff"]
    assert values(lines, "x-frame-options") == ["DENY"]
    assert csp(lines).startswith("default-src 'none'")


def test_an_answer_that_nobody_can_give_is_an_error_page() -> None:
    assert unscreened().reply("").status == 500


def test_a_handshake_that_the_application_denies_is_a_403() -> None:
    reply = exchange(plans(), socket=True).denied("application/json")
    assert reply.status == 403
    assert b"handshake_denied" in reply.body


def test_a_refusal_sends_its_own_headers_too() -> None:
    found = exchange(plans())
    found.refuse(Refusal(405, Reason.METHOD_NOT_ALLOWED, "No.", headers=(("Allow", "GET"),)))
    assert ("Allow", "GET") in found.reply("").headers


def test_the_policy_of_a_class_is_the_exchanges_own() -> None:
    made = policy().at("/content/", frame_options=None).compile(ASGI)
    assert exchange(made, "GET", "/content/x").policy.frame_options is None

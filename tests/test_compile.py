"""A policy becomes plans: which lines are rendered, what is asked of what, and what start-up says."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.checks import Wants
from secmw.compile import HeaderLine, response_lines, strictest_of
from secmw.config import Cookies, Xsrf
from secmw.errors import ConfigError
from secmw.http import ASGI, WSGI, Reason, Wire
from secmw.keys import KeyRing
from secmw.merge import Rule
from secmw.plan import NONCE_MARK, Plan
from secmw.policy import Policy
from secmw.xsrf import Tokens
from tests.making import KEY, URL, exchange, plans, policy, sent, served, values

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
COOKIE = f"__Host-visit={VISIT}"
TOKEN = {"x-xsrf-token": TOKENS.token(VISIT)}
HOME = {"sec-fetch-site": "same-origin"}
EVIL = {"origin": "https://evil.example"}


def lines(**settings: Any) -> dict[str, str]:
    return {line.name: line.value for line in response_lines(policy(**settings))}


def reason(made: Any, method: str = "POST", path: str = "/", **request: Any) -> Reason | Wants | None:
    found = exchange(made, method, path, **request)
    return found.refusal.reason if found.refusal is not None else found.wants


# --- the lines of a response


def test_custom_headers_come_first_and_a_dedicated_setting_last_in_its_order() -> None:
    names = list(lines(custom_headers=["X-B: 1", "X-A: 2"]))
    assert names[:4] == ["X-B", "X-A", "Strict-Transport-Security", "X-Frame-Options"]


def test_a_custom_header_beats_a_presets_value() -> None:
    found = lines(custom_headers=["content-security-policy: default-src 'none'"])
    assert found["content-security-policy"] == "default-src 'none'"
    assert "Content-Security-Policy" not in found


def test_of_two_custom_headers_of_one_name_the_later_counts() -> None:
    assert lines(custom_headers=["X-A: 1", "x-a: 2"])["x-a"] == "2"


def test_what_is_dropped_is_not_sent_by_us_either() -> None:
    found = lines(drop_headers=["X-Frame-Options", "x-a"], custom_headers=["X-A: 1"])
    assert not {"X-Frame-Options", "X-A"} & set(found)


def test_a_server_of_our_own_replaces_the_one_that_is_dropped() -> None:
    """HD-05"""
    assert "Server" not in lines()
    assert lines(server="Web")["Server"] == "Web"
    assert plans(server="Web").safe["/"].rules[b"server"] is Rule.OURS
    assert plans().safe["/"].rules[b"server"] is Rule.DROP


@pytest.mark.parametrize("settings", [{}, {"custom_headers": ["strict-transport-security: max-age=5"]}])
def test_hsts_is_for_https_alone_however_it_was_written(settings: Any) -> None:
    """TR-02"""
    plan = plans(**settings).safe["/"]
    assert values(plan.plain.lines, "strict-transport-security") == []
    assert len(values(plan.locked.lines, "strict-transport-security")) == 1
    assert sent(plan.switched.lines) == [
        line for line in sent(plan.locked.lines) if line[0] == "strict-transport-security"
    ]


def test_a_header_line_says_which_setting_made_it() -> None:
    found = {line.name: line for line in response_lines(policy(custom_headers=["X-A: 1"]))}
    assert found["X-A"] == HeaderLine("X-A", "1", "custom_headers")
    assert found["X-Frame-Options"].setting == "frame_options"


@pytest.mark.parametrize(("wire", "name"), [(ASGI, b"x-frame-options"), (WSGI, "X-Frame-Options")])
def test_lines_are_spelled_once_in_the_wires_type(wire: Wire, name: Any) -> None:
    plan = plans(wire).safe["/"]
    assert name in [found for found, _ in plan.plain.lines]
    assert plan.plain.by_name[wire.encode("x-frame-options")][0] == name


def test_the_lines_that_change_with_a_nonce_are_those_that_name_one() -> None:
    """CS-02"""
    plan = Policy.strict(secret_keys=[KEY], public_url=URL, sessions=None).compile(ASGI).safe["/"]
    assert list(plan.plain.nonced) == [b"content-security-policy"]
    assert NONCE_MARK.encode() in plan.plain.nonced[b"content-security-policy"][1]
    assert not any(NONCE_MARK.encode() in value for _, value in plan.plain.lines)


# --- the rules of the merge


@pytest.mark.parametrize(
    ("settings", "name", "rule"),
    [
        ({}, "x-frame-options", Rule.APP),
        ({}, "content-security-policy", Rule.MANY),
        ({}, "strict-transport-security", Rule.SECURE),
        ({"hsts": None}, "strict-transport-security", Rule.SECURE),
        ({}, "vary", Rule.VARY),
        ({}, "cache-control", Rule.CACHE),
        ({}, "set-cookie", Rule.COOKIE),
        ({}, "x-powered-by", Rule.DROP),
        ({"enforce_headers": ["X-Frame-Options"]}, "x-frame-options", Rule.OURS),
        ({"custom_headers": ["Link: <a>; rel=b"]}, "link", Rule.MANY),
        ({"custom_headers": ["Cache-Control: no-cache"]}, "cache-control", Rule.CACHE),
        ({"frame_options": None}, "x-frame-options", None),
    ],
)
def test_each_header_has_its_rule(settings: Any, name: str, rule: Rule | None) -> None:
    """HD-03"""
    assert plans(**settings).safe["/"].rules.get(name.encode()) is rule


@pytest.mark.parametrize(
    ("settings", "name", "needed"),
    [
        ({}, "X-Frame-Options", True),
        ({}, "Server", True),
        ({}, "Content-Type", False),
        ({}, "Vary", False),
        ({}, "Cache-Control", False),
        ({}, "Set-Cookie", False),
        ({"cache_control": "no-store"}, "Cache-Control", True),
        ({"custom_headers": ["Cache-Control: no-store"]}, "Cache-Control", True),
        ({"custom_headers": ["Vary: Accept"]}, "Vary", True),
        ({"cookies": {"apply_to": "all"}}, "Set-Cookie", True),
    ],
)
def test_only_responses_with_such_a_header_need_the_merge(settings: Any, name: str, needed: bool) -> None:
    assert plans(**settings).safe["/"].names[name.encode()] is needed


def test_responses_to_unsafe_requests_vary_by_what_decided() -> None:
    """HD-08"""
    made = plans()
    assert values(made.unsafe["/"].plain.lines, "vary") == ["Sec-Fetch-Site, Origin"]
    assert made.unsafe["/"].names[b"Vary"]
    assert values(made.safe["/"].plain.lines, "vary") == []
    assert values(plans(xsrf={"origin": False}).unsafe["/"].plain.lines, "vary") == []


def test_a_custom_vary_is_joined_with_ours() -> None:
    made = plans(custom_headers=["Vary: Accept-Language,"])
    assert values(made.safe["/"].plain.lines, "vary") == ["Accept-Language"]
    assert values(made.unsafe["/"].plain.lines, "vary") == ["Accept-Language, Sec-Fetch-Site, Origin"]
    assert b"vary" not in made.unsafe["/"].plain.by_name


# --- what is asked of what


def test_safe_requests_are_asked_nothing() -> None:
    plan = plans().safe["/"]
    assert plan.ask is None
    assert plan.quiet


def test_unsafe_requests_are_asked_both_questions() -> None:
    """XS-02"""
    made = plans()
    assert reason(made, headers=EVIL) is Reason.CROSS_ORIGIN
    assert reason(made, headers=HOME) is Reason.XSRF_COOKIE_MISSING
    assert reason(made, headers=EVIL | TOKEN, cookie=COOKIE) is Reason.CROSS_ORIGIN
    assert reason(made, headers=HOME | TOKEN, cookie=COOKIE) is None


@pytest.mark.parametrize(
    ("xsrf", "cross", "bare"),
    [
        (None, None, None),
        ({"origin": False}, Reason.XSRF_COOKIE_MISSING, Reason.XSRF_COOKIE_MISSING),
        ({"token": False}, Reason.CROSS_ORIGIN, None),
        ({"origin": False, "token": False}, None, None),
    ],
)
def test_either_question_may_be_switched_off(xsrf: Any, cross: Reason | None, bare: Reason | None) -> None:
    made = plans(xsrf=xsrf)
    assert reason(made, headers=EVIL) is cross
    assert reason(made, headers=HOME) is bare
    assert reason(made, "TRACE") is Reason.METHOD_NOT_ALLOWED


def test_where_no_token_is_asked_for_a_cookie_needs_an_origin() -> None:
    """XS-07"""
    assert reason(plans(xsrf={"token": False}), cookie="id=1") is Reason.ORIGIN_MISSING


def test_public_url_and_trusted_origins_may_ask() -> None:
    made = plans(
        allowed_hosts=["b.example"],
        xsrf={"trusted_origins": ["https://partner.example:8443"], "token": False},
    )
    for origin in (URL, "https://b.example", "https://partner.example:8443"):
        assert reason(made, host="b.example", headers={"origin": origin}) is None
    assert (
        reason(made, host="b.example", headers={"origin": "https://partner.example"}) is Reason.CROSS_ORIGIN
    )


def test_handshakes_are_asked_where_they_come_from_and_nothing_else() -> None:
    """XS-04"""
    made = plans()
    assert reason(made, "GET", socket=True, headers=EVIL) is Reason.CROSS_ORIGIN
    assert reason(made, "GET", socket=True, cookie="id=1") is Reason.ORIGIN_MISSING
    assert reason(made, "GET", socket=True, cookie="id=1", headers={"origin": URL}) is None
    assert reason(plans(xsrf=None), "GET", socket=True, headers=EVIL) is None
    assert reason(plans(xsrf={"origin": False}), "GET", socket=True, headers=EVIL) is None


def test_an_api_call_is_asked_neither_question() -> None:
    made = plans(xsrf={"api_key_headers": ["X-Key"]})
    for headers in ({"authorization": "Bearer x"}, {"x-key": "x"}):
        assert reason(made, headers=headers | EVIL) is None
        assert reason(made, headers=headers | HOME, cookie="a=b") is Reason.XSRF_COOKIE_MISSING
        assert reason(made, headers=headers | HOME, certified=True) is Reason.XSRF_COOKIE_MISSING
        assert reason(made, headers=headers | HOME | {"remote-user": "jane"}) is Reason.XSRF_COOKIE_MISSING


def test_an_api_credential_does_not_open_a_socket_from_elsewhere() -> None:
    assert (
        reason(plans(), "GET", socket=True, headers={"authorization": "Bearer x"} | EVIL)
        is Reason.CROSS_ORIGIN
    )


# --- exempt paths


def test_an_exempt_path_is_asked_neither_question() -> None:
    """XS-15"""
    made = plans(xsrf={"exempt": ["/hook", "/hooks/"]})
    assert reason(made, path="/hook", headers=EVIL) is None
    assert reason(made, path="/hooks/a", headers=EVIL) is None
    assert reason(made, path="/hook/a", headers=EVIL) is Reason.CROSS_ORIGIN
    assert reason(made, "TRACE", path="/hook") is Reason.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        ("/hooks//a", None),
        ("/hooks/../admin", None),
        ("/hooks/a", "/hooks%2fa"),
        ("/hooks/a", "/hooks/%61%2Fb"),
        ("/hooks/.", "/hooks/%2e"),
        ("/hooks/a;b", None),
        ("/hooks\\a", None),
    ],
)
def test_no_trick_of_spelling_makes_a_path_exempt(path: str, spelled: str | None) -> None:
    """PX-10, XS-15"""
    for made in (plans(xsrf={"exempt": ["/hooks/"]}), plans(WSGI, xsrf={"exempt": ["/hooks/"]})):
        assert reason(made, path=path, spelled=spelled, headers=EVIL) is Reason.CROSS_ORIGIN


def test_a_handshake_is_asked_on_exempt_paths_too() -> None:
    """XS-15"""
    made = plans(xsrf={"exempt": ["/hooks/"]})
    assert reason(made, "GET", "/hooks/a", socket=True, headers=EVIL) is Reason.CROSS_ORIGIN
    assert reason(made, "GET", "/hooks/a", headers=EVIL | {"upgrade": "websocket"}) is Reason.CROSS_ORIGIN


def test_a_class_that_says_what_is_exempt_is_believed_about_its_own_paths() -> None:
    made = (
        policy(xsrf={"exempt": ["/a/hook", "/hook"]})
        .at("/a/", xsrf=Xsrf())
        .at("/b/", xsrf={"exempt": ["/b/hook"]})
    )
    compiled = made.compile(ASGI)
    assert reason(compiled, path="/hook", headers=EVIL) is None
    assert reason(compiled, path="/a/hook", headers=EVIL) is Reason.CROSS_ORIGIN
    assert reason(compiled, path="/b/hook", headers=EVIL) is None


def test_an_exempt_path_can_still_hand_out_tokens() -> None:
    made = plans(xsrf={"exempt": ["/hook"]})
    assert TOKENS.is_visit(VISIT)
    assert exchange(made, "POST", "/hook").xsrf_token()


# --- path classes and odd paths


def test_an_odd_path_is_asked_what_the_strictest_class_asks() -> None:
    """PX-10"""
    made = policy(xsrf=None).at("/admin/", xsrf="on").compile(ASGI)
    assert reason(made, path="/x", headers=EVIL) is None
    assert reason(made, path="/admin/x", headers=EVIL) is Reason.CROSS_ORIGIN
    for path in ("//admin/x", "/x/../admin/x", "/admin//x", "/admin/x;y"):
        assert reason(made, path=path, headers=EVIL) is Reason.CROSS_ORIGIN
        assert reason(made, path=path, headers=HOME) is Reason.XSRF_COOKIE_MISSING


def test_a_form_on_an_odd_path_is_read_and_judged() -> None:
    """PX-10"""
    made = policy(xsrf=None).at("/admin/", xsrf="on").compile(ASGI)
    form = HOME | {"content-type": "application/x-www-form-urlencoded"}
    found = exchange(made, "POST", "//admin/x", headers=form, cookie=COOKIE)
    assert found.wants is Wants.FORM
    assert found.form_limit == 65_536
    found.read_form(b"xsrf_token=x", complete=True)
    assert found.refusal is not None
    assert found.refusal.reason is Reason.XSRF_MISMATCH


def test_the_questions_of_several_classes_are_joined_for_odd_paths() -> None:
    joined = strictest_of(
        [
            Xsrf(
                origin=False,
                allow_same_site=True,
                trusted_origins=("https://a.example", "https://b.example"),
                exempt=("/x",),
            ),
            Xsrf(
                token=False,
                allow_same_site=True,
                trusted_origins=("https://b.example",),
                api_schemes=("Key",),
            ),
            Xsrf(
                compare=True,
                trusted_origins=("https://b.example",),
                api_key_headers=("X-Key",),
                identity_headers=("X-I",),
            ),
        ]
    )
    assert (joined.origin, joined.token, joined.compare, joined.allow_same_site) == (True, True, True, False)
    assert (joined.trusted_origins, joined.api_schemes, joined.api_key_headers) == (
        ("https://b.example",),
        (),
        (),
    )
    assert joined.identity_headers == (*Xsrf().identity_headers, "X-I")


def test_one_class_is_its_own_strictest() -> None:
    assert strictest_of([Xsrf(field="f", api_schemes=("Key",))]) == Xsrf(field="f", api_schemes=("Key",))


def test_headers_follow_the_path_class_and_an_odd_path_gets_the_bases() -> None:
    """PX-10"""
    made = policy().at("/content/", frame_options=None).compile(ASGI)
    for table in (made.safe, made.unsafe, made.socket):
        assert values(table["/content/x"].plain.lines, "x-frame-options") == []
        assert values(table["/content/../x"].plain.lines, "x-frame-options") == ["DENY"]
        assert values(table["/x"].plain.lines, "x-frame-options") == ["DENY"]


def test_a_plan_knows_the_policy_of_its_class() -> None:
    made = policy().at("/content/", frame_options=None).compile(ASGI)
    assert made.safe["/content/x"].policy.frame_options is None
    assert made.safe["/content/x"].lax
    assert not made.safe["/x"].lax


# --- our own pages


@pytest.mark.parametrize("path", ["/_secmw/xsrf", "/_secmw/", "/_secmw/x/y"])
@pytest.mark.parametrize("request_", [{}, {"socket": True}, {"headers": {"upgrade": "h2c"}}])
def test_nothing_below_our_prefix_reaches_the_application(path: str, request_: Any) -> None:
    page = path == "/_secmw/xsrf" and not request_.get("socket")
    assert reason(plans(), "GET", path, **request_) is (Wants.PAGE if page else Reason.NOT_FOUND)


def test_our_pages_are_screened_like_any_other() -> None:
    assert reason(plans(), "POST", "/_secmw/xsrf", headers=EVIL) is Reason.CROSS_ORIGIN
    assert reason(plans(), "GET", "/_secmw/xsrf", host="evil.example") is Reason.HOST_NOT_ALLOWED


def test_our_pages_are_there_where_only_a_class_asks_for_tokens() -> None:
    made = policy(xsrf=None).at("/admin/", xsrf="on").compile(ASGI)
    found = exchange(made, "GET", "/_secmw/xsrf")
    assert served(found).status == 204


# --- hosts, redirects, screening


def test_the_host_of_public_url_is_allowed() -> None:
    made = plans(allowed_hosts=[".b.example"], public_url="https://app.example:8443/base")
    for host in ("app.example", "app.example:8443", "x.b.example"):
        assert made.sites[host].named
    assert made.sites["c.example"].refusal is not None


def test_without_any_host_any_is_answered_but_plain_http_is_refused() -> None:
    made = plans(public_url=None)
    assert reason(made, "GET", host="whatever.example") is None
    assert reason(made, "GET", host="whatever.example", scheme="http") is Reason.HTTPS_REQUIRED


def test_an_http_public_url_is_no_target_of_a_redirect() -> None:
    made = plans(public_url="http://app.example", https="off")
    assert reason(made, "GET", scheme="http") is None


def test_exempt_paths_answer_over_plain_http_but_not_in_another_spelling() -> None:
    """TR-11"""
    made = plans(http_exempt=["/health"])
    assert reason(made, "GET", "/health", scheme="http") is None
    for path in ("/health/", "/health;x", "//health", "/health/../health", "/Health"):
        assert reason(made, "GET", path, scheme="http") is Reason.REDIRECT_TO_HTTPS


def test_a_policy_that_screens_nothing_reads_nothing() -> None:
    made = plans(screening=False)
    assert made.wanted == frozenset()
    assert made.home is not None
    assert made.home.host == "app.example"
    assert reason(made, "TRACE", scheme="http", host="evil.example", headers=EVIL) is None
    assert reason(made, "GET", socket=True, headers=EVIL) is None


def test_a_policy_that_screens_nothing_and_knows_no_host_still_sends_hsts() -> None:
    home = plans(screening=False, public_url=None).home
    assert home is not None
    assert (home.named, home.locks, home.refusal) == (False, True, None)


# --- cookies


def hardened(line: str, **settings: Any) -> str:
    harden = plans(**{"cookies": {"apply_to": "all"}, **settings}).safe["/"].harden
    assert harden is not None
    return harden(line)[0]


def test_the_applications_cookies_are_left_alone_unless_asked() -> None:
    assert plans().safe["/"].harden is None


@pytest.mark.parametrize(
    ("settings", "secure"),
    [
        ({}, True),
        ({"https": "off"}, True),
        ({"public_url": None, "https": "off"}, False),
        ({"public_url": None, "https": "off", "force_secure": True}, True),
        ({"public_url": None}, True),
        ({"cookies": {"apply_to": "all", "secure": False}}, False),
    ],
)
def test_the_applications_cookies_are_secure_where_https_is_for_good(settings: Any, secure: bool) -> None:
    assert ("; Secure" in hardened("a=b", **settings)) == secure


def test_the_applications_cookies_follow_the_settings() -> None:
    cookies = {"apply_to": "all", "same_site": "Strict", "readable": ["theme"], "http_only": True}
    assert hardened("theme=dark", cookies=cookies) == "theme=dark; Secure; SameSite=Strict"
    assert hardened("id=1", cookies=cookies) == "id=1; Secure; HttpOnly; SameSite=Strict"


@pytest.mark.parametrize(
    ("settings", "vouched"),
    [
        ({}, False),
        ({"https": "off"}, False),
        ({"force_secure": True}, True),
    ],
)
def test_the_policy_may_vouch_for_https_that_the_server_does_not_see(settings: Any, vouched: bool) -> None:
    """TR-10"""
    assert plans(**settings).safe["/"].behind_tls is vouched


@pytest.mark.parametrize(
    ("twins", "folds", "looked_at"),
    [("never", False, False), ("always", True, False), ("incompatible", True, True)],
)
def test_the_user_agent_is_looked_at_only_where_twins_depend_on_it(
    twins: Any, folds: bool, looked_at: bool
) -> None:
    """CK-11"""
    made = plans(cookies=Cookies(same_site="None", legacy_twin=twins))
    assert made.folds is folds
    assert (b"user-agent" in made.marks) is looked_at
    assert (b"user-agent" in made.wanted) is looked_at


# --- what start-up says


def notices(**settings: Any) -> str:
    return "\n".join(plans(**settings).notices)


def test_a_sound_policy_has_nothing_to_say() -> None:
    assert plans().notices == ()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"xsrf": None}, "xsrf is off: pages of other sites"),
        ({"xsrf": {"origin": False}}, "xsrf.origin is off"),
        ({"xsrf": {"token": False}}, "xsrf.token is off"),
        ({"xsrf": {"exempt": ["/hook", "/hooks/"]}}, "xsrf asks nothing of /hook, /hooks/"),
        ({"paths": {"/api/": {"xsrf": None}}}, "xsrf is off below /api/"),
        ({"https": "off"}, "https is off"),
        ({"public_url": None}, "neither public_url nor allowed_hosts is set"),
        ({"screening": False}, "screening is off"),
        ({"frame_options": "ALLOWALL"}, "ALLOWALL"),
        ({"custom_headers": ["X-XSS-Protection: 1"]}, "X-XSS-Protection"),
        ({"trusted_proxies": ["203.0.113.9"]}, "203.0.113.9"),
    ],
)
def test_what_is_weaker_than_it_could_be_is_said_at_start_up(settings: Any, said: str) -> None:
    """RB-10, XS-15"""
    assert said in notices(**settings)


def test_the_note_about_an_unencrypted_link_can_be_kept_back() -> None:
    assert notices(trusted_proxies=["203.0.113.9"], no_warning=True) == ""
    assert notices(trusted_proxies=["10.0.0.0/8", "unix"]) == ""
    assert notices(trusted_proxies="server") == ""


def test_development_is_announced_loudly() -> None:
    made = Policy.development(secret_keys=[KEY], sessions=None).compile(ASGI)
    assert any("development preset" in notice for notice in made.notices)


def test_no_notice_shows_a_key() -> None:
    assert KEY[:16] not in notices(xsrf={"token": False}, public_url=None)


def test_plans_of_both_wires_say_the_same() -> None:
    asgi, wsgi = plans(ASGI), plans(WSGI)
    one, other = (plan.unsafe["/"] for plan in (asgi, wsgi))
    assert isinstance(one, Plan)
    assert sent(one.locked.lines) == sent(other.locked.lines)
    assert {WSGI.field(name.decode()) for name in asgi.wanted} == wsgi.wanted


# --- what a framework says of its routes


def test_a_path_whose_views_are_exempt_is_asked_nothing_by_unsafe_requests() -> None:
    made = policy().compile(ASGI, xsrf_exempt=lambda path: path == "/items/7/hook")
    assert reason(made, path="/items/7/hook", headers=EVIL) is None
    assert reason(made, path="/items/7", headers=EVIL) is Reason.CROSS_ORIGIN


def test_a_framework_exempts_no_handshake() -> None:
    made = policy().compile(ASGI, xsrf_exempt=lambda _: True)
    assert made.socket["/"].ask is not None
    assert made.unsafe["/"].ask is not made.socket["/"].ask


# --- headers of one response


def test_one_response_may_have_other_headers_and_all_else_stays() -> None:
    plan = plans().safe["/"]
    varied = plan.with_headers({"frame_options": None, "referrer_policy": "no-referrer"})
    usual = {
        name: value
        for name, value in plan.locked.lines
        if name not in (b"x-frame-options", b"referrer-policy")
    }
    found = dict(varied.locked.lines)
    assert found.pop(b"referrer-policy") == b"no-referrer"
    assert b"x-frame-options" not in found
    assert {name: value for name, value in found.items() if name != b"content-security-policy"} == {
        name: value for name, value in usual.items() if name != b"content-security-policy"
    }
    assert b"frame-ancestors" not in found.get(b"content-security-policy", b"")
    assert (varied.sessions, varied.lax, varied.tokens) == (plan.sessions, plan.lax, plan.tokens)


def test_it_varies_by_what_decided_as_before() -> None:
    plan = plans().unsafe["/"]
    assert plan.vary
    assert plan.with_headers({"frame_options": None}).vary == plan.vary


def test_headers_of_a_path_class_are_what_they_are_changed_from() -> None:
    made = policy().at("/content/", frame_options="SAMEORIGIN", referrer_policy="origin").compile(ASGI)
    found = dict(made.safe["/content/x"].with_headers({"frame_options": None}).locked.lines)
    assert b"x-frame-options" not in found
    assert found[b"referrer-policy"] == b"origin"


def test_the_same_headers_are_worked_out_once_and_made_up_ones_fill_no_memory() -> None:
    plan = plans().safe["/"]
    first = plan.with_headers({"frame_options": None})
    assert plan.with_headers({"frame_options": None}) is first
    for number in range(300):
        plan.with_headers({"custom_headers": [f"X-N: {number}"]})
    make: Any = plan.with_headers
    compiler = make.func.__self__
    assert len(compiler.varied) <= 256
    assert len(compiler.lines) <= 256 + 2


@pytest.mark.parametrize(
    "settings", [{"hsts": None}, {"xsrf": None}, {"sessions": None}, {"frame_option": "DENY"}]
)
def test_one_response_decides_nothing_but_headers(settings: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        plans().safe["/"].with_headers(settings)


def test_a_wrong_value_is_named() -> None:
    with pytest.raises(ConfigError, match="referrer_policy"):
        plans().safe["/"].with_headers({"referrer_policy": "maybe"})

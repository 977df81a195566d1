"""Cookies: ours as browsers must get them, the application's left alone or hardened, and what comes back sorted out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.testing import SetCookie
from tests.conformance.client import cookie_lines, fields, reason, seen
from tests.conformance.policies import ORIGIN
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from tests.conformance.client import Site
    from tests.conformance.stacks import Stack

VISIT: Final = "__Host-visit"
TOKEN: Final = "XSRF-TOKEN"


def _cookies(site: Site, target: str = "/_secmw/xsrf") -> dict[str, SetCookie]:
    parsed = {name: SetCookie.parse(line) for name, line in cookie_lines(site.get(target)).items()}
    return {name: cookie for name, cookie in parsed.items() if cookie is not None}


# --- ours -------------------------------------------------------------------------------------------------------------


def test_our_cookies_have_the_attributes_that_keep_them_ours(stack: Stack) -> None:
    """The visit is for nobody's script, the token is for ours; both Secure, host-only and Lax. (CK-01, XS-11)"""
    found = _cookies(stack.site("recommended"))
    assert set(found) == {VISIT, TOKEN}
    for cookie in found.values():
        assert (cookie.secure, cookie.path, cookie.domain, cookie.same_site) == (True, "/", None, "Lax")
        assert (cookie.max_age, cookie.expires, cookie.partitioned) == (None, None, False)
    assert (found[VISIT].http_only, found[TOKEN].http_only) == (True, False)


def test_our_cookies_are_set_when_the_application_asks_and_never_otherwise(stack: Stack) -> None:
    """Anonymous pages stay cacheable; a token that is there already is not set anew. (CK-12, CK-07)"""
    site = stack.site("recommended")
    assert set(_cookies(site, told(token=True))) == {VISIT, TOKEN}
    for quiet in (site.get("/"), site.get(told(nonce=True)), site.get("/", [("Cookie", f"{VISIT}=x")])):
        assert quiet.all("Set-Cookie") == []
    visit = site.visit()
    assert site.get(told(token=True), [("Cookie", visit.cookie)]).all("Set-Cookie") == []
    assert site.post("/", visit.headers()).all("Set-Cookie") == []
    # The visit is there, the token is gone: only the token comes.
    only_visit = next(pair for pair in visit.cookie.split("; ") if pair.startswith(VISIT))
    assert set(cookie_lines(site.get(told(token=True), [("Cookie", only_visit)]))) == {TOKEN}


def test_names_of_our_cookies_cost_no_points_with_scanners(stack: Stack) -> None:
    """None looks like a session or login cookie that would have to be what it is not. (CK-13)"""
    for policy in ("recommended", "strict", "development"):
        scheme = "http" if policy == "development" else "https"
        response = stack.site(policy).get("/_secmw/xsrf", scheme=scheme, host=_host(policy))
        for name in cookie_lines(response):
            assert not any(word in name.lower() for word in ("sess", "login", "csrf"))


def _host(policy: str) -> str:
    return "localhost" if policy == "development" else "app.example.org"


def test_no_cookie_of_ours_is_set_over_plain_http(stack: Stack) -> None:
    """Everybody on the way could read it. (TR-10)"""
    site = stack.site("plain")
    for target in ("/_secmw/xsrf", told(token=True)):
        assert site.get(target, scheme="http").all("Set-Cookie") == []
    assert site.get("/_secmw/xsrf").all("Set-Cookie") != []


def test_development_has_cookies_that_every_browser_keeps_on_localhost(stack: Stack) -> None:
    """No Secure and no prefix, on this machine alone. (CK-02)"""
    response = stack.site("development").get("/_secmw/xsrf", scheme="http", host="localhost:8000")
    lines = cookie_lines(response)
    assert set(lines) == {"visit", TOKEN}
    assert not any("Secure" in line for line in lines.values())


def test_embedding_gives_our_cookies_names_of_their_own(stack: Stack) -> None:
    """One name with and without Partitioned would live twice in a browser. (CK-10)"""
    found = _cookies(stack.site("embed"))
    assert f"{VISIT}-embed" in found
    assert VISIT not in found
    for cookie in found.values():
        assert (cookie.secure, cookie.same_site, cookie.partitioned) == (True, "None", True)
    response = stack.site("embed").get("/")
    assert response.header("X-Frame-Options") is None
    assert "frame-ancestors https://portal.example.org" in str(response.header("Content-Security-Policy"))


def test_an_application_cannot_set_a_cookie_of_ours_beside_ours(stack: Stack) -> None:
    """One Set-Cookie per name: where we set it, ours is the one. (CK-07)"""
    site = stack.site("recommended")
    own = [
        ("set-cookie", f"{VISIT}=mine; Path=/"),
        ("set-cookie", f"{TOKEN}=mine"),
        ("set-cookie", "theme=dark"),
    ]
    lines = cookie_lines(site.get(told(token=True, headers=own)))
    assert set(lines) == {VISIT, TOKEN, "theme"}
    assert not any("mine" in line for line in lines.values())


# --- the application's ------------------------------------------------------------------------------------------------


def test_set_cookie_lines_are_never_joined_and_never_changed_unasked(stack: Stack) -> None:
    """Dates hold commas, and the application's bytes are its own. (CK-07)"""
    own = [
        'a="quoted, with; comma"; Path=/',
        "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT",
        "c=; Max-Age=0",
        "d=4; Unknown=Yes; secure",
    ]
    response = stack.site("recommended").get(told(headers=[("set-cookie", line) for line in own]))
    assert response.all("Set-Cookie") == own


def test_the_applications_cookies_are_hardened_where_the_policy_says_so(stack: Stack) -> None:
    """What is missing is added, what is there stands, what cannot be a cookie goes. (CK-05, CK-06, CK-09)"""
    table = {
        "id=1": ["id=1; Secure; HttpOnly; SameSite=Lax"],
        "id=1; SameSite=Strict; secure; HTTPONLY": ["id=1; SameSite=Strict; secure; HTTPONLY"],
        "theme=dark; Path=/": ["theme=dark; Path=/; Secure; SameSite=Lax"],
        "id=; Max-Age=0; Path=/": ["id=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"],
        "=nameless; Path=/": [],
        "; Path=/": [],
    }
    site = stack.site("cookies")
    sent = {line: site.get(told(headers=[("set-cookie", line)])).all("Set-Cookie") for line in table}
    assert sent == table


# --- twins ------------------------------------------------------------------------------------------------------------


def test_a_cookie_for_other_sites_has_a_twin_that_is_the_same_but_for_samesite(stack: Stack) -> None:
    """Set together, and deleted together. (CK-11)"""
    site = stack.site("twins")
    lines = cookie_lines(site.get(told(headers=[("set-cookie", "id=1; Path=/x; Max-Age=60")])))
    assert lines == {
        "id": "id=1; Path=/x; Max-Age=60; Secure; HttpOnly; SameSite=None",
        "id-legacy": "id-legacy=1; Path=/x; Max-Age=60; Secure; HttpOnly",
    }
    gone = cookie_lines(site.get(told(headers=[("set-cookie", "id=; Path=/x; Max-Age=0")])))
    assert {name: "Max-Age=0" in line for name, line in gone.items()} == {"id": True, "id-legacy": True}
    ours = _cookies(site)
    assert set(ours) == {VISIT, f"{VISIT}-legacy", TOKEN, f"{TOKEN}-legacy"}
    for name, twin in ((VISIT, ours[f"{VISIT}-legacy"]), (TOKEN, ours[f"{TOKEN}-legacy"])):
        assert (twin.value, twin.secure, twin.same_site) == (ours[name].value, True, None)
        assert twin.http_only == ours[name].http_only


def test_the_application_sees_one_cookie_where_a_browser_sent_two(stack: Stack) -> None:
    """The primary wins; the twin counts where the primary is absent or empty, and is seen under its name. (CK-11)"""
    table = {
        "id=1; id-legacy=1": "id=1",
        "id-legacy=1": "id=1",
        "id=; id-legacy=1": "id=1",
        "id=1; id-legacy=2; theme=dark": "id=1; theme=dark",
        "theme=dark": "theme=dark",
    }
    site = stack.site("twins")
    found = {cookie: fields(seen(site.get("/", [("Cookie", cookie)])), "cookie") for cookie in table}
    assert found == {cookie: [expected] for cookie, expected in table.items()}
    # Twins are read only while the setting is on.
    off = stack.site("recommended").get("/", [("Cookie", "id=1; id-legacy=2")])
    assert fields(seen(off), "cookie") == ["id=1; id-legacy=2"]


def test_a_twin_carries_a_visit_and_a_disagreeing_one_does_not(stack: Stack) -> None:
    """What a browser that knows no SameSite=None sends is enough; what a sibling host plants is not. (CK-11)"""
    site = stack.site("twins")
    ours, other = _cookies(site), _cookies(site)
    visit, token = ours[VISIT].value, ours[TOKEN].value
    table = {
        f"{VISIT}={visit}": 200,
        f"{VISIT}-legacy={visit}": 200,
        f"{VISIT}=; {VISIT}-legacy={visit}": 200,
        f"{VISIT}={visit}; {VISIT}-legacy={other[VISIT].value}": 200,
        f"{VISIT}={other[VISIT].value}; {VISIT}-legacy={visit}": 403,
        f"{VISIT}-legacy={visit}; {VISIT}-legacy={other[VISIT].value}": 403,
    }
    headers = [("Origin", ORIGIN), ("X-XSRF-TOKEN", token)]
    found = {cookie: site.post("/", [*headers, ("Cookie", cookie)]).status for cookie in table}
    assert found == table


def test_connect_has_the_products_names_and_twins(stack: Stack) -> None:
    """`connect`: its cookie names, SameSite=None, and a twin for each. (CK-11, XS-11)"""
    ours = _cookies(stack.site("connect"))
    assert set(ours) == {"rsconnect-visit", "rsconnect-visit-legacy", "RSC-XSRF", "RSC-XSRF-legacy"}
    assert {name: cookie.same_site for name, cookie in ours.items() if not name.endswith("legacy")} == {
        "rsconnect-visit": "None",
        "RSC-XSRF": "None",
    }


# --- what comes back --------------------------------------------------------------------------------------------------


def test_two_different_visits_are_none(stack: Stack) -> None:
    """Nobody can say which is whose: refused. Equal ones are one, malformed ones hide nothing. (CK-08)"""
    site = stack.site("recommended")
    ours, other = _cookies(site), _cookies(site)
    visit, planted = f"{VISIT}={ours[VISIT].value}", f"{VISIT}={other[VISIT].value}"
    table = {
        visit: None,
        f"{visit}; {visit}": None,
        f"{visit}; {planted}": "xsrf_cookie_ambiguous",
        f"{planted}; {visit}": "xsrf_cookie_ambiguous",
        f"{VISIT}=short; {visit}": None,
        f"={visit}; a=1": "xsrf_cookie_missing",
        f"=; {visit}": None,
        f'bad="un;closed; {visit}; x="\\"': None,
        f"b\xe4d=\xff; {visit}": None,
        f"x{visit}": "xsrf_cookie_missing",
        f"{visit[:-1]}": "xsrf_cookie_missing",
        "a=1": "xsrf_cookie_missing",
        planted: "xsrf_mismatch",
    }
    if stack.has(Fact.ASCII_FIELDS):
        table[f"b\xe4d=\xff; {visit}"] = "xsrf_cookie_missing"
    headers = [("Origin", ORIGIN), ("X-XSRF-TOKEN", ours[TOKEN].value)]
    found = {}
    for cookie in table:
        response = site.post("/", [*headers, ("Cookie", cookie)])
        found[cookie] = None if response.status == 200 else reason(response)
    assert found == table


def test_cookies_in_two_lines_are_all_seen_or_the_request_is_refused(stack: Stack) -> None:
    """HTTP/1.1 has one Cookie line; a server that joins two with a comma leaves a visit that is none. (CK-08)"""
    site = stack.site("recommended")
    ours, other = _cookies(site), _cookies(site)
    visit, planted = f"{VISIT}={ours[VISIT].value}", f"{VISIT}={other[VISIT].value}"
    headers = [("Origin", ORIGIN), ("X-XSRF-TOKEN", ours[TOKEN].value)]
    split = site.post("/", [*headers, ("Cookie", "a=1"), ("Cookie", visit)], by_server=True)
    two = site.post("/", [*headers, ("Cookie", visit), ("Cookie", planted)], by_server=True)
    assert split.status in ((200,) if stack.interface == "asgi" else (200, 400, 403))
    assert two.status in (400, 403)
    if stack.interface == "asgi":
        assert reason(two) == "xsrf_cookie_ambiguous"


def test_a_token_of_another_visit_is_refused_with_its_own_cookie_planted(stack: Stack) -> None:
    """The tossed pair: cookie and header agree, the visit does not. (XS-01)"""
    site = stack.site("recommended")
    ours, other = _cookies(site), _cookies(site)
    cookie = f"{VISIT}={ours[VISIT].value}; {TOKEN}={other[TOKEN].value}"
    headers = [("Origin", ORIGIN), ("Cookie", cookie), ("X-XSRF-TOKEN", other[TOKEN].value)]
    assert reason(site.post("/", headers)) == "xsrf_mismatch"

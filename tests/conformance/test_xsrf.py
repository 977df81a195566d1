"""Cross-site request forgery: both questions, asked of every unsafe request whatever it is called and whatever it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.conformance.client import ClosedError, Visit, outcome, reason, seen
from tests.conformance.policies import HOST, ORIGIN
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from tests.conformance.client import Site
    from tests.conformance.stacks import Stack
    from tests.conformance.told import Line

EVIL: Final = "https://evil.example"


def _send(site: Site, visit: Visit | None, lines: list[Line], **settings: Any) -> str:
    carried = [] if visit is None else [("Cookie", visit.cookie), ("X-XSRF-TOKEN", visit.token)]
    return outcome(site.post("/", [*carried, *lines], **settings))


# --- which requests are asked ----------------------------------------------------------------------------------------

UNSAFE: Final = (
    "POST", "PUT", "PATCH", "DELETE", "MKCOL", "PROPFIND", "LOCK", "PURGE", "LINK", "REPORT", "BREW",
    "post", "Post", "get", "head", "options", "GETX", "G", "X-CUSTOM",
)  # fmt: skip


def test_every_method_that_is_not_safe_is_asked(stack: Stack) -> None:
    """Whatever its name; names are case-sensitive, so `get` is not GET. (XS-02)"""
    site = stack.site("recommended")
    for method in UNSAFE:
        try:
            response = site.request(method, "/", [("Origin", EVIL)], by_server=True)
        except ClosedError:
            continue  # the server knows no such method
        if response.status not in (400, 405, 501):
            # A HEAD has no body to tell.
            seen_as = (
                (seen(response)["method"] if response.body else "HEAD") if response.status == 200 else ""
            )
            # A server that writes `get` in capitals has made it the safe method it means.
            assert response.status == 403 or seen_as in ("GET", "HEAD", "OPTIONS"), (method, response.status)


def test_safe_methods_are_not_asked(stack: Stack) -> None:
    """A link from another site leads here. (XS-02, XS-04)"""
    site = stack.site("recommended")
    foreign = [("Origin", EVIL), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]
    for method in ("GET", "HEAD", "OPTIONS", "QUERY"):
        assert site.request(method, "/", foreign).status == 200, method


def test_trace_and_connect_are_405(stack: Stack) -> None:
    """They echo credentials, or ask for a tunnel. (XS-02)"""
    site = stack.site("recommended")
    for method in ("TRACE", "TRACK", "CONNECT", "trace"):
        for lines in ([], [("Origin", ORIGIN)]):
            try:
                response = site.request(method, "/", lines, by_server=True)
            except ClosedError:
                continue
            assert response.status in (400, 404, 405, 501), (method, response.status)


def test_an_override_makes_a_safe_request_unsafe(stack: Stack) -> None:
    """Frameworks turn GET with such a header into the method it names. (XS-02)"""
    site = stack.site("recommended")
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x-http-method-override"):
        for value in ("POST", "DELETE", "post", "GET", ""):
            assert outcome(site.get("/", [(name, value), ("Origin", EVIL)])) == "cross_origin", (name, value)
            assert site.post("/", [(name, "GET"), ("Origin", EVIL)]).status == 403
    visit = site.visit()
    lines = [("X-HTTP-Method-Override", "DELETE"), *visit.headers()]
    assert site.get("/", lines).status == 200


CONTENT_TYPES: Final = (
    "", "text/plain", "TEXT/PLAIN", "text/plain; charset=utf-8", "text/plain;application/json",
    "application/json", "Application/JSON", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "MULTIPART/FORM-DATA", "multipart/form-data", "multipart/mixed; boundary=x",
    "application/octet-stream", "application/xml", "text/html", "x", ";", "application/csp-report", "*/*",
    "application/graphql", "application/grpc-web", "\xff",
)  # fmt: skip


def test_no_content_type_is_exempt(stack: Stack) -> None:
    """text/plain forms, none at all, capitals, JSON: all asked both questions. (XS-03)"""
    site = stack.site("recommended")
    visit = site.visit()
    cookie = ("Cookie", visit.cookie)
    for kind in CONTENT_TYPES:
        lines = [("Content-Type", kind)] if kind else []
        body = b'{"a=": "b"}'
        if stack.has(Fact.OWN_FORMS) and "multipart/form-data" in kind.lower():
            # The server itself refuses a body that is none.
            body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
            lines = [("Content-Type", f"{kind.partition(';')[0]}; boundary=x")]
        assert outcome(site.post("/", [*lines, cookie, ("Origin", EVIL)], body)) == "cross_origin", kind
        assert outcome(site.post("/", [*lines, cookie, ("Origin", ORIGIN)], body)) in (
            "xsrf_missing",
            "form_malformed",
        ), kind
        assert outcome(site.post("/", [*lines, *visit.headers()], body)) == "passed", kind


# --- the first question ------------------------------------------------------------------------------------------------


def test_what_the_browser_says_of_the_site_decides(stack: Stack) -> None:
    """Sec-Fetch-Site first; a value nobody knows, or two, is none, and then Origin decides. (XS-04)"""
    site = stack.site("recommended")
    visit = site.visit()
    table: dict[tuple[str | None, str | None, str | None], str] = {
        # Sec-Fetch-Site, Sec-Fetch-Mode, Origin
        ("same-origin", "cors", ORIGIN): "passed",
        ("same-origin", "navigate", ORIGIN): "passed",
        ("same-origin", "navigate", None): "passed",
        ("same-origin", "navigate", "null"): "passed",
        ("none", "navigate", None): "passed",
        ("none", "navigate", "null"): "passed",
        ("none", "cors", None): "cross_origin",
        ("none", None, None): "cross_origin",
        ("same-site", "cors", "https://other.example.org"): "cross_origin",
        ("same-site", "navigate", "https://other.example.org"): "cross_origin",
        ("same-site", "navigate", None): "cross_origin",
        ("cross-site", "cors", EVIL): "cross_origin",
        ("cross-site", "navigate", EVIL): "cross_origin",
        ("cross-site", "navigate", None): "cross_origin",
        ("cross-site", "navigate", "null"): "cross_origin",
        # The page's own site says cross-site after a redirect through another; the trusted Origin still stands.
        ("cross-site", "cors", ORIGIN): "passed",
        ("bogus", "cors", ORIGIN): "passed",
        ("bogus", "cors", EVIL): "cross_origin",
        ("bogus", "cors", None): "passed",
        ("Same-Origin", "cors", EVIL): "cross_origin",
        ("SAME-ORIGIN", "cors", None): "passed",
        ("same-origin, same-origin", "cors", EVIL): "cross_origin",
        ("", "cors", EVIL): "cross_origin",
        (None, None, ORIGIN): "passed",
        (None, None, EVIL): "cross_origin",
        (None, None, None): "passed",
    }
    found = {}
    for case in table:
        names = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Origin")
        found[case] = _send(
            site, visit, [(name, value) for name, value in zip(names, case, strict=True) if value is not None]
        )
    assert found == table
    # Without the token the first question alone lets nothing through.
    first = {case: _send(site, None, [("Sec-Fetch-Site", "same-origin")]) for case in ("no token",)}
    assert first == {"no token": "xsrf_cookie_missing"}


def test_an_origin_is_compared_whole(stack: Stack) -> None:
    """Scheme, host and port, the default port left out; nothing that only looks like ours. (XS-05, XS-06)"""
    site = stack.site("recommended")
    visit = site.visit()
    table = {
        ORIGIN: "passed",
        f"{ORIGIN}:443": "passed",
        f"{ORIGIN}:8443": "cross_origin",
        f"http://{HOST}": "cross_origin",
        f"http://{HOST}:443": "cross_origin",
        f"http://{HOST}:80": "cross_origin",
        "null": "cross_origin",
        "NULL": "cross_origin",
        "": "cross_origin",
        f"{ORIGIN}.": "cross_origin",
        f"{ORIGIN}/": "cross_origin",
        f"{ORIGIN}/x": "cross_origin",
        f"{ORIGIN}?x": "cross_origin",
        f"https://user@{HOST}": "cross_origin",
        f"https://evil.example@{HOST}": "cross_origin",
        f"{ORIGIN}@evil.example": "cross_origin",
        f"{ORIGIN}.evil.example": "cross_origin",
        "https://evil-app.example.org": "cross_origin",
        "https://example.org": "cross_origin",
        "https://www.app.example.org": "cross_origin",
        "HTTPS://APP.EXAMPLE.ORG": "cross_origin",
        f"{ORIGIN} {ORIGIN}": "cross_origin",
        f"{ORIGIN},{ORIGIN}": "cross_origin",
        f"wss://{HOST}": "cross_origin",
        "file://": "cross_origin",
        "chrome-extension://abc": "cross_origin",
        HOST: "cross_origin",
        "https://app.ex\xe4mple.org": "cross_origin",
        "x" * 4000: "cross_origin",
    }
    found = {origin: _send(site, visit, [("Origin", origin)]) for origin in table}
    assert found == table
    two = site.post("/", [*visit.headers(), ("Origin", ORIGIN)], by_server=True)
    assert two.status in (400, 403)


def test_the_host_of_the_request_is_part_of_our_origin(stack: Stack) -> None:
    """A page of one of our hosts is foreign to another, unless it is trusted; the port is compared as numbers. (XS-05)"""
    site = stack.site("hosts")
    visit = site.visit()
    table = {
        ("example.com", "https://example.com"): "passed",
        ("example.com:443", "https://example.com"): "passed",
        ("example.com", "https://example.com:443"): "passed",
        ("example.com", "https://a.example.net"): "cross_origin",
        ("example.com:8443", "https://example.com"): "cross_origin",
        ("example.com:8443", "https://example.com:8443"): "passed",
        ("EXAMPLE.com", "https://example.com"): "passed",
        # public_url is ours wherever we are asked.
        ("example.com", ORIGIN): "passed",
    }
    found = {(host, origin): _send(site, visit, [("Origin", origin)], host=host) for host, origin in table}
    assert found == table


def test_trusted_origins_are_whole_origins(stack: Stack) -> None:
    """An https entry never admits http, another port, or what is below it. (XS-06)"""
    site = stack.site("friends")
    visit = site.visit()
    table = {
        "https://friend.example.com": "passed",
        "https://friend.example.com:443": "passed",
        "http://friend.example.com": "cross_origin",
        "https://x.friend.example.com": "cross_origin",
        "https://friend.example.com:8443": "cross_origin",
        "https://other.example.com:8443": "passed",
        "https://other.example.com": "cross_origin",
    }
    found = {origin: _send(site, visit, [("Origin", origin)]) for origin in table}
    assert found == table
    fetched = {
        origin: _send(site, visit, [("Origin", origin), ("Sec-Fetch-Site", "cross-site")]) for origin in table
    }
    assert fetched == table


def test_siblings_pass_only_where_the_policy_says_so(stack: Stack) -> None:
    """`allow_same_site`: and even there, not cross-site. (XS-04)"""
    site = stack.site("same-site")
    visit = site.visit()
    sibling = "https://other.example.org"
    assert _send(site, visit, [("Sec-Fetch-Site", "same-site"), ("Origin", sibling)]) == "passed"
    assert _send(site, visit, [("Sec-Fetch-Site", "cross-site"), ("Origin", sibling)]) == "cross_origin"
    assert _send(site, visit, [("Origin", sibling)]) == "cross_origin"


def test_plain_http_is_asked_the_same(stack: Stack) -> None:
    """With its own origin, which an https page's is not. (XS-06)"""
    site = stack.site("plain")
    visit = site.visit()
    table = {f"http://{HOST}": "passed", f"http://{HOST}:80": "passed", "http://evil.example": "cross_origin"}
    table |= {"null": "cross_origin", ORIGIN: "passed"}  # public_url's origin is trusted everywhere
    found = {origin: _send(site, visit, [("Origin", origin)], scheme="http") for origin in table}
    assert found == table


def test_a_referer_stands_in_where_nothing_else_is_said(stack: Stack) -> None:
    """Over https a foreign Referer is refused, our own passes, and none leaves it to the token. (XS-07)"""
    site = stack.site("recommended")
    visit = site.visit()
    table: dict[str | None, str] = {
        None: "passed",
        f"{ORIGIN}/": "passed",
        f"{ORIGIN}/a?b#c": "passed",
        f"{ORIGIN}:443/": "passed",
        ORIGIN: "passed",
        f"http://{HOST}/": "cross_origin",
        f"{EVIL}/{ORIGIN}": "cross_origin",
        f"{EVIL}/?{ORIGIN}/": "cross_origin",
        f"{ORIGIN}.evil.example/": "cross_origin",
        f"https://{HOST}@evil.example/": "cross_origin",
        f"https://[{HOST}/": "cross_origin",
        "": "cross_origin",
        "about:blank": "cross_origin",
        "//app.example.org/": "cross_origin",
        "\xff": "cross_origin",
    }
    found = {
        referer: _send(site, visit, [] if referer is None else [("Referer", referer)]) for referer in table
    }
    assert found == table
    # Origin, where there is one, is what counts.
    assert _send(site, visit, [("Origin", ORIGIN), ("Referer", f"{EVIL}/")]) == "passed"
    assert _send(site, visit, [("Origin", EVIL), ("Referer", f"{ORIGIN}/")]) == "cross_origin"


def test_without_the_second_question_silence_is_not_enough(stack: Stack) -> None:
    """A request with a cookie that says nothing of where it comes from is refused; one without has nobody's name. (XS-07)"""
    site = stack.site("origin-only")
    table: dict[tuple[tuple[str, str], ...], str] = {
        (): "passed",
        (("Cookie", "id=1"),): "origin_missing",
        (("Cookie", "id=1"), ("Origin", ORIGIN)): "passed",
        (("Cookie", "id=1"), ("Sec-Fetch-Site", "same-origin")): "passed",
        (("Cookie", "id=1"), ("Referer", f"{ORIGIN}/x")): "passed",
        (("Cookie", "id=1"), ("Origin", EVIL)): "cross_origin",
        (("Origin", EVIL),): "cross_origin",
    }
    assert {lines: outcome(site.post("/", lines)) for lines in table} == table
    assert outcome(stack.site("token-only").post("/", [("Origin", EVIL)])) == "xsrf_cookie_missing"
    only = stack.site("token-only")
    assert outcome(only.post("/", only.visit().headers(origin=EVIL))) == "passed"


# --- who is not asked -------------------------------------------------------------------------------------------------


def test_calls_with_an_api_credential_and_no_cookie_are_not_asked(stack: Stack) -> None:
    """No browser sends such a credential by itself; with a cookie, or a proxied identity, it might be one. (XS-15)"""
    site = stack.site("hooks")
    table: dict[tuple[tuple[str, str], ...], str] = {
        (("Authorization", "Bearer x"),): "passed",
        (("Authorization", "bearer x"),): "passed",
        (("Authorization", "Bearer x"), ("Origin", EVIL)): "passed",
        (("X-Api-Key", "k"),): "passed",
        (("Authorization", "Bearer x"), ("Cookie", "a=1")): "xsrf_cookie_missing",
        (("Authorization", "Bearer x"), ("Cookie", "")): "xsrf_cookie_missing",
        (("X-Api-Key", "k"), ("Cookie", "a=1")): "xsrf_cookie_missing",
        (("Authorization", "Bearer x"), ("X-Forwarded-User", "jane")): "xsrf_cookie_missing",
        (("Authorization", "Bearer x"), ("X-SSL-Client-Cert", "x")): "xsrf_cookie_missing",
        (("Authorization", "Basic amFuZTp4"),): "xsrf_cookie_missing",
        (("Authorization", "Negotiate x"),): "xsrf_cookie_missing",
        (("Authorization", "Bearer"),): "xsrf_cookie_missing",
        (("Authorization", "Bearer "),): "xsrf_cookie_missing",
        (("Authorization", "Bearerx x"),): "xsrf_cookie_missing",
        (("X-Api-Key", ""),): "xsrf_cookie_missing",
        (("X-Other-Key", "k"),): "xsrf_cookie_missing",
    }
    assert {lines: outcome(site.post("/", lines)) for lines in table} == table
    assert outcome(stack.site("recommended").post("/", [("X-Api-Key", "k")])) == "xsrf_cookie_missing"


def test_webhooks_are_exempt_by_path_alone(stack: Stack) -> None:
    """Exact paths, or below one that ends in a slash, on the path the application sees. (XS-15)"""
    site = stack.site("hooks")
    table = {
        "/hooks/github": 200,
        "/hooks/": 200,
        "/webhook": 200,
        "/webhook?x=1": 200,
        "/hooks": 403,
        "/webhook/": 403,
        "/webhook/x": 403,
        "/webhookx": 403,
        "/Webhook": 403,
        "/webhook%0a": 403,
        "/webhook%00": 403,
        "/webhook;x": 403,
        "/x/../webhook": 403,
        "/hooks/../account": 403,
        "/hooks/%2e%2e/account": 403,
        "/?/webhook": 403,
    }
    assert {path: site.post(path, [("Origin", EVIL)]).status for path in table} == table


def test_a_refusal_changes_nothing_and_says_nothing(stack: Stack) -> None:
    """403, no cookie set or cleared, nothing of the request on the page, no token anywhere. (XS-10, XS-14)"""
    site = stack.site("recommended")
    visit = site.visit()
    marker = "zx81marker"
    lines = [("Cookie", visit.cookie), ("Origin", f"https://{marker}.example"), ("X-XSRF-TOKEN", visit.token)]
    for accept in ("text/html", "application/json", "*/*"):
        response = site.post(f"/{marker}?{marker}", [*lines, ("Accept", accept)], marker.encode())
        assert response.status == 403
        assert response.all("Set-Cookie") == []
        assert marker.encode() not in response.body
        assert visit.token.encode() not in response.body
        assert not any(visit.token in value or marker in value for _, value in response.headers)
        assert response.header("Cache-Control") == "no-store"


def test_the_token_page_answers_reading_alone(stack: Stack) -> None:
    """`/_secmw/xsrf`: 204 to GET and HEAD, never the application's. (XS-11)"""
    site = stack.site("recommended")
    for method in ("GET", "HEAD"):
        response = site.request(method, "/_secmw/xsrf")
        assert (response.status, response.body, len(response.all("Set-Cookie"))) == (204, b"", 2)
        assert response.header("Cache-Control") == "no-store"
    visit = site.visit()
    assert site.post("/_secmw/xsrf", visit.headers()).status == 405
    assert site.post("/_secmw/xsrf", [("Origin", EVIL)]).status == 403
    for path in ("/_secmw/", "/_secmw/nothing", "/_secmw/xsrf/"):
        assert reason(site.get(path)) == "not_found"
    assert site.get("/_secmwx").status == 200

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import secmw.asgi
import secmw.wsgi
from secmw import Hooks, Policy
from secmw.cli.bench.study import Study, StudyError, study
from secmw.cli.bench.target import Target
from secmw.cli.bench.visitors import Wanted
from secmw.keys import new_key

#: Seconds; a study takes more where fewer rounds would say nothing.
SHORT = 0.02

#: Headers that are weighed like the others, so that a study of the rest is over sooner.
FEWER = (
    *("csp_report_only", "permissions_policy", "opener_policy", "resource_policy", "origin_agent_cluster"),
    *("dns_prefetch_control", "cross_domain_policies"),
)


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return Policy.recommended(
        secret_keys=[new_key()],
        public_url="https://app.example.org",
        store=f"sqlite:{tmp_path / 'sessions.db'}",
        **dict.fromkeys(FEWER),
    )


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


def of(app: Any, policy: Policy, **wanted: Any) -> Study:
    (found,) = study(Target.of(app), policy, [Wanted(**wanted)], seconds=SHORT)
    return found


@pytest.mark.parametrize("app", [asgi_app, wsgi_app])
def test_a_bare_application_is_measured_for_both_visitors(app: Any, policy: Policy, tmp_path: Path) -> None:
    found = of(app, policy)
    assert [visit.who for visit in found.visits] == ["a stranger", "somebody signed in"]
    assert found.url == "https://app.example.org/"
    for visit in found.visits:
        assert visit.status == 200
        assert visit.sizes[0] == len("Content-Type: text/plain\r\n")
        assert len(visit.alone.single) == len(visit.whole.single) > 0
        names = [row.part.name for row in visit.rows if row.time is not None]
        assert {"hosts", "HTTPS", "headers, all", "every question"} <= set(names)
    # A store that is asked would have made its file.
    assert list(tmp_path.iterdir()) == []


def test_the_bytes_of_a_header_are_those_that_leave_with_it(policy: Policy) -> None:
    (visit, *_) = of(wsgi_app, policy).visits
    sizes = {row.part.name: row.size for row in visit.rows}
    assert sizes["Referrer-Policy"] == len("Referrer-Policy: strict-origin-when-cross-origin\r\n")
    # frame_options has a say in the CSP as well.
    assert sizes["X-Frame-Options"] == len("X-Frame-Options: DENY\r\n; frame-ancestors 'none'")
    assert sizes["headers, all"] == visit.sizes[1] - visit.sizes[0]


def test_what_the_application_does_with_its_session_is_seen(policy: Policy) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        text = f"{environ['secmw'].session.user_id} {environ['secmw'].xsrf_token()}"
        start_response("200 OK", [])
        return [text.encode()]

    for visit in of(secmw.wsgi.Middleware(app, policy), policy, user="jane").visits:
        assert visit.use.token
        assert set(visit.uses) == set(visit.use.names()) >= {"token"}
        assert any("ready-made" in note for note in visit.notes)


def test_an_application_that_does_without_secmw_is_measured_without(policy: Policy) -> None:
    stranger, signed_in = of(secmw.wsgi.Middleware(wsgi_app, policy), policy).visits
    assert stranger.notes == ()
    assert "ready-made" in signed_in.notes[0]


@pytest.mark.parametrize("app", [asgi_app, wsgi_app])
def test_unsafe_requests_are_let_through_with_their_token(app: Any, policy: Policy) -> None:
    for visit in of(app, policy, method="POST", body=b"{}").visits:
        assert visit.status == 200
        assert {"origin of requests", "XSRF token"} <= {
            row.part.name for row in visit.rows if row.time is not None
        }


def test_a_proxy_that_is_trusted_is_a_part(policy: Policy) -> None:
    behind = Policy.from_mapping({**policy.written(), "trusted_proxies": ["10.0.0.0/8"]})
    (visit, *_) = of(wsgi_app, behind).visits
    assert "forwarding headers" in {row.part.name for row in visit.rows if row.time is not None}


def test_headers_are_timed_one_by_one_where_that_is_wanted(policy: Policy) -> None:
    (found,) = study(Target.of(wsgi_app), policy, [Wanted()], seconds=SHORT, each_header=True)
    assert all(row.time is not None for row in found.visits[0].rows if row.part.header)


@pytest.mark.parametrize("user", [None, "jane"])
@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_who_is_signed_in_stays_so_where_credentials_have_versions(
    policy: Policy, user: str | None, kind: str
) -> None:
    async def version(user_id: str) -> str:
        return f"{user_id} 7"

    hooks = Hooks(current_credentials_version=version if kind == "asgi" else lambda user_id: f"{user_id} 7")
    app: Any = (
        secmw.asgi.Middleware(asgi_app, policy, hooks=hooks)
        if kind == "asgi"
        else secmw.wsgi.Middleware(wsgi_app, policy, hooks=hooks)
    )
    found = of(app, policy, user=user)
    assert [visit.who for visit in found.visits] == ["a stranger", "somebody signed in"]


def test_several_paths_are_studied_on_one_start_of_the_application(policy: Policy) -> None:
    started = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            started.append(True)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await asgi_app(scope, receive, send)

    found = study(
        Target.of(secmw.asgi.Middleware(app, policy)),
        policy,
        [Wanted(target="/a"), Wanted(target="/b?c=d")],
        seconds=SHORT,
    )
    assert [one.url for one in found] == ["https://app.example.org/a", "https://app.example.org/b?c=d"]
    assert started == [True]


def test_a_session_that_grows_with_each_request_does_not_grow_for_long(policy: Policy) -> None:
    """So that the last request is no other than the first, and no limit is met."""
    small = Policy.from_mapping({**policy.written(), "sessions": {"max_size": 1024}})
    longest = 0

    def app(environ: Any, start_response: Any) -> list[bytes]:
        nonlocal longest
        cart = environ["secmw"].session.setdefault("cart", [])
        cart.append("apples")
        longest = max(longest, len(cart))
        start_response("303 See Other", [])
        return [b""]

    (found,) = study(Target.of(secmw.wsgi.Middleware(app, small)), small, [Wanted()], seconds=2)
    visit = found.visits[1]
    assert visit.use.changes
    assert len(visit.whole.single) > longest


# --- what can't be measured


def test_an_application_that_fails_stops_it(policy: Policy) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise ValueError("the password is geheim")

    with pytest.raises(
        StudyError, match=r"the application failed: ValueError in app\(\), test_study.py"
    ) as raised:
        of(app, policy)
    assert "geheim" not in str(raised.value)


def test_an_application_that_answers_500_stops_it(policy: Policy) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("503 Away", [])
        return [b""]

    with pytest.raises(StudyError, match="the application answers 503"):
        of(app, policy)


def test_an_application_that_answers_otherwise_the_second_time_stops_it(policy: Policy) -> None:
    answers = iter([200, 200, 404, 404])

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response(f"{next(answers)} ", [])
        return [b""]

    with pytest.raises(StudyError, match="200 at first, and 404 later"):
        of(app, Policy.from_mapping({**policy.written(), "sessions": None}))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"headers": (("Host", "evil.example"),)}, "400, host_not_allowed"),
        ({"base": "http://app.example.org"}, "sends this request elsewhere: 301 to https://app.example.org/"),
        ({"target": "/_secmw/xsrf"}, "a page of secmw's own answers it"),
        ({"method": "POST", "headers": (("X-XSRF-Token", "x"),)}, "403, xsrf_"),
        ({"method": "TRACE"}, "405"),
    ],
)
def test_a_request_that_the_policy_refuses_says_why(policy: Policy, wanted: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        of(wsgi_app, policy, **wanted)


def test_an_application_that_does_not_start_says_so(policy: Policy) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(StudyError, match="does not start"):
        of(app, policy)


def test_a_visitor_whose_session_is_ended_is_skipped_and_the_other_measured(policy: Policy) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        session = environ["secmw"].session
        if session.user_id is not None:
            session.logout()
        start_response("200 OK", [])
        return [b""]

    found = of(secmw.wsgi.Middleware(app, policy), policy)
    assert [visit.who for visit in found.visits] == ["a stranger"]
    (why,) = found.skipped
    assert why.startswith("somebody signed in: ")
    assert "--user" in why


def test_who_is_made_up_has_a_number_that_a_database_can_look_for(policy: Policy) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        user = environ["secmw"].session.user_id
        start_response("200 OK" if user is None or 0 < int(user) < 2**31 else "500 No", [])
        return [b""]

    assert len(of(secmw.wsgi.Middleware(app, policy), policy).visits) == 2


def test_an_application_that_fails_for_who_is_made_up_says_that_another_can_be_named(policy: Policy) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        known = environ["secmw"].session.user_id in (None, "jane")
        start_response("200 OK" if known else "500 No", [])
        return [b""]

    (why,) = of(secmw.wsgi.Middleware(app, policy), policy).skipped
    assert why.endswith("or name a user whom it knows with --user")
    assert of(secmw.wsgi.Middleware(app, policy), policy, user="jane").skipped == ()


def test_a_response_without_an_end_says_so(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secmw.cli.bench.driving.PATIENCE", 0.05)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"event", "more_body": True})
        await asyncio.Event().wait()

    with pytest.raises(StudyError, match=r"was not done after 0\.05 seconds"):
        of(app, policy)


# --- Django, which has one configuration for a process


PROJECT = """
import sys
from django.conf import settings
settings.configure(
    SECRET_KEY=50 * "not a secret, ", DEBUG=False, ALLOWED_HOSTS=["app.example.org"], ROOT_URLCONF=__name__,
    INSTALLED_APPS=["secmw_django"], MIDDLEWARE=["secmw_django.SecmwMiddleware"], SESSION_ENGINE="secmw_django.sessions",
    SECMW={"public_url": "https://app.example.org", "store": "sqlite:sessions.db"},
)
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(str(request.secmw.session.user_id)))]
wsgi, asgi = get_wsgi_application(), get_asgi_application()

from secmw.cli.bench.study import study
from secmw.cli.bench.target import Target
from secmw.cli.bench.visitors import Wanted
for app in (wsgi, asgi):
    target = Target.of(app)
    assert target.django and target.policy is not None
    (found,) = study(target, target.policy, [Wanted()], seconds=0.02)
    for visit in found.visits:
        print(found.asgi, visit.who, visit.status, visit.use.reads, visit.sizes[1] > visit.sizes[0])
"""


def test_a_django_project_is_measured_through_its_own_middleware(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROJECT], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == [
        f"{asgi} {who} 200 True True"
        for asgi in (False, True)
        for who in ("a stranger", "somebody signed in")
    ], done.stderr
    assert list(tmp_path.iterdir()) == []

"""The closure that stands for comparison is as right as secmw itself, with fewer things to do."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import parts, requests
from benchmarks.fused import FusedAsgi, FusedWsgi
from benchmarks.probe import Answer, ask

INTERFACES = pytest.mark.parametrize("asgi", [True, False], ids=["asgi", "wsgi"])


def _both(asgi: bool) -> tuple[Any, Any]:
    fused: Any = (
        FusedAsgi(requests.asgi_app, parts.whole()) if asgi else FusedWsgi(requests.wsgi_app, parts.whole())
    )
    return fused, fused.whole


def _said(answer: Answer) -> tuple[int, list[tuple[str, str]]]:
    return answer.status, sorted(answer.headers)


@INTERFACES
def test_an_ordinary_get_gets_the_same_answer(asgi: bool) -> None:
    fused, whole = _both(asgi)
    visitor = parts.Visitor(asgi=asgi)
    found = ask(fused, visitor.get(), asgi=asgi)
    assert found.status == 200
    assert _said(found) == _said(ask(whole, visitor.get(), asgi=asgi))


@INTERFACES
@pytest.mark.parametrize("kind", ["foreign", "elsewhere", "post"])
def test_whatever_else_is_asked_is_answered_by_secmw(asgi: bool, kind: str) -> None:
    fused, whole = _both(asgi)
    visitor = parts.Visitor(asgi=asgi)
    found = ask(fused, getattr(visitor, kind)(), asgi=asgi)
    assert _said(found) == _said(ask(whole, getattr(visitor, kind)(), asgi=asgi))


@INTERFACES
@pytest.mark.parametrize("line", [(b"host", b"elsewhere.example"), (b"x-forwarded-for", b"192.0.2.7")])
def test_a_header_that_needs_a_closer_look_gets_it(asgi: bool, line: tuple[bytes, bytes]) -> None:
    headers = (*requests.BROWSER, line)
    make: Any = requests.scope if asgi else requests.environ
    fused, whole = _both(asgi)
    seen: list[Any] = []

    def noticed(*request: Any) -> Any:
        seen.append(1)
        return whole(*request)

    fused.whole = noticed
    found = ask(fused, make("GET", headers), asgi=asgi)
    # An environ has one Host, and it is the last.
    assert seen == [1]
    assert _said(found) == _said(ask(whole, make("GET", headers), asgi=asgi))


@INTERFACES
def test_a_header_of_ours_is_not_sent_twice_but_told(asgi: bool) -> None:
    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"DENY")]})

    def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("X-Frame-Options", "DENY")])
        return []

    app: Any = FusedAsgi(asgi_app, parts.whole()) if asgi else FusedWsgi(wsgi_app, parts.whole())
    with pytest.raises(RuntimeError, match="no header of ours"):
        ask(app, parts.Visitor(asgi=asgi).get(), asgi=asgi)

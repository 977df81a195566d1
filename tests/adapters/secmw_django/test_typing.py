"""What type checkers make of the names that projects write; mypy looks at it, with django-stubs and no plugin."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View

import tests.adapters.secmw_django.site  # noqa: F401 - it sets Django up
from secmw import Policy, Session
from secmw.exchange import Exchange
from secmw_django import (
    LoginRequiredMixin,
    SecmwMiddleware,
    SudoRequiredMixin,
    conf,
    exchange_of,
    login_required,
    override,
    server_error,
    sudo_required,
    xsrf_exempt,
)
from secmw_django.current import current


@login_required
def orders(_request: HttpRequest, _number: int) -> HttpResponse:
    return HttpResponse()


@sudo_required
async def key(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@sudo_required(max_age=60)
@override(frame_options=None)
@xsrf_exempt
def hook(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@method_decorator(sudo_required(max_age=60), name="dispatch")
class Danger(SudoRequiredMixin, LoginRequiredMixin, View):
    sudo_max_age = 60

    def get(self, request: HttpRequest) -> HttpResponse:
        assert_type(self.demand(request), HttpResponse | None)
        return HttpResponse()


def test_a_decorated_view_has_the_type_that_it_had() -> None:
    threads: Callable[[HttpRequest, int], HttpResponse] = orders
    loop: Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]] = key
    answering: Callable[[HttpRequest], HttpResponse] = hook
    assert all(callable(view) for view in (threads, loop, answering))
    assert_type(Danger.as_view(), Callable[..., HttpResponseBase])


def test_what_is_at_hand_in_a_request_has_a_type() -> None:
    found = current()
    assert_type(found, Exchange | None)
    assert found is None

    def of(request: HttpRequest) -> Session:
        assert_type(exchange_of(request), Exchange)
        return exchange_of(request).session

    assert_type(conf.policy(), Policy)
    assert callable(of)
    assert callable(server_error)
    assert SecmwMiddleware.sync_capable
    assert SecmwMiddleware.async_capable

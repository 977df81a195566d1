"""SecmwMiddleware: three translations, no rule.

A Django request becomes an Exchange, the exchange's header lines go into the HttpResponse, and a refusal becomes one. It runs
in the colour of what follows it: with threads (:mod:`secmw_django.threads`), or on the event loop without a thread
(:mod:`secmw_django.loops`). These say when each of the three is due, and wait for the store meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponse

from secmw.clock import Clock, system
from secmw.http import SAFE_METHODS
from secmw_django import conf
from secmw_django.current import exchange_of
from secmw_django.loops import OnLoops
from secmw_django.responses import bare, keep_ours, lines_of, put
from secmw_django.routes import exempt, reached, rerouted
from secmw_django.threads import InThreads
from secmw_django.viewing import Viewing
from secmw_django.wires import screened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from secmw.exchange import Exchange
    from secmw.hooks import Hooks
    from secmw.http import Reply
    from secmw.policy import Policy
    from secmw.sinks.base import Sink


class SecmwMiddleware:
    """Put the policy of the project in front of everything else of Django; the first in ``MIDDLEWARE``.

    The exchange of a request is ``request.secmw`` and :func:`secmw_django.current.current`. The policy is made of ``SECMW`` and of
    Django's settings (:mod:`secmw_django.conf`); what is given here by name, in a subclass, counts more. Raise ConfigError,
    at once, for a policy whose parts can't be had. Where another layer of secmw has let a request through already, nothing
    is asked twice.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self,
        get_response: Callable[[HttpRequest], Any],
        *,
        policy: Policy | None = None,
        hooks: Hooks | None = None,
        store: Any = None,
        sinks: Sequence[Sink] = (),
        clock: Clock = system,
    ) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if policy is None:
            store = store or (conf.async_store() if self.is_async else conf.store())
        self.viewing = Viewing(
            conf.policy() if policy is None else policy,
            asynchronous=self.is_async,
            hooks=conf.hooks(asynchronous=self.is_async) if hooks is None else hooks,
            store=store,
            sinks=sinks,
            xsrf_exempt=exempt,
            clock=clock,
        )
        self.guard: Any = self.viewing.core.guard
        self.colour = OnLoops(self) if self.is_async else InThreads(self)
        if self.is_async:
            markcoroutinefunction(self)
            # Django would send the other one to a thread.
            vars(self)["process_view"] = self.aprocess_view

    # --- a request becomes an exchange

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request; where what follows is async, return a coroutine."""
        outer = screened(request)
        if outer is not None:
            return self.colour.step_aside(outer, request)
        return self.colour.serve(self.viewing.look(request), request)

    # --- the exchange's header lines go into the response

    def complete(self, exchange: Exchange, response: HttpResponseBase) -> None:
        """Give an application's response its headers."""
        keep_ours(exchange, response)
        given = lines_of(response, exchange.plan.wire)
        put(response, given, exchange.close(response.status_code, given), exchange.plan)

    # --- a refusal becomes a response

    def answer(self, exchange: Exchange, reply: Reply) -> HttpResponse:
        """Make a response of a reply of ours, with every header."""
        response = bare(reply)
        self.complete(exchange, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Refuse a request that was asked nothing on account of another view (see :mod:`secmw_django.routes`)."""
        if exchange_of(request).bound is not None:
            # Its token is right; what has csrf_protect above it, as the admin has, would ask for Django's besides.
            vars(request)["csrf_processing_done"] = True
        if request.method in SAFE_METHODS or reached(request.path_info, view):
            return None
        return bare(rerouted(request))

    async def aprocess_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Be :meth:`process_view` on an event loop."""
        return SecmwMiddleware.process_view(self, request, view, args, kwargs)

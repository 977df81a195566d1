"""A request in its thread: the guard waits for the store there, and what streams is written at its end. No rule lives here.

What :mod:`secmw_django.loops` does without a thread, step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.http import FileResponse

from secmw.errors import SessionError
from secmw.exchange import RECORD
from secmw_django.current import begin, end
from secmw_django.responses import closers, instead, keep_ours
from secmw_django.streams import Pieces, lost, pieces, started
from secmw_django.wires import ForThreads, rest

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from secmw.exchange import Exchange
    from secmw.guard import Guard
    from secmw.http import Reply
    from secmw_django.middleware import SecmwMiddleware


class InThreads:
    """Serve requests in threads, for a middleware that translates."""

    def __init__(self, middleware: SecmwMiddleware) -> None:
        self.middleware = middleware
        self.load_now: Any = middleware.viewing.core.load_now

    def serve(self, exchange: Exchange, request: HttpRequest) -> HttpResponseBase:
        """Serve one request in its thread."""
        token = begin(request, exchange)
        try:
            if exchange.wants is not None:
                reply = self.admit(exchange, request)
                if reply is not None:
                    return self.middleware.answer(exchange, reply)
            response: HttpResponseBase = self.middleware.get_response(request)
        except Exception:
            # Only where DEBUG_PROPAGATE_EXCEPTIONS has Django pass it on.
            self.failed(exchange, request)
            raise
        finally:
            end(token)
        return self.finished(exchange, request, response)

    def step_aside(self, exchange: Exchange, request: HttpRequest) -> HttpResponseBase:
        """Serve one request that another layer of secmw has let through, and completes."""
        token = begin(request, exchange)
        try:
            response: HttpResponseBase = self.middleware.get_response(request)
        finally:
            end(token)
        keep_ours(exchange, response)
        return response

    def admit(self, exchange: Exchange, request: HttpRequest) -> Reply | None:
        """Return what to answer instead of the application, or None to let the request through."""
        if exchange.wants is RECORD and self.load_now is not None:
            exchange.resume_now(self.load_now)
        if exchange.wants is None:
            return None
        guard: Guard = self.middleware.guard
        return guard.admit(exchange, ForThreads(rest(request)))

    def finished(
        self, exchange: Exchange, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Write what is due, and give the response its headers; or answer in its place."""
        try:
            if response.streaming and isinstance(request, WSGIRequest):
                started(response)
            reply = self.sent(exchange, request, response)
        except Exception as error:  # noqa: BLE001 - whatever it is, Django reports it as it does the errors of views
            self.failed(exchange, request)
            response = instead(response, response_for_exception(request, error))
            reply = self.sent(exchange, request, response)
        if reply is not None:
            return instead(response, self.middleware.answer(exchange, reply))
        came = exchange.held is not None or exchange.kept is not None
        if response.streaming and (came or exchange.plan.audited):
            self.follow(exchange, request, response)
        sweeper = self.middleware.guard.sweeper
        if came and sweeper is not None and sweeper.threadless:
            closers(response).append(sweeper.after_response)
        return response

    def sent(self, exchange: Exchange, request: HttpRequest, response: HttpResponseBase) -> Reply | None:
        """Write what is due and give a response its headers; return what to answer in its place, if anything."""
        reply = self.settle(exchange, request, response.status_code) if exchange.pending else None
        if reply is None:
            self.middleware.complete(exchange, response)
        return reply

    def settle(self, exchange: Exchange, request: HttpRequest, status: int) -> Reply | None:
        """Write and record what is due; return what to answer in the response's place, if anything."""
        guard: Guard = self.middleware.guard
        return guard.settle(exchange, status, ForThreads(rest(request)))

    def failed(self, exchange: Exchange, request: HttpRequest) -> None:
        """Carry out what a failed request has ended; nobody hears from us."""
        exchange.fail()
        if exchange.pending:
            self.settle(exchange, request, 500)

    def late(self, exchange: Exchange, request: HttpRequest, status: int) -> None:
        """Write what was asked for after the head had left; nobody can be told any more whether it went well."""
        if exchange.pending:
            try:
                self.settle(exchange, request, status)
            except SessionError as error:
                lost(error)
                # What it ended stays ended.
                self.settle(exchange, request, 500)

    def follow(self, exchange: Exchange, request: HttpRequest, response: Any) -> None:
        """Write at its end what a streaming response still asks for."""

        def late(status: int) -> None:
            self.late(exchange, request, status)

        if isinstance(response, FileResponse):
            return  # no code of the application runs in it
        if response.is_async:
            response.streaming_content = pieces(response.streaming_content, sync_to_async(late), None)
        else:
            response.streaming_content = Pieces(iter(response.streaming_content), late)

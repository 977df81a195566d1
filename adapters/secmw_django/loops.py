"""A request on its event loop: the guard waits for the store without a thread, and a stream ends with its session.

No rule lives here. What :mod:`secmw_django.threads` does in a thread, step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, sync_to_async
from django.core.handlers.exception import response_for_exception
from django.http import FileResponse

from secmw.asgi import Middleware
from secmw.errors import SessionError
from secmw.exchange import RECORD
from secmw.outliving import shielded
from secmw_django.current import begin, end
from secmw_django.responses import instead, keep_ours
from secmw_django.streams import Pieces, lost, pieces
from secmw_django.wires import ForLoops, rest

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from secmw.exchange import Exchange
    from secmw.guard import AsyncGuard
    from secmw.http import Reply
    from secmw_django.middleware import SecmwMiddleware


class OnLoops:
    """Serve requests on event loops, for a middleware that translates."""

    def __init__(self, middleware: SecmwMiddleware) -> None:
        self.middleware = middleware
        core = middleware.viewing.core
        self.load_now: Any = core.load_now
        self.watch = core.watch if isinstance(core, Middleware) else None

    async def serve(self, exchange: Exchange, request: HttpRequest) -> HttpResponseBase:
        """Serve one request on its event loop."""
        token = begin(request, exchange)
        try:
            if exchange.wants is not None:
                reply = await self.admit(exchange, request)
                if reply is not None:
                    return self.middleware.answer(exchange, reply)
            response: HttpResponseBase = await self.middleware.get_response(request)
        except Exception:
            await self.failed(exchange, request)
            raise
        except GeneratorExit:
            raise  # nobody runs this any more, so nothing can be waited for
        except BaseException:
            # The client has gone; what was ended stays ended.
            if exchange.pending:
                await shielded(self.late(exchange, request, 500))
            raise
        finally:
            end(token)
        return await self.finished(exchange, request, response)

    async def step_aside(self, exchange: Exchange, request: HttpRequest) -> HttpResponseBase:
        """Serve one request that another layer of secmw has let through, and completes."""
        token = begin(request, exchange)
        try:
            response: HttpResponseBase = await self.middleware.get_response(request)
        finally:
            end(token)
        keep_ours(exchange, response)
        return response

    async def admit(self, exchange: Exchange, request: HttpRequest) -> Reply | None:
        """Return what to answer instead of the application, or None to let the request through."""
        if exchange.wants is RECORD and self.load_now is not None:
            exchange.resume_now(self.load_now)
        if exchange.wants is None:
            return None
        guard: AsyncGuard = self.middleware.guard
        return await guard.admit(exchange, ForLoops(rest(request)))

    async def finished(
        self, exchange: Exchange, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Write what is due, and give the response its headers; or answer in its place."""
        try:
            reply = await self.sent(exchange, request, response)
        except Exception as error:  # noqa: BLE001 - whatever it is, Django reports it as it does the errors of views
            await self.failed(exchange, request)
            said = sync_to_async(response_for_exception, thread_sensitive=False)
            response = instead(response, await said(request, error))
            reply = await self.sent(exchange, request, response)
        if reply is not None:
            return instead(response, self.middleware.answer(exchange, reply))
        came = exchange.held is not None or exchange.kept is not None
        if response.streaming and (came or exchange.plan.audited):
            self.follow(exchange, request, response)
        return response

    async def sent(
        self, exchange: Exchange, request: HttpRequest, response: HttpResponseBase
    ) -> Reply | None:
        """Write what is due and give a response its headers; return what to answer in its place, if anything."""
        reply = await self.settle(exchange, request, response.status_code) if exchange.pending else None
        if reply is None:
            self.middleware.complete(exchange, response)
        return reply

    async def settle(self, exchange: Exchange, request: HttpRequest, status: int) -> Reply | None:
        """Write and record what is due; return what to answer in the response's place, if anything."""
        guard: AsyncGuard = self.middleware.guard
        return await guard.settle(exchange, status, ForLoops(rest(request)))

    async def failed(self, exchange: Exchange, request: HttpRequest) -> None:
        """Carry out what a failed request has ended; nobody hears from us."""
        exchange.fail()
        if exchange.pending:
            await self.settle(exchange, request, 500)

    async def late(self, exchange: Exchange, request: HttpRequest, status: int) -> None:
        """Write what was asked for after the head had left; nobody can be told any more whether it went well."""
        if exchange.pending:
            try:
                await self.settle(exchange, request, status)
            except SessionError as error:
                lost(error)
                # What it ended stays ended.
                await self.settle(exchange, request, 500)

    def follow(self, exchange: Exchange, request: HttpRequest, response: Any) -> None:
        """Write at its end what a streaming response still asks for, and end it with its session."""

        async def late(status: int) -> None:
            if exchange.pending:
                await shielded(self.late(exchange, request, status))

        def late_in_a_thread(status: int) -> None:
            if exchange.pending:
                async_to_sync(self.late)(exchange, request, status)

        if isinstance(response, FileResponse):
            return  # no code of the application runs in it
        if response.is_async:
            stream = None
            if self.watch is not None:
                stream = exchange.outliving = self.watch.stream(exchange)
            response.streaming_content = pieces(response.streaming_content, late, stream)
        else:
            response.streaming_content = Pieces(iter(response.streaming_content), late_in_a_thread)

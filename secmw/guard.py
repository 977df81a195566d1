"""Guard and AsyncGuard: the one place that waits. They fetch what an exchange wants and report what it refused.

The two are twins: take ``async`` and ``await`` away and they are the same text. No rule lives here.
"""

from __future__ import annotations

import logging
from typing import Protocol

from secmw.checks import Wants
from secmw.exchange import Exchange
from secmw.http import Reply

_log = logging.getLogger("secmw")


class Incoming(Protocol):
    """Be the rest of a request: its Accept header, and its body, which can be looked into before it is passed on."""

    @property
    def accept(self) -> str: ...

    def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all; loses none of them."""
        ...


class AsyncIncoming(Protocol):
    """Be an :class:`Incoming` whose body arrives in its own time."""

    @property
    def accept(self) -> str: ...

    async def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all; loses none of them."""
        ...


class Guard:
    """Wait for what exchanges want, in the thread of the request."""

    def admit(self, exchange: Exchange, incoming: Incoming) -> Reply | None:
        """Return what to answer instead of the application, or None to let the request through."""
        if exchange.wants is Wants.FORM:
            body, complete = incoming.peek(exchange.form_limit)
            exchange.resume(body, complete=complete)
        if exchange.wants is None:
            return None
        report(exchange)
        return exchange.reply(incoming.accept)


class AsyncGuard:
    """Wait for what exchanges want, without holding up the event loop."""

    async def admit(self, exchange: Exchange, incoming: AsyncIncoming) -> Reply | None:
        """Return what to answer instead of the application, or None to let the request through."""
        if exchange.wants is Wants.FORM:
            body, complete = await incoming.peek(exchange.form_limit)
            exchange.resume(body, complete=complete)
        if exchange.wants is None:
            return None
        report(exchange)
        return exchange.reply(incoming.accept)


def report(exchange: Exchange) -> None:
    """Log a refusal: reason, method, path and client, and the setting that would help; never a header's value."""
    refusal = exchange.refusal
    if refusal is None or refusal.status < 400:
        return
    _log.log(
        logging.WARNING if refusal.note else logging.INFO,
        "refused %d %s: %s %s from %s%s",
        refusal.status,
        refusal.reason,
        ascii(exchange.method)[1:-1],
        ascii(exchange.path),
        exchange.client,
        f" ({refusal.note})" if refusal.note else "",
    )


def report_twins(exchange: Exchange, names: tuple[str, ...]) -> None:
    """Log that twins disagreed with their cookies, which a sibling host can bring about; never the values."""
    # The list is the client's: a few names tell as much as a thousand.
    shown = ", ".join(ascii(name) for name in names[:5])
    _log.warning("ignored %d disagreeing -legacy cookies from %s: %s", len(names), exchange.client, shown)


def announce(notices: tuple[str, ...]) -> None:
    """Log what start-up has to say of a policy."""
    for notice in notices:
        _log.warning("%s", notice)

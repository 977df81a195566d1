"""Guard and AsyncGuard: the one place that waits. They fetch what an exchange wants, write what it asks for, and report.

The two are twins: take ``async`` and ``await`` away and they are the same text. No rule lives here.
"""

from __future__ import annotations

import logging
from typing import Any, Final, Protocol

from secmw.assembly import AsyncParts, Parts
from secmw.audit.action import Action
from secmw.checks import Bound, Wants
from secmw.errors import SinkError, StoreError
from secmw.exchange import Exchange
from secmw.http import Reason, Reply
from secmw.own.page import FORM_LIMIT, MALFORMED, Visit, fields
from secmw.sessions.demand import Asking
from secmw.sessions.identifier import SELECTOR_LENGTH
from secmw.sessions.recognising import met
from secmw.sessions.record import NOBODY, Over, Record, opened
from secmw.sessions.settlement import EndAll, EndOne, Outcome, Step
from secmw.sessions.writes import End

_log = logging.getLogger("secmw")

_VISIT: Final = Bound.VISIT

#: Refusals that speak of another site's page.
FOREIGN: Final = frozenset(
    {
        Reason.CROSS_ORIGIN,
        Reason.ORIGIN_MISSING,
        Reason.XSRF_MISSING,
        Reason.XSRF_MISMATCH,
        Reason.XSRF_COOKIE_MISSING,
        Reason.XSRF_COOKIE_AMBIGUOUS,
        Reason.SESSION_OVER,
    }
)
#: Refusals that the audit trail is told of: those that an attack may be behind, not every address typed wrong.
RECORDED: Final = FOREIGN | {
    Reason.HOST_NOT_ALLOWED,
    Reason.PEER_REWRITTEN,
    Reason.FORWARDED_AMBIGUOUS,
    Reason.FORWARDED_MALFORMED,
}


class Incoming(Protocol):
    """Be the rest of a request: its Accept header, and its body, which can be looked into before it is passed on."""

    @property
    def accept(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def query(self) -> bytes: ...
    @property
    def asking(self) -> Asking: ...

    def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all; loses none of them."""
        ...


class AsyncIncoming(Protocol):
    """Be an :class:`Incoming` whose body arrives in its own time."""

    @property
    def accept(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def query(self) -> bytes: ...
    @property
    def asking(self) -> Asking: ...

    async def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all; loses none of them."""
        ...


class Guard:
    """Wait for what exchanges want, in the thread of the request."""

    def __init__(self, parts: Parts) -> None:
        self.store = parts.store
        # Of a session that is just as it was there is nothing to read, to compare, nor to make.
        self.giver: Any = parts.store if gives_bytes(parts.store) and not parts.caller.versioned else None
        self.recorder = parts.recorder
        self.caller = parts.caller
        self.sweeper = parts.sweeper
        self.clock = parts.clock

    def admit(self, exchange: Exchange, incoming: Incoming) -> Reply | None:
        """Return what to answer instead of the application, or None to let the request through."""
        if exchange.wants is Wants.FORM:
            body, complete = incoming.peek(exchange.form_limit)
            exchange.read_form(body, complete=complete)
        if exchange.wants is Wants.RECORD:
            self.find(exchange)
        if exchange.wants is None:
            return None
        if exchange.wants is Wants.PAGE:
            self.serve(exchange, incoming)
        self.report(exchange)
        reply = exchange.reply(incoming.accept)
        if exchange.pending:
            return self.settle(exchange, reply.status, incoming) or reply
        return reply

    def find(self, exchange: Exchange) -> None:
        """Fetch the session whose id came with the request."""
        if self.store is None or exchange.presented is None:
            raise RuntimeError("there is no store to ask for a session")
        try:
            if self.giver is not None:
                kept = self.giver.load_bytes(exchange.presented[:SELECTOR_LENGTH])
                if recognised(exchange, kept):
                    return
                found = opened(exchange.selector or "", kept, exchange.started)
            else:
                found = self.store.load(exchange.selector or "")
        except StoreError as error:
            exchange.outage(str(error))
            return
        exchange.resume(found, exchange.started)
        record = None if not self.caller.versioned or exchange.mine is None else exchange.mine.loaded
        identity = NOBODY if record is None else record.identity
        if identity.user_id is not None:
            try:
                version = self.caller.version(identity.user_id, identity.credentials)
            except Exception as error:  # noqa: BLE001 - whatever the host's hook raises, nobody is let in for it
                _log.exception("current_credentials_version failed")
                exchange.outage(f"current_credentials_version failed: {type(error).__name__}")
            else:
                exchange.check_credentials(version)

    def serve(self, exchange: Exchange, incoming: Incoming) -> None:
        """Fetch what one of our own pages needs, and have it answer."""
        page, visit = exchange.page, Visit()
        user_id = "" if exchange.mine is None else exchange.mine.whose()[0]
        if page is None:
            raise RuntimeError("no page of ours was asked for")
        if exchange.method == "POST":
            body, complete = incoming.peek(FORM_LIMIT)
            form = fields(body) if complete else None
            if form is None:
                exchange.refuse(MALFORMED)
                return
            visit.form = form
        else:
            visit.form = fields(incoming.query) or {}
        try:
            if page.verifies and exchange.method == "POST" and user_id:
                visit.verified = self.caller.verify(user_id, visit.form.get("password", ""))
            if page.lists and user_id and self.store is not None:
                visit.records = self.store.of_user(user_id)
        except Exception as error:  # noqa: BLE001 - a store that is away, or a hook that fails: nobody is let in for it
            _log.exception("%s can't be served", exchange.path)
            exchange.outage(type(error).__name__)
            return
        exchange.answer(visit, incoming.asking)

    def settle(self, exchange: Exchange, status: int, incoming: Incoming) -> Reply | None:
        """Write and record what is due before the head of a response leaves; return what to answer in its place, if anything.

        Raise SessionError where the application put more into the session than it may hold; then nothing was written.
        """
        refused = exchange.refusal
        if self.sweeper is not None:
            self.sweeper.ensure_started()
        # The header has to be searched for, and is kept of who signs in.
        agent = incoming.agent if exchange.signs_in else ""
        settlement = exchange.settle(status, self.clock.now(), agent)
        if settlement is not None:
            while (step := settlement.next()) is not None:
                try:
                    settlement.outcome(step, self.carry_out(step))
                except StoreError as error:
                    _log.error("the session store is away: %s", error)
                    settlement.failed(step)
            exchange.settled(settlement)
        events, notes = exchange.told()
        if self.recorder is not None:
            for note in notes:
                self.recorder.note(note)
            if events:
                try:
                    self.recorder.record(events)
                except SinkError:
                    exchange.unrecorded()
        return None if exchange.refusal is refused else exchange.reply(incoming.accept)

    def carry_out(self, step: Step) -> Outcome:
        """Take one step."""
        store = self.store
        if store is None:
            raise RuntimeError("there is no store to write to")
        if isinstance(step, EndAll):
            return store.end_all(step.user_id, step.except_)
        if isinstance(step, EndOne):
            found = store.load(step.selector)
            if not isinstance(found, Record) or found.user_id != step.user_id:
                return None
            return store.write(End(selector=step.selector, at=self.clock.now(), reason=Over.REVOKED))
        return store.write(step)

    def report(self, exchange: Exchange) -> None:
        """Log a refusal, and have the trail record it if there are not too many of its kind."""
        report(exchange)
        refusal = exchange.refusal
        if self.recorder is not None and refusal is not None and refusal.reason in RECORDED:
            csrf = refusal.reason in FOREIGN
            exchange.note(
                Action.MALICIOUS_CSRF if csrf else Action.REQUEST_REFUSED,
                refusal.detail,
                outcome="refused",
                reason=str(refusal.reason),
            )

    def close(self) -> None:
        """Give back what the store and the trail hold."""
        if self.sweeper is not None:
            self.sweeper.close()
        if self.store is not None:
            self.store.close()
        if self.recorder is not None:
            self.recorder.close()


class AsyncGuard:
    """Wait for what exchanges want, without holding up the event loop."""

    def __init__(self, parts: AsyncParts) -> None:
        self.store = parts.store
        # Of a session that is just as it was there is nothing to read, to compare, nor to make.
        self.giver: Any = parts.store if gives_bytes(parts.store) and not parts.caller.versioned else None
        self.recorder = parts.recorder
        self.caller = parts.caller
        self.sweeper = parts.sweeper
        self.clock = parts.clock

    async def admit(self, exchange: Exchange, incoming: AsyncIncoming) -> Reply | None:
        """Return what to answer instead of the application, or None to let the request through."""
        if exchange.wants is Wants.FORM:
            body, complete = await incoming.peek(exchange.form_limit)
            exchange.read_form(body, complete=complete)
        if exchange.wants is Wants.RECORD:
            await self.find(exchange)
        if exchange.wants is None:
            return None
        if exchange.wants is Wants.PAGE:
            await self.serve(exchange, incoming)
        await self.report(exchange)
        reply = exchange.reply(incoming.accept)
        if exchange.pending:
            return await self.settle(exchange, reply.status, incoming) or reply
        return reply

    async def find(self, exchange: Exchange) -> None:
        """Fetch the session whose id came with the request."""
        if self.store is None or exchange.presented is None:
            raise RuntimeError("there is no store to ask for a session")
        try:
            if self.giver is not None:
                kept = await self.giver.load_bytes(exchange.presented[:SELECTOR_LENGTH])
                if recognised(exchange, kept):
                    return
                found = opened(exchange.selector or "", kept, exchange.started)
            else:
                found = await self.store.load(exchange.selector or "")
        except StoreError as error:
            exchange.outage(str(error))
            return
        exchange.resume(found, exchange.started)
        record = None if not self.caller.versioned or exchange.mine is None else exchange.mine.loaded
        identity = NOBODY if record is None else record.identity
        if identity.user_id is not None:
            try:
                version = await self.caller.version(identity.user_id, identity.credentials)
            except Exception as error:  # noqa: BLE001 - whatever the host's hook raises, nobody is let in for it
                _log.exception("current_credentials_version failed")
                exchange.outage(f"current_credentials_version failed: {type(error).__name__}")
            else:
                exchange.check_credentials(version)

    async def serve(self, exchange: Exchange, incoming: AsyncIncoming) -> None:
        """Fetch what one of our own pages needs, and have it answer."""
        page, visit = exchange.page, Visit()
        user_id = "" if exchange.mine is None else exchange.mine.whose()[0]
        if page is None:
            raise RuntimeError("no page of ours was asked for")
        if exchange.method == "POST":
            body, complete = await incoming.peek(FORM_LIMIT)
            form = fields(body) if complete else None
            if form is None:
                exchange.refuse(MALFORMED)
                return
            visit.form = form
        else:
            visit.form = fields(incoming.query) or {}
        try:
            if page.verifies and exchange.method == "POST" and user_id:
                visit.verified = await self.caller.verify(user_id, visit.form.get("password", ""))
            if page.lists and user_id and self.store is not None:
                visit.records = await self.store.of_user(user_id)
        except Exception as error:  # noqa: BLE001 - a store that is away, or a hook that fails: nobody is let in for it
            _log.exception("%s can't be served", exchange.path)
            exchange.outage(type(error).__name__)
            return
        exchange.answer(visit, incoming.asking)

    async def settle(self, exchange: Exchange, status: int, incoming: AsyncIncoming) -> Reply | None:
        """Write and record what is due before the head of a response leaves; return what to answer in its place, if anything.

        Raise SessionError where the application put more into the session than it may hold; then nothing was written.
        """
        refused = exchange.refusal
        if self.sweeper is not None:
            self.sweeper.ensure_started()
        # The header has to be searched for, and is kept of who signs in.
        agent = incoming.agent if exchange.signs_in else ""
        settlement = exchange.settle(status, self.clock.now(), agent)
        if settlement is not None:
            while (step := settlement.next()) is not None:
                try:
                    settlement.outcome(step, await self.carry_out(step))
                except StoreError as error:
                    _log.error("the session store is away: %s", error)
                    settlement.failed(step)
            exchange.settled(settlement)
        events, notes = exchange.told()
        if self.recorder is not None:
            for note in notes:
                await self.recorder.note(note)
            if events:
                try:
                    await self.recorder.record(events)
                except SinkError:
                    exchange.unrecorded()
        return None if exchange.refusal is refused else exchange.reply(incoming.accept)

    async def carry_out(self, step: Step) -> Outcome:
        """Take one step."""
        store = self.store
        if store is None:
            raise RuntimeError("there is no store to write to")
        if isinstance(step, EndAll):
            return await store.end_all(step.user_id, step.except_)
        if isinstance(step, EndOne):
            found = await store.load(step.selector)
            if not isinstance(found, Record) or found.user_id != step.user_id:
                return None
            return await store.write(End(selector=step.selector, at=self.clock.now(), reason=Over.REVOKED))
        return await store.write(step)

    async def report(self, exchange: Exchange) -> None:
        """Log a refusal, and have the trail record it if there are not too many of its kind."""
        report(exchange)
        refusal = exchange.refusal
        if self.recorder is not None and refusal is not None and refusal.reason in RECORDED:
            csrf = refusal.reason in FOREIGN
            exchange.note(
                Action.MALICIOUS_CSRF if csrf else Action.REQUEST_REFUSED,
                refusal.detail,
                outcome="refused",
                reason=str(refusal.reason),
            )

    async def close(self) -> None:
        """Give back what the store and the trail hold."""
        if self.sweeper is not None:
            self.sweeper.close()
        if self.store is not None:
            await self.store.close()
        if self.recorder is not None:
            await self.recorder.close()


def gives_bytes(store: Any) -> bool:
    """Say whether a store hands out the bytes of a session; what only passes questions on might answer for another one."""
    return hasattr(type(store), "load_bytes") or "load_bytes" in getattr(store, "__dict__", ())


def recognised(exchange: Exchange, raw: bytes | None) -> bool:
    """Let an exchange go on with the bytes of its session, if nothing else is asked of it (:func:`met`); say whether."""
    plan, cookie, now = exchange.plan, exchange.raw_cookie, exchange.started
    if plan.own or exchange.bound is _VISIT or exchange.held is not None:
        return False
    same = plan.sessions is not None and plan.sessions.familiar.same(cookie, raw, now)
    if not same and met(lambda _: raw, plan, cookie, now)[1] is None:
        return False
    exchange.kept = raw
    exchange.wants = None
    return True


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
    exchange.note(Action.COOKIE_TWIN_DISAGREES, shown, outcome="refused")


def never_started(exchange: Exchange) -> None:
    """Log what a server would have, had we not answered; where the client has gone it means nothing."""
    _log.warning(
        "the application never started a response: %s %s", ascii(exchange.method)[1:-1], ascii(exchange.path)
    )


def announce(notices: tuple[str, ...]) -> None:
    """Log what start-up has to say of a policy."""
    for notice in notices:
        _log.warning("%s", notice)

"""Place: the store of sessions, and the audit trail beside it, for what works outside of a request; each once a process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.signals import setting_changed

from secmw.assembly import Parts
from secmw.audit import open_trail
from secmw.audit.event import Event
from secmw.audit.recorder import Recorder
from secmw.clock import Clock, system
from secmw.errors import ConfigError, Problem
from secmw.guard import Guard
from secmw.hooks import NONE, Caller
from secmw.sessions.rules import rules
from secmw.stores import sealed
from secmw_django import conf
from secmw_django.sessions.naming import agree

if TYPE_CHECKING:
    from secmw.audit import Trail
    from secmw.sessions.rules import Rules
    from secmw.sessions.settlement import Happened, Outcome, Step
    from secmw.stores.base import Store


class Place(NamedTuple):
    """Hold what sessions need that no request brings along."""

    store: Store
    rules: Rules
    recorder: Recorder | None
    clock: Clock

    def carry_out(self, step: Step) -> Outcome:
        """Take one step of a settlement."""
        return Guard(Parts(self.store, None, Caller(NONE, self.clock), None, self.clock)).carry_out(step)

    def tell(self, happened: Sequence[Happened], now: float) -> None:
        """Have the trail record what happened; raise SinkError where it does not take it and the policy demands that."""
        if self.recorder is None or not happened:
            return
        self.recorder.record(
            [
                Event(
                    time=now,
                    user_id=one.identity.user_id or "",
                    user_description=one.identity.description,
                    action=str(one.action),
                    event_description=one.description,
                    selector=one.selector,
                    reason=one.reason,
                )
                for one in happened
            ]
        )


@cache
def place() -> Place | None:
    """Return where sessions live, None for a policy without; raise ConfigError for a wrong one."""
    policy = conf.policy()
    store = conf.store()
    wanted = rules(policy, can_verify=False)
    if store is None or wanted is None or policy.sessions is None:
        return None
    agree(wanted.cookie)
    if policy.sessions.seal:
        try:
            store = sealed(store, policy.secret_keys)
        except ValueError as error:
            raise ConfigError([Problem("sessions.seal", str(error), "True")]) from None
    return Place(store, wanted, recorder(), system)


@cache
def recorder() -> Recorder | None:
    """Return what records events outside of requests: in the trail's file, if it has one.

    A trail in memory is the middleware's own, and what happens outside of requests is not in it.
    """
    found = trail()
    return None if found is None else Recorder(found, settings=conf.policy().audit)


@cache
def trail() -> Trail | None:
    """Return the audit trail, None where there is none or where it is in the middleware's memory."""
    url = trail_url()
    if url is None or url.startswith("memory"):
        return None
    try:
        return open_trail(url)
    except ValueError as error:
        raise ConfigError([Problem("trail", str(error))]) from None


def trail_url() -> str | None:
    """Return where the audit trail is: where the policy says, or beside the sessions where those can hold it."""
    policy = conf.policy()
    if policy.trail is not None or policy.sessions is None:
        return policy.trail
    beside = policy.store or ""
    return beside if beside.startswith("sqlite") else "memory://"


def _forget(**_: Any) -> None:
    """Look again at settings that a test has changed."""
    place.cache_clear()
    recorder.cache_clear()
    trail.cache_clear()


setting_changed.connect(_forget, dispatch_uid="secmw_django.sessions.place")

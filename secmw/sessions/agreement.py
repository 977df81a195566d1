"""Agreement: what applications that share one store must have in common, kept beside their sessions. Pure.

A browser has one cookie for all of them, and each reads what the others wrote. Whoever comes first writes down how it has it;
whoever has it otherwise must not start. That is the cookie with its attributes, whether names have namespaces, whether the
store is sealed, and at least one secret key, which is told by its public id. What is written into each session at sign-in, as
its lifetime is, may differ.

It is kept as a record is, under a name that no session can have and with a verifier that no secret has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from secmw.errors import ConfigError, Problem
from secmw.keys import KeyRing
from secmw.sessions import codec
from secmw.sessions.record import FOREVER, Ended, Record
from secmw.sessions.writes import Create, Swap

if TYPE_CHECKING:
    from secmw.policy import Policy

#: What it is kept under.
KEPT_UNDER: Final = "secmw: shared"

_CHANGE: Final = (
    "give all of them the same, or this one a store of its own; to change it for all, end them all, forget what was agreed on"
    " with `secmw sharing --forget`, and start them again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Hold what one application brings, or what was agreed on.

    ``settings``: setting to value, as it is shown. ``keys``: public ids of the secret keys.
    """

    settings: dict[str, str]
    keys: tuple[str, ...]


def terms(policy: Policy) -> Terms:
    """Return what a policy brings; nothing where it has no sessions."""
    sessions, cookies = policy.sessions, policy.cookies
    if sessions is None:
        return NOTHING
    settings = {
        "sessions.cookie": repr(sessions.cookie),
        "sessions.namespace": "None" if sessions.namespace is None else "a namespace",
        "sessions.seal": repr(sessions.seal),
        "cookies.prefix": repr(cookies.prefix),
        "cookies.secure": repr(cookies.secure),
        "cookies.same_site": repr(cookies.same_site),
        "cookies.partitioned": repr(cookies.partitioned),
        "cookies.legacy_twin": repr(cookies.legacy_twin),
        "cookies.embedded": repr(cookies.embedded),
    }
    return Terms(settings=settings, keys=KeyRing(policy.secret_keys).ids)


def problems(mine: Terms, agreed: Terms) -> list[Problem]:
    """Find what an application has otherwise than it was agreed on."""
    found = [
        Problem(
            name, f"is {agreed.settings[name]} in the applications that share this store; {_CHANGE}", value
        )
        for name, value in mine.settings.items()
        if agreed.settings.get(name, value) != value
    ]
    if mine.keys and agreed.keys and not set(mine.keys) & set(agreed.keys):
        fix = (
            f"have no key in common with the applications that share this store, whose keys have the ids"
            f" {', '.join(agreed.keys)}: one that they have must be among these (`secmw keys rotate` replaces keys in two"
            f" phases); {_CHANGE}"
        )
        found.append(Problem("secret_keys", fix, f"keys with the ids {', '.join(mine.keys)}"))
    return found


def record(mine: Terms, now: float) -> Record:
    """Write down what the first application brings."""
    return Record(KEPT_UNDER, 0, now, now, FOREVER, FOREVER, 0, bytes(32), _written(mine))


def read(found: Record) -> Terms:
    """Read what was agreed on; raise ValueError for what we have not written."""
    data = codec.decode(found.data)
    settings, keys = data.get("settings"), data.get("keys")
    if not isinstance(settings, dict) or not isinstance(keys, list):
        raise ValueError("is no agreement")
    return Terms(
        settings={str(name): str(value) for name, value in settings.items()},
        keys=tuple(str(key) for key in keys),
    )


def step(
    mine: Terms, found: Record | Ended | None, now: float, *, anew: bool = False
) -> Create | Swap | None:
    """Return what is to be written before an application starts, given what stands there; None for nothing.

    Where it is not carried out another has come between, and what stands there then is to be looked at. ``anew``: what was
    agreed on counts for nothing. Raise ConfigError, with every problem, for an application that must not start.
    """
    if found is None:
        return Create(record=record(mine, now))
    if isinstance(found, Ended):
        # A fault of the disk: it goes with the next sweep, and the next to start writes it down.
        return None
    try:
        agreed = NOTHING if anew else read(found)
    except ValueError:
        agreed = NOTHING
    wrong = problems(mine, agreed)
    if wrong:
        raise ConfigError(wrong)
    # The keys are those of who started last: one that was dropped is not to come back, and no rotation skips a phase.
    data = _written(Terms(settings={**mine.settings, **agreed.settings}, keys=mine.keys or agreed.keys))
    if data == found.data:
        return None
    return Swap(at=now, before=found, after=replace(found, revision=found.revision + 1, seen=now, data=data))


def forget(found: Record | Ended | None, now: float) -> Swap | None:
    """Return what is to be written so that whoever starts next decides; None where nothing stands there."""
    if not isinstance(found, Record):
        return None
    after = replace(found, revision=found.revision + 1, seen=now, data=_written(NOTHING))
    return Swap(at=now, before=found, after=after)


def _written(these: Terms) -> bytes:
    values: dict[str, Any] = {"settings": dict(sorted(these.settings.items())), "keys": sorted(these.keys)}
    return codec.join({name: codec.encode(name, value) for name, value in values.items()})


NOTHING: Final = Terms(settings={}, keys=())

__all__ = ["KEPT_UNDER", "NOTHING", "Terms", "forget", "problems", "read", "record", "step", "terms"]

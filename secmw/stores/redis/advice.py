"""What of a Redis is weaker than sessions need, judged by its URL and by what it says of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from secmw.stores.link import leaves
from secmw.stores.redis.asking import Ask, Refused
from secmw.stores.redis.where import Where

QUESTION: Final = Ask([(b"INFO",), (b"CONFIG", b"GET", b"save")], reading=True)
"""What each master is asked; the second is refused where somebody else manages it."""

_OLDEST: Final = (6, 2)


def exposed(where: Where) -> Iterator[str]:
    """Say what to change about the way there, if anybody may be on it."""
    hosts = [node.host for node in where.nodes] or [where.host]
    if not where.tls and any(map(leaves, hosts)):
        kind = f"+{where.kind}" if where.kind else ""
        name = where.master or hosts[0]
        yield f"{name} is asked in the clear, and anybody on the way may answer in its place: write rediss{kind}://"


def judge(name: str, answers: Sequence[Any], where: Where, *, copied: bool = False) -> Iterator[str]:
    """Say what to change about a master: a sentence each.

    ``copied``: whether any master of its Cluster has a replica.
    """
    info, config = answers
    if isinstance(info, Refused):
        yield f"{name} does not say how it is set up: {info.code}; allow INFO, or look yourself"
        return
    told = dict(line.partition(":")[::2] for line in info.decode(errors="replace").splitlines())
    yield from _old(name, told)
    if told.get("role") == "slave":
        yield f"{name} is a replica, and refuses to change anything: name its master"
        return
    yield from _forgetful(name, told, None if isinstance(config, Refused) else config[1])
    policy = told.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and told.get("maxmemory", "0") != "0":
        yield f"{name} throws away sessions that live when it is full ({policy}): set maxmemory-policy noeviction"
    yield from _lonely(name, told, where, copied=copied)


def _old(name: str, told: dict[str, str]) -> Iterator[str]:
    version = told.get("redis_version", "")
    numbers = version.split(".")[:2]
    if all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) < _OLDEST:
        yield f"{name} is a Redis {version}: sessions need 6.2"


def _forgetful(name: str, told: dict[str, str], save: bytes | None) -> Iterator[str]:
    """Judge what is left after a crash; who had signed out before it must not be signed in."""
    if told.get("aof_enabled") == "1":
        if told.get("aof_last_write_status") == "err":
            yield f"{name} can't write its append-only file: see its log"
    elif save == b"":
        yield f"{name} keeps nothing on a disk, and a restart ends every session: set appendonly yes"
    elif save is None:
        yield (
            f"{name} has no append-only file, and CONFIG is refused, so that nobody can tell from here what is left "
            "after a crash: see that it is kept on a disk"
        )
    else:
        yield (
            f"{name} forgets in a crash what has changed since its last snapshot, and who had signed out is signed "
            "in: set appendonly yes"
        )


def _lonely(name: str, told: dict[str, str], where: Where, *, copied: bool) -> Iterator[str]:
    """Judge who else has what ends a session."""
    online = sum(key.startswith("slave") and "state=online" in value for key, value in told.items())
    needed = where.copies
    if where.kind == "cluster" and where.confirm is None and not copied:
        needed = 0
    if where.kind and not online and not needed:
        yield f"{name} has no replica: when it fails, its sessions are gone until it is back"
    elif online and not needed:
        yield (
            f"{name} has a replica that need not confirm anything, so that a session which has ended may live again "
            "when it takes over: write confirm=1 into the URL"
        )
    elif online < needed:
        yield f"{name} has {online} of the {needed} replicas that confirm an end: nobody can sign out"
    elif where.kind and online == needed:
        yield f"{name} can't spare a replica: when one takes over or fails, nobody can sign out; add one"

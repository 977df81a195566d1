"""Everything that changes who somebody is, at once and with one cookie: rotation, sudo, login, logout, and some data.

Nobody can say who comes first. What can be said is what must be so afterwards, whoever did, and that is all that is
asked here.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.races.site import Answer, Broken, Client, View, selector_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What may be asked at once, and how often.
_VERBS: Final = {
    "rotate": 3,
    "sudo": 3,
    "logout": 1,
    "login=own": 1,
    "login=other": 1,
    "put": 2,
    "see": 1,
    "drop_sudo": 1,
}
_AT_ONCE: Final = 6

_MOVES: Final = frozenset({"rotate", "sudo"})
_LEAVES: Final = frozenset({"logout", "login=own", "login=other"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deed:
    """Be one of the requests, and its answer."""

    verb: str
    number: int
    answer: Answer

    @property
    def done(self) -> bool:
        """Whether it was carried out, by the user who began it."""
        return self.answer.status == 200 and self.answer.views[0].user is not None

    @property
    def gave(self) -> str:
        """The selector of the cookie it gave, "" for none."""
        return selector_of(self.answer.cookie or "")

    def __str__(self) -> str:
        given = {None: "", "": " clears"}.get(self.answer.cookie, f" gives {self.gave}")
        return f"{self.verb} {self.answer.status}{given}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """Be what was played: with which cookie, whose, and whether elevated from the start."""

    start: str
    own: str
    other: str
    elevated: bool
    held: bool
    deeds: tuple[_Deed, ...]

    @property
    def left(self) -> bool:
        """Whether somebody ended the session all began with."""
        return any(deed.done and deed.verb in _LEAVES for deed in self.deeds)

    @property
    def doubtful(self) -> bool:
        """Whether the store was too busy for one of them: then nobody can say how far it came."""
        return any(deed.answer.away for deed in self.deeds)

    def sent(self, selector: str) -> list[str]:
        """Return the cookies that were given for a session."""
        return [deed.answer.cookie or "" for deed in self.deeds if selector and deed.gave == selector]


async def whatever_the_order(client: Client, turn: int) -> None:
    """Rotation, sudo, login and logout at once: one consistent outcome. (SE-04, SE-08, SE-09, SE-22, SU-02)"""
    chance = random.Random(turn)  # noqa: S311 - the same rounds each time, not a secret
    own, other = client.name("own", turn), client.name("other", turn)
    start = await client.sign_in(own, worker=turn)
    elevated = turn % 3 == 0
    if elevated:
        start = (await client.done("sudo", start, worker=turn)).cookie or ""
    verbs = chance.choices([*_VERBS], weights=[*_VERBS.values()], k=_AT_ONCE)
    # Held: everyone has read the session before anyone changes it. Otherwise they fall where they fall.
    gate = client.gate(turn) if turn % 2 else None
    asked = []
    for number, verb in enumerate(verbs):
        names = {"login=own": f"login={own}", "login=other": f"login={other}", "put": f"put=p{number}"}
        wait = f"wait={gate.name}&" if gate else ""
        steps = f"see&{wait}{names.get(verb, verb)}&see"
        asked.append(client.start(steps, start, worker=turn + number, gate=gate))
    if gate:
        await gate.arrived(*asked)
        gate.open()
    answers = await asyncio.gather(*asked)
    played = _Round(
        start=start,
        own=own,
        other=other,
        elevated=elevated,
        held=gate is not None,
        deeds=tuple(
            _Deed(verb=verb, number=number, answer=answer)
            for number, (verb, answer) in enumerate(zip(verbs, answers, strict=True))
        ),
    )
    client.repeats += played.doubtful
    try:
        _judge_answers(played)
        living = await living_of(
            client, turn, {start, *(d.answer.cookie for d in played.deeds if d.answer.cookie)}
        )
        _judge_cookies(played, living)
        if not played.doubtful:
            await _judge_lists(client, played, living)
    except Broken as broken:
        story = "; ".join(map(str, played.deeds))
        raise Broken(f"{broken} [{selector_of(start)}: {story}]") from None


def _judge_answers(played: _Round) -> None:
    """Judge each answer by itself, and the winners among the rotations."""
    first = selector_of(played.start)
    rotations = [deed for deed in played.deeds if deed.verb == "rotate" and deed.gave == first]
    if len(rotations) > 1:
        raise Broken(f"{len(rotations)} rotations of one verifier all won")
    for deed in played.deeds:
        began, *_ = users = [view.user for view in deed.answer.views] or [None]
        if began not in (played.own, None) or (played.held and deed.answer.views and began is None):
            raise Broken(f"{deed.verb} of {played.own} began as {began}")
        if not set(users) <= {played.own, played.other, None}:
            raise Broken(f"{deed.verb} saw {users}")
        if deed.answer.cookie == "" and deed.verb != "logout":
            raise Broken(f"a late answer to {deed.verb} clears the cookie")
        if deed.gave and began is not None and deed.verb not in _MOVES | _LEAVES:
            raise Broken(f"a late answer to {deed.verb} gives a cookie")
        if deed.gave and not deed.verb.startswith("login") and deed.answer.over == "replaced":
            raise Broken(f"{deed.verb} from before a sign-in gives a cookie")
        if deed.gave and deed.verb in _MOVES and deed.gave != first:
            raise Broken(f"{deed.verb} gave a cookie of another session")
        # A verifier that was never elevated sees nothing of what another request was granted meanwhile.
        if not played.elevated and deed.verb != "sudo" and any(view.sudo for view in deed.answer.views):
            raise Broken(f"{deed.verb} saw sudo with a verifier of before it was granted")


def _judge_cookies(played: _Round, living: Mapping[str, Mapping[str, View]]) -> None:
    """Judge what each cookie opens after everything was answered."""
    first = selector_of(played.start)
    for selector, cookies in living.items():
        if len(cookies) > 1:
            raise Broken(f"{len(cookies)} cookies open one session, {selector}")
    if played.left and first in living:
        raise Broken("the session was left, and a cookie still opens it")
    if played.sent(first) and played.start in living.get(first, {}):
        raise Broken("the verifier was replaced, and the one before opens the session")
    if not played.left and not played.doubtful:
        _judge_survivor(played, living.get(first, {}))
    for deed in played.deeds:
        if deed.answer.status == 200 and deed.verb.startswith("login"):
            user = played.own if deed.verb == "login=own" else played.other
            found = [view.user for view in living.get(deed.gave, {}).values()]
            if found != [user]:
                raise Broken(f"{user} signed in, and the cookie opens {found}")


def _judge_survivor(played: _Round, living: Mapping[str, View]) -> None:
    """Judge the session that nobody has left: one cookie opens it, and it holds what was put."""
    if len(living) != 1:
        raise Broken(f"nobody left the session, and {len(living)} cookies open it")
    (view,) = living.values()
    if view.user != played.own:
        raise Broken(f"the session of {played.own} is one of {view.user}")
    missing = {f"p{deed.number}" for deed in played.deeds if deed.verb == "put" and deed.done} - set(
        view.data
    )
    if missing:
        raise Broken(f"{sorted(missing)} was put and is not there")
    granted = any(deed.verb == "sudo" and deed.gave for deed in played.deeds)
    # To drop what one has not is nothing.
    dropped = played.elevated and any(deed.verb == "drop_sudo" and deed.done for deed in played.deeds)
    if view.sudo and not granted and (dropped or not played.elevated):
        raise Broken("the session has sudo, which nobody was granted or which was dropped")
    if not view.sudo and not dropped and (granted or played.elevated):
        raise Broken("sudo was granted, and is not there")


async def _judge_lists(client: Client, played: _Round, living: Mapping[str, Mapping[str, View]]) -> None:
    """Compare what the store says of each user with what there are cookies for: no session is nobody's."""
    for user in (played.own, played.other):
        listed = {record.selector for record in await asyncio.to_thread(client.store.of_user, user)}
        known = {
            selector
            for selector, found in living.items()
            if any(view.user == user for view in found.values())
        }
        if listed != known:
            raise Broken(f"{user} has cookies for {sorted(known)}, and sessions {sorted(listed)}")


async def living_of(client: Client, turn: int, cookies: set[str]) -> dict[str, dict[str, View]]:
    """Return, by selector, each cookie that opens a session, and what is seen through it.

    A verifier that has just been replaced is told to come back, with the new one; it opens nothing.
    """
    found: dict[str, dict[str, View]] = defaultdict(dict)
    for place, cookie in enumerate(sorted(cookies)):
        answer = await client.ask("see", cookie, worker=turn + place)
        if answer.away:
            answer = await client.done("see", cookie, worker=turn + place)
        if answer.views and answer.view.user is not None:
            found[selector_of(cookie)][cookie] = answer.view
    return dict(found)

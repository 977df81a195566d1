"""One browser, many tabs: each does one thing after another with whatever cookie the browser holds by then.

Nothing is held here. What must be so is said of moments: what an answer has promised holds for every request that begins
after it, whoever sends it, with whichever cookie.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from tests.races.at_once import living_of
from tests.races.site import WORKERS, Answer, Broken, Client, selector_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERBS: Final = {
    "rotate": 3,
    "sudo": 2,
    "drop_sudo": 1,
    "logout": 1,
    "login=own": 2,
    "login=other": 1,
    "revoke_others": 1,
    "revoke_all": 1,
    "put": 4,
    "see": 3,
}
_TABS: Final = 4
_STEPS: Final = 6

#: How likely a person who is signed out signs in again.
_RETURNS: Final = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """Be one request: when it began and was answered, in an order that all tabs share."""

    verb: str
    began: int
    answered: int
    cookie: str
    answer: Answer

    @property
    def opened(self) -> str:
        """The selector of the session that the cookie opened, "" for none."""
        views = self.answer.views
        return views[0].selector or "" if views else ""

    @property
    def user(self) -> str | None:
        """Whose session that was."""
        return self.answer.views[0].user if self.opened else None

    @property
    def gave(self) -> str:
        """The selector of the cookie it gave, "" for none."""
        return selector_of(self.answer.cookie or "")

    @property
    def replaced(self) -> bool:
        """Whether the verifier that was presented is none any more."""
        return self.verb in ("rotate", "sudo") and bool(self.answer.cookie)

    def __str__(self) -> str:
        given = {None: "", "": " clears"}.get(self.answer.cookie, f" gives {(self.answer.cookie or '')[-6:]}")
        return (
            f"{self.began}-{self.answered} {self.verb} with {self.cookie[-6:] or 'none'}"
            f" {self.answer.status} as {self.user}{given}"
        )


@dataclass(kw_only=True)
class _Browser:
    """Hold the one cookie that all tabs share, whether it was a stranger's when last heard of, and what happened."""

    cookie: str
    stranger: bool = False
    moments: Iterator[int] = field(default_factory=count)
    events: list[_Event] = field(default_factory=list)


async def a_browser_with_many_tabs(client: Client, turn: int) -> None:
    """What was answered holds for whatever begins afterwards, and each session has one cookie. (SE-04, SE-08, SE-15, SE-22)"""
    users = {"own": client.name("tabs", turn), "other": client.name("stranger", turn)}
    # A second browser of the same user, for those who end the others.
    elsewhere = await client.sign_in(users["own"], worker=turn + 1)
    browser = _Browser(cookie=await client.sign_in(users["own"], worker=turn))
    first = browser.cookie
    await asyncio.gather(*(_tab(client, turn, tab, browser, users) for tab in range(_TABS)))
    cookies = {first, elsewhere, *(event.answer.cookie or "" for event in browser.events)} - {""}
    try:
        for event in browser.events:
            _judge(event, users)
        for event in browser.events:
            _judge_what_follows(event, browser.events)
        replaced = [
            event.cookie for event in browser.events if event.verb == "rotate" and event.answer.cookie
        ]
        if len(set(replaced)) < len(replaced):
            raise Broken("two rotations of one verifier both won")
        client.repeats += sum(event.answer.away for event in browser.events)
        if not any(event.answer.away for event in browser.events):
            gone = {event.cookie for event in browser.events if event.replaced}
            await _judge_what_is_left(client, turn, cookies, gone, set(users.values()))
    except Broken as broken:
        raise Broken(f"{broken} [{'; '.join(map(str, browser.events))}]") from None


async def _tab(client: Client, turn: int, tab: int, browser: _Browser, users: dict[str, str]) -> None:
    chance = random.Random(turn * _TABS + tab)  # noqa: S311 - the same rounds each time, not a secret
    for step in range(_STEPS):
        (verb,) = chance.choices([*_VERBS], weights=[*_VERBS.values()])
        if chance.random() < _RETURNS and (not browser.cookie or browser.stranger):
            verb = "login=own"
        word = verb
        if verb.startswith("login"):
            word = f"login={users[verb.removeprefix('login=')]}"
        elif verb == "put":
            word = verb = f"put=t{tab}s{step}"
        cookie, began = browser.cookie, next(browser.moments)
        answer = await client.ask(f"see&{word}&see", cookie, worker=chance.randrange(WORKERS))
        if answer.cookie is not None:
            browser.cookie = answer.cookie
        browser.stranger = answer.status == 200 and answer.view.user is None
        browser.events.append(
            _Event(verb=verb, began=began, answered=next(browser.moments), cookie=cookie, answer=answer)
        )


def _judge(event: _Event, users: dict[str, str]) -> None:
    """Judge one answer by itself."""
    status = event.answer.status
    allowed = {200, 503} | ({409} if event.verb.startswith("login") else set())
    if status not in allowed:
        raise Broken(f"{event.verb} was answered {status}")
    if event.opened and event.opened != selector_of(event.cookie):
        raise Broken(f"the cookie of {selector_of(event.cookie)} opened {event.opened}")
    if event.user not in (None, *users.values()):
        raise Broken(f"{event.verb} was {event.user}")
    if event.answer.cookie == "" and event.verb not in ("logout", "revoke_all"):
        raise Broken(f"{event.verb} clears the cookie")
    if event.answer.cookie and event.verb == "see":
        raise Broken("who only looks was given a cookie")
    if event.answer.cookie and not event.verb.startswith("login") and event.answer.over == "replaced":
        raise Broken(
            f"{event.verb} with an id from before a sign-in was given a cookie, which replaces the sign-in's"
        )


def _judge_what_follows(event: _Event, events: list[_Event]) -> None:
    """Judge what an answer has promised by every request that began after it."""
    if event.answer.status != 200:
        return
    for later in events:
        if later.began < event.answered or not later.opened:
            continue
        if later.opened in _ended_by(event, events):
            raise Broken(f"{later.opened} was ended by {event.verb}, and opened again")
        if event.replaced and later.cookie == event.cookie:
            raise Broken(f"a verifier was replaced by {event.verb}, and opened the session again")
        name = event.verb.removeprefix("put=")
        put = event.verb != name and later.opened == event.opened
        if put and name not in later.answer.views[0].data:
            raise Broken(f"{name} was put, and is not there")


def _ended_by(event: _Event, events: list[_Event]) -> set[str]:
    """Return the sessions that this request ended for certain."""
    if not event.opened:
        return set()
    if event.verb == "logout" or event.verb.startswith("login"):
        return {event.opened}
    if event.verb not in ("revoke_all", "revoke_others") or event.user is None:
        return set()
    # All that were signed in before it began; of the others nobody can say whether they came before or after.
    earlier = {
        other.gave
        for other in events
        if other.answered < event.began and other.answer.status == 200
        if other.verb.startswith("login") and other.answer.view.user == event.user
    }
    return earlier | {event.opened} if event.verb == "revoke_all" else earlier - {event.opened}


async def _judge_what_is_left(
    client: Client, turn: int, cookies: set[str], gone: set[str], users: set[str]
) -> None:
    """Judge all cookies there ever were, and the store, when nothing is in flight any more."""
    living = await living_of(client, turn, cookies)
    for selector, found in living.items():
        if len(found) > 1:
            raise Broken(f"{len(found)} cookies open one session, {selector}")
        if gone & set(found):
            raise Broken(f"a verifier that was replaced opens {selector}")
    for user in users:
        listed = {record.selector for record in await asyncio.to_thread(client.store.of_user, user)}
        known = {
            selector for selector, found in living.items() if any(v.user == user for v in found.values())
        }
        if listed != known:
            raise Broken(f"{user} has cookies for {sorted(known)}, and sessions {sorted(listed)}")

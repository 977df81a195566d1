"""Which policy an application has: the one it is given, or its ``SECMW_*`` configuration; and Flask's own words on sessions.

Start-up only. What Flask's configuration says of sessions and what secmw's policy says are held against each other: where they
mean the same thing and the policy does not say it, Flask's word counts; where both speak and differ, that is an error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from secmw.config.convert import field_types, part_of
from secmw.config.durations import seconds
from secmw.config.sources import environment
from secmw.errors import ConfigError, Problem
from secmw.policy import Policy

if TYPE_CHECKING:
    from flask import Flask

_PREFIX: Final = "SECMW_"

#: What Flask's configuration holds before anybody writes there: it can't be told from having been written.
_UNWRITTEN: Final[Mapping[str, Any]] = {
    "SESSION_COOKIE_NAME": "session",
    "SESSION_COOKIE_DOMAIN": None,
    "SESSION_COOKIE_PATH": None,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SECURE": False,
    "SESSION_COOKIE_PARTITIONED": False,
    "SESSION_COOKIE_SAMESITE": None,
    "PERMANENT_SESSION_LIFETIME": dt.timedelta(days=31),
}

#: The fields that a part may have.
_EVERY: Final = frozenset({"cookie", "inactivity", "lifetime", "partitioned", "same_site", "secure"})


class Word(NamedTuple):
    """Say what Flask's configuration means in a policy: its name and value there, the setting here, and what that would be."""

    name: str
    given: Any
    part: str
    field: str
    value: Any


def policy_of(app: Flask, given: Any) -> Policy:
    """Return the policy of an application: the one it is ``given``, or its own; raise ConfigError, with every problem at once."""
    written = {name: app.config[name] for name in app.config if name.startswith(_PREFIX)}
    if given is not None:
        if not isinstance(given, Policy):
            fix = f"is a {type(given).__name__}; Policy.from_mapping makes a policy of a mapping"
            raise ConfigError([Problem("policy", fix)])
        if written:
            raise ConfigError(
                [
                    Problem(name, "is in app.config, and Secmw is given a policy too; write it in the policy")
                    for name in sorted(written)
                ]
            )
        return _with_flask(app, given, dict.fromkeys(given.written(), _EVERY))
    if written:
        settings = mapping_of(written)
        return _with_flask(app, _made(settings), {part: _named(value) for part, value in settings.items()})
    if not app.debug:
        fix = "is nowhere: write Secmw(app, policy), or SECMW_PRESET and others in app.config"
        raise ConfigError([Problem("policy", fix)])
    # As `flask run --debug` finds an application of which nobody has said anything yet.
    return _with_flask(app, Policy.development(), {})


def mapping_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """Turn ``SECMW_*`` names into settings: text is read as in the environment, anything else is taken as it is."""
    texts = {name: value if isinstance(value, str) else "" for name, value in written.items()}
    # Reports every name that is no setting; of those that hold no text it knows the place.
    settings = environment(texts, _PREFIX, Policy)
    types = field_types(Policy)
    for variable, value in written.items():
        if isinstance(value, str):
            continue
        name, _, inner = variable[len(_PREFIX) :].lower().partition("__")
        if inner:
            settings[name][inner] = value
        elif part_of(types[name]) is not None and isinstance(value, Mapping):
            # app.config.from_prefixed_env() makes {"MAX_AGE": ...} of FLASK_SECMW_HSTS__MAX_AGE.
            settings[name] = {
                key.lower() if isinstance(key, str) else key: item for key, item in value.items()
            }
        else:
            settings[name] = value
    return settings


def _made(settings: dict[str, Any]) -> Policy:
    if settings.get("preset") != "development":
        return Policy.from_mapping(settings)
    # The one preset that makes a key by itself.
    return Policy.development(**{name: value for name, value in settings.items() if name != "preset"})


def _named(part: Any) -> frozenset[str]:
    """Return which fields of a part were written."""
    if isinstance(part, Mapping):
        return frozenset(part)
    return _EVERY if isinstance(part, msgspec.Struct) else frozenset()


def _with_flask(app: Flask, policy: Policy, named: Mapping[str, frozenset[str]]) -> Policy:
    """Return the policy with what Flask's configuration adds to it; ``named``: which fields of its parts it has written."""
    if policy.sessions is None or not policy.screening:
        return policy
    problems = list(_strange(app.config))
    added: dict[str, dict[str, Any]] = {}
    for word in _words(app.config, problems):
        # A policy for test clients has cookies that they take over plain HTTP, whatever production says.
        if app.testing and word.part == "cookies":
            continue
        there = getattr(getattr(policy, word.part), word.field)
        if there == word.value:
            continue
        if word.field in named.get(word.part, frozenset()):
            fix = f"contradicts {word.part}.{word.field} = {there!r} of the policy; write one of the two"
            problems.append(Problem(word.name, fix, repr(word.given)))
        else:
            added.setdefault(word.part, {})[word.field] = word.value
    if problems:
        raise ConfigError(problems)
    if not added:
        return policy
    whole = {part: {**msgspec.structs.asdict(getattr(policy, part)), **more} for part, more in added.items()}
    return type(policy).from_mapping({**policy.written(), "preset": policy.preset, **whole})


def _words(config: Mapping[str, Any], problems: list[Problem]) -> Iterator[Word]:
    """Yield what Flask's configuration says that a policy can say too."""
    for name, part, field in (
        ("SESSION_COOKIE_NAME", "sessions", "cookie"),
        ("SESSION_COOKIE_SAMESITE", "cookies", "same_site"),
        ("SESSION_COOKIE_SECURE", "cookies", "secure"),
        ("SESSION_COOKIE_PARTITIONED", "cookies", "partitioned"),
    ):
        given = config.get(name, _UNWRITTEN[name])
        if given != _UNWRITTEN[name]:
            value = given
            if field == "cookie" and isinstance(given, str):
                value = given.removeprefix("__Host-")
            elif field == "same_site" and isinstance(given, str):
                value = given.title()
            yield Word(name, given, part, field, value)
    name = "PERMANENT_SESSION_LIFETIME"
    given = config.get(name, _UNWRITTEN[name])
    if given != _UNWRITTEN[name]:
        # Flask counts from the last response that set the cookie; by default that is every one.
        sliding = config.get("SESSION_REFRESH_EACH_REQUEST", True)
        try:
            yield Word(name, given, "sessions", "inactivity" if sliding else "lifetime", seconds(given))
        except (ValueError, AttributeError):
            fix = "is not a duration; write a timedelta, or whole seconds"
            problems.append(Problem(name, fix, repr(given)))


def _strange(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what Flask's configuration asks for that a session of secmw never is."""
    if config.get("SESSION_COOKIE_HTTPONLY", True) is not True:
        fix = "would let scripts read the id of the session, which they never may; remove it"
        yield Problem("SESSION_COOKIE_HTTPONLY", fix, repr(config["SESSION_COOKIE_HTTPONLY"]))
    if config.get("SESSION_COOKIE_DOMAIN"):
        fix = "would send the id of the session to other hosts; a session belongs to one host, so remove it"
        yield Problem("SESSION_COOKIE_DOMAIN", fix, repr(config["SESSION_COOKIE_DOMAIN"]))
    if config.get("SESSION_COOKIE_PATH") not in (None, "/"):
        fix = "has no counterpart: the cookie's path is public_url's; remove it"
        yield Problem("SESSION_COOKIE_PATH", fix, repr(config["SESSION_COOKIE_PATH"]))

"""xsrf_exempt: views that unsafe requests reach without XSRF questions, and how a path is found to lead to them alone.

The core asks about a path before Flask sees the request. It is answered by Flask's own routing: whatever an unsafe method
could reach there must be exempt. Anything that is not clear is not exempt.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import Blueprint
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect, WebsocketMismatch

from secmw.http import SAFE_METHODS

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.routing import Rule

_log = logging.getLogger("secmw")

#: The mark, on a view function, a method of a class of views, such a class, or a blueprint.
_MARK: Final = "__secmw_xsrf_exempt__"

#: A method that no rule names: it reaches the rules that name none.
_ANY: Final = "SECMW"

Target = TypeVar("Target")


def xsrf_exempt(target: Target) -> Target:
    """Mark a view, a ``MethodView``, one of its methods or a whole blueprint: unsafe requests to it are asked nothing.

    For webhooks, which prove by a signature who they are; check that. A path is exempt only if everything that an unsafe
    method could reach on it is. Write it below ``@app.post(...)``, as every decorator of a view. A subclass of a class that is
    marked is not; blueprints inside a marked one are.
    """
    if not callable(target) and not isinstance(target, Blueprint):
        raise TypeError(f"xsrf_exempt marks a view or a blueprint, not {type(target).__name__}")
    if hasattr(target, "__func__"):
        raise TypeError("xsrf_exempt marks a function, not a bound method; mark the function in its class")
    setattr(target, _MARK, True)
    return target


def exempt(app: Flask, path: str, *, wrapped: bool = False) -> bool:
    """Say whether every view that an unsafe method could reach on a path is exempt; False where that is not clear."""
    try:
        found = list(_reached(app, path))
    except Exception:  # noqa: BLE001 - a redirect, a converter that fails: whatever it is, it is not clear
        return False
    if not found or not all(_marked(app, rule, method) for rule, method in found):
        return False
    if wrapped or app.url_map.host_matching or app.subdomain_matching:
        _log.warning(
            "the views of %s are marked xsrf_exempt, and are asked all the same: %s",
            ascii(path),
            "app.wsgi_app was wrapped before Secmw(app), which may lead it elsewhere"
            if wrapped
            else "with host or subdomain matching the path alone does not say what it leads to",
        )
        return False
    return True


def _reached(app: Flask, path: str) -> Iterator[tuple[Rule, str]]:
    """Yield each rule that an unsafe method finds on a path; raise what Flask would raise for a redirect."""
    # As Flask does it where no host decides (Flask.create_url_adapter); the names of hosts play no part then.
    adapter = app.url_map.bind("localhost", subdomain=app.url_map.default_subdomain or "")
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    # A request that asks for an upgrade finds other rules.
    for method, upgrade in product(sorted((methods | {_ANY}) - SAFE_METHODS), (False, True)):
        try:
            rule, _ = adapter.match(path_info=path, method=method, return_rule=True, websocket=upgrade)
        except RequestRedirect:
            raise
        except (MethodNotAllowed, NotFound, WebsocketMismatch):
            continue
        yield rule, method


def _marked(app: Flask, rule: Rule, method: str) -> bool:
    """Say whether a view is marked, or what it belongs to."""
    endpoint = str(rule.endpoint)
    view = app.view_functions.get(endpoint)
    if view is None:
        return False
    if _has(view):
        return True
    parent = endpoint
    while "." in parent:
        parent = parent.rpartition(".")[0]
        blueprint = app.blueprints.get(parent)
        if _has(blueprint):
            return True
    kind: Any = getattr(view, "view_class", None)
    return _has(kind) or _has(getattr(kind, method.lower(), None))


def _has(thing: object) -> bool:
    """Say whether this very thing is marked, not one it comes from."""
    return _MARK in getattr(thing, "__dict__", ())

"""What templates need of secmw; Jinja globals, and functions for views."""

from __future__ import annotations

from markupsafe import Markup

from secmw.errors import SessionError
from secmw_flask.here import exchange


def xsrf_token() -> str:
    """Return a token for a form or a script of this page, fresh on each call (:meth:`secmw.Exchange.xsrf_token`)."""
    return exchange().xsrf_token()


def xsrf_field() -> Markup:
    """Return the hidden field that carries the token in a form."""
    here = exchange()
    xsrf = here.policy.xsrf
    if xsrf is None:
        raise SessionError("the policy asks for no XSRF token (see xsrf and xsrf.token)")
    return Markup('<input type="hidden" name="{}" value="{}">').format(xsrf.field, here.xsrf_token())


def csp_nonce() -> str:
    """Return the nonce for scripts and styles in this page (:attr:`secmw.Exchange.nonce`)."""
    return exchange().nonce

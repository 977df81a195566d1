"""What a page needs of secmw: a token for its forms, a nonce for its scripts, headers of its own; in templates, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from secmw.compile import RESPONSE_SETTINGS
from secmw.errors import ConfigError, Problem
from secmw_starlette.asking import Before, Given
from secmw_starlette.session import exchange_of

if TYPE_CHECKING:
    from markupsafe import Markup


@Given
def xsrf_token(connection: HTTPConnection) -> str:
    """Return a token for a form or a script of this page, fresh on each call.

    Ask before the response starts. Raise SessionError where the policy asks for no token, and where it is too late.
    """
    return exchange_of(connection).xsrf_token()


@Given
def csp_nonce(connection: HTTPConnection) -> str:
    """Return the nonce of this response for scripts and styles in the page, the same on each call.

    Ask before the response starts; raise SessionError where it is too late.
    """
    return exchange_of(connection).nonce


class Override(Before[None]):
    """Be header settings for the responses of some endpoints: put it above one, or give it to ``Depends``."""

    def __init__(self, settings: dict[str, Any]) -> None:
        strays = sorted(set(settings) - RESPONSE_SETTINGS)
        if strays:
            known = ", ".join(sorted(RESPONSE_SETTINGS))
            fix = f"is no setting of a response header; override takes {known}"
            raise ConfigError([Problem(name, fix) for name in strays])

        def override(connection: HTTPConnection) -> None:
            exchange_of(connection).override(**settings)

        super().__init__(override)


def override(**settings: Any) -> Override:
    """Have an endpoint's responses get other headers than their path: settings of response headers, as ``Policy.at`` takes them.

    ``@override(frame_options=None)`` above an endpoint, ``Depends(override(...))`` in FastAPI, ``override(...)(request)`` in
    the middle of one. Raise ConfigError, at once, for what is no such setting, and with the first request for a wrong value.
    """
    return Override(settings)


def template_context(request: HTTPConnection) -> dict[str, Callable[[], Any]]:
    """Give templates ``xsrf_token()``, ``xsrf_field()`` and ``csp_nonce()``.

    For ``Jinja2Templates(..., context_processors=[template_context])``.
    """

    def xsrf_field() -> Markup:
        from markupsafe import Markup

        xsrf = exchange_of(request).policy.xsrf
        token = xsrf_token(request)
        name = "" if xsrf is None else xsrf.field
        return Markup('<input type="hidden" name="{}" value="{}">').format(name, token)

    return {
        "xsrf_token": lambda: xsrf_token(request),
        "xsrf_field": xsrf_field,
        "csp_nonce": lambda: csp_nonce(request),
    }

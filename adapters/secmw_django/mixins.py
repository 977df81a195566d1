"""What a class-based view inherits to demand something of a session, sync or async; before the view's other bases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secmw_django.decorators import demand_login, demand_sudo

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase
    from django.views import View

    _Base = View
else:
    _Base = object


class _Demanding(_Base):
    """Ask before the view is dispatched."""

    def demand(self, request: HttpRequest) -> HttpResponse | None:
        """Return what to answer in place of the view, None to go on."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer one request."""
        answer = self.demand(request)
        if answer is None:
            return super().dispatch(request, *args, **kwargs)
        # Django awaits whatever an async view dispatches.
        said: Any = _said(answer) if self.view_is_async else answer
        found: HttpResponseBase = said
        return found


async def _said(answer: HttpResponse) -> HttpResponse:
    return answer


class LoginRequiredMixin(_Demanding):
    """Let only somebody who is signed in through; see :func:`secmw_django.login_required`."""

    def demand(self, request: HttpRequest) -> HttpResponse | None:
        """Return what to answer in place of the view, None to go on."""
        return demand_login(request)


class SudoRequiredMixin(_Demanding):
    """Let only somebody who gave the password lately through; see :func:`secmw_django.sudo_required`.

    ``sudo_max_age``: seconds since then, at most; None for as long as ``sudo.duration`` says.
    """

    sudo_max_age: int | None = None

    def demand(self, request: HttpRequest) -> HttpResponse | None:
        """Return what to answer in place of the view, None to go on."""
        return demand_sudo(request, self.sudo_max_age)

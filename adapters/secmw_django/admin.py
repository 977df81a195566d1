"""Two pages of Django's admin: the sessions of a user, and the audit trail. Nothing on them opens a session.

They are for members of staff with the permissions of :mod:`secmw_django.models`. Ending a session asks for the password once
more, where the policy has sudo, and is recorded in the name of who does it.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from secmw.audit.action import Action
from secmw.errors import SinkError
from secmw.pages.agent import called
from secmw.sessions.identifier import is_selector
from secmw_django.current import exchange_of
from secmw_django.decorators import sudo_required
from secmw_django.models import AuditEvent, Session
from secmw_django.sessions.homes import living, stop
from secmw_django.sessions.place import place, trail, trail_url

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from secmw.audit import Event
    from secmw.sessions.record import Record

    _Base = admin.ModelAdmin[Any]
else:
    _Base = admin.ModelAdmin

_EVENTS: Final = 100


class Listed(_Base):
    """Be a page of the admin about something that is in no table of Django's."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django asks
        """Have nobody add any."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django asks
        """Have nobody change any."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """Show the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        meta = self.model._meta
        context = {
            **self.admin_site.each_context(request),
            "opts": meta,
            "title": str(meta.verbose_name_plural).capitalize(),
            **self.found(request),
            **(extra_context or {}),
        }
        vars(request)["current_app"] = self.admin_site.name
        template = f"admin/secmw/{meta.model_name}/change_list.html"
        return TemplateResponse(request, template, context)

    def found(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the page shows."""
        raise NotImplementedError

    def get_urls(self) -> list[Any]:
        """Return the one address there is."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]


@admin.register(Session)
class SessionAdmin(Listed):
    """Show the sessions of one user, one's own at first, and end them; a store has an index by user and no other."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let end sessions who may, of those who may see them."""
        return super().has_delete_permission(request, obj) and self.has_view_permission(request)

    def found(self, request: HttpRequest) -> dict[str, Any]:
        """Return the sessions of the user who was asked for, by name or by id."""
        asked = request.GET.get("user", "").strip() or request.user.get_username()
        user_id = _id_of(asked)
        there = place()
        records = [] if there is None else there.store.of_user(user_id)
        now = 0.0 if there is None else there.clock.now()
        mine = exchange_of(request).session.handle
        return {
            "asked": _plain(asked),
            "user_id": _plain(user_id),
            "rows": [_row(record, mine, now) for record in records if record.over(now) is None],
            "may_end": self.has_delete_permission(request),
        }

    def get_urls(self) -> list[Any]:
        """Return the address of the list, and where its forms go."""
        revoke = require_POST(self.admin_site.admin_view(sudo_required(self.revoke)))
        return [*super().get_urls(), path("revoke/", revoke, name="secmw_session_revoke")]

    def revoke(self, request: HttpRequest) -> HttpResponseBase:
        """End one session, or all of a user; go back to the list."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        user_id, selector = request.POST.get("user_id", ""), request.POST.get("selector", "")
        exchange = exchange_of(request)
        ended: list[str] = []
        if selector and selector == exchange.session.handle:
            exchange.session.logout()
            return HttpResponseRedirect(reverse("admin:index", current_app=self.admin_site.name))
        there = place()
        if selector:
            record = living(selector) if is_selector(selector) else None
            # Who looks at the sessions of one user ends none of another's by a slip.
            if record is not None and (record.user_id or "") == user_id:
                ended += [] if stop(selector) is None else [selector]
        elif user_id and there is not None:
            if user_id == exchange.session.user_id:
                exchange.session.revoke_others()
                self.message_user(request, "All your other sessions are ended.", messages.SUCCESS)
                return self._back(user_id)
            ended.extend(there.store.end_all(user_id).selectors)
        if exchange.plan.audited:
            for one in ended:
                exchange.audit(
                    Action.SESSION_REVOKED, "an administrator ended a session", whose=user_id, ended=one
                )
        said = f"{len(ended)} session{'' if len(ended) == 1 else 's'} ended."
        self.message_user(request, said, messages.SUCCESS if ended else messages.WARNING)
        return self._back(user_id)

    def _back(self, user_id: str) -> HttpResponseRedirect:
        address = reverse("admin:secmw_session_changelist", current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{address}?{urlencode({'user': user_id})}")


@admin.register(AuditEvent)
class AuditEventAdmin(Listed):
    """Show the audit trail, the latest events first."""

    def found(self, request: HttpRequest) -> dict[str, Any]:
        """Return the events below a number, and those about a user alone if one was asked for."""
        before = request.GET.get("before", "")
        user = request.GET.get("user", "").strip()
        number = int(before) if before.isdecimal() and len(before) < 19 else None
        told, away = trail(), ""
        events: list[Event] = []
        if told is None:
            where = trail_url()
            away = (
                "There is no audit trail."
                if where is None
                else (
                    "The audit trail is in the memory of each process that serves; SECMW['trail'] can name a file."
                )
            )
        else:
            try:
                events = told.recent(_EVENTS, number)
            except SinkError:
                away = "The audit trail can't be read just now."
        user_id = _id_of(user) if user else ""
        return {
            "asked": _plain(user),
            "away": away,
            "rows": [_told(event) for event in events if not user or event.user_id == user_id],
            "before": events[-1].id if len(events) == _EVENTS else None,
        }


def _id_of(asked: str) -> str:
    """Return the id under which a user has sessions, of a name or of an id; what is neither stands for itself."""
    model = get_user_model()
    if "\x00" in asked:
        return ""
    user = model._default_manager.filter(**{str(model.USERNAME_FIELD): asked}).first()
    if user is not None:
        return str(model._meta.pk.value_to_string(user))
    try:
        return str(model._meta.pk.to_python(asked))
    except (ValidationError, ValueError, TypeError):
        return asked


def _row(record: Record, mine: str | None, now: float) -> dict[str, Any]:
    identity = record.identity
    sudo = identity.sudo
    return {
        "selector": record.selector,
        "mine": record.selector == mine,
        "client": called(identity.agent),
        "address": _plain(identity.address),
        "began": _when(identity.authenticated or record.created),
        "seen": _when(record.seen),
        "ends": _when(min(record.expires, record.idle_until)),
        "sudo": _when(sudo[1]) if sudo is not None and sudo[1] > now else "",
    }


def _told(event: Event) -> dict[str, Any]:
    return {
        "number": event.id,
        "when": _when(event.time),
        "user": _plain(event.user_description or event.user_id),
        "action": _plain(event.action),
        "outcome": _plain(event.outcome),
        "what": _plain(event.event_description),
        "client": _plain(event.client),
        "selector": _plain(event.selector),
        "reason": _plain(event.reason),
        "more": ", ".join(
            f"{_plain(str(name))}: {_plain(str(value))}" for name, value in event.extra.items()
        ),
    }


def _when(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "never"
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _plain(text: str) -> str:
    """Take out what would move the text around it: much of this is a client's to choose."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)

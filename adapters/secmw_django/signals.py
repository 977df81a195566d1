"""What the signals of django.contrib.auth add: a session knows its user by name, and a refused sign-in is in the audit trail.

A sign-in and a sign-out are in it already, as the core writes them when it has carried them out. The session engine imports this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from msgspec.structs import replace

from secmw.audit.action import Action
from secmw_django.auth import verifying
from secmw_django.current import current

if TYPE_CHECKING:
    from secmw.sessions.session import Session


@receiver(user_logged_in, dispatch_uid="secmw_django.described")
def described(*_: Any, request: Any = None, user: Any = None, **__: Any) -> None:
    """Have the session say in its user's own words whose it is; contrib.auth puts no name into one."""
    held: Any = getattr(getattr(request, "session", None), "held", None)
    session: Session | None = held
    if session is not None and session.sign_in is not None and user is not None:
        session.sign_in = session.sign_in._replace(description=_text(user.get_username()))


@receiver(user_login_failed, dispatch_uid="secmw_django.refused")
def refused(*_: Any, credentials: Any = None, **__: Any) -> None:
    """Have the audit trail record that a sign-in was refused, and whose it was if there is such a user.

    What was typed for a name is not recorded: it may have been a password. Of a password that secmw itself asked for the
    core records what came of it.
    """
    exchange = current()
    if exchange is None or verifying.get() or not exchange.plan.audited:
        return
    exchange.note(Action.AUTHN_LOGIN_FAIL, "a sign-in was tried and refused", outcome="failure")
    user = _meant(credentials or {})
    if user is not None and exchange.notes:
        exchange.notes[-1] = replace(
            exchange.notes[-1], user_id=str(user.pk), user_description=_text(user.get_username())
        )


def _meant(credentials: Any) -> Any:
    """Return the user whose name was given; asked for a name that is nobody's too, so that both take as long."""
    model = get_user_model()
    field = str(model.USERNAME_FIELD)
    name = credentials.get(field, credentials.get("username"))
    if not isinstance(name, str) or "\x00" in name:
        return None
    return model._default_manager.filter(**{field: name}).first()


def _text(name: Any) -> str:
    """Return a name as text that can be written out."""
    return str(name).encode("utf-8", "replace").decode()

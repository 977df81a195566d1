"""What the admin needs of a thing it is to list: a name, and permissions. Neither has a table: sessions are in secmw's store."""

from __future__ import annotations

from django.db import models


class Session(models.Model):
    """Be a session, to the admin; ``secmw.view_session`` lets a member of staff see them, ``secmw.delete_session`` end them."""

    selector: models.CharField[str, str] = models.CharField(primary_key=True, max_length=22)

    class Meta:
        """Say that it has no table, and which permissions there are."""

        managed = False
        default_permissions = ("view", "delete")
        verbose_name = "session"

    def __str__(self) -> str:
        return self.selector


class AuditEvent(models.Model):
    """Be an event of the audit trail, to the admin; ``secmw.view_auditevent`` lets a member of staff read it."""

    number: models.BigIntegerField[int, int] = models.BigIntegerField(primary_key=True)

    class Meta:
        """Say that it has no table, and which permissions there are."""

        managed = False
        default_permissions = ("view",)
        verbose_name = "audit event"
        verbose_name_plural = "audit trail"

    def __str__(self) -> str:
        return str(self.number)

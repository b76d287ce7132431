from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who signs in. What they may do is their groups' (see roles.py) and their own permissions."""

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering = ["username"]


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def note(self, by: User | None, action: str, objects: Iterable[models.Model], **detail: Any) -> None:
        """Writes down who did what to each of these objects; call it inside the transaction that does it."""
        self.bulk_create(
            AuditEntry(
                user=by,
                username=by.get_username() if by else "",
                action=action,
                object_type=each._meta.label_lower,
                object_id=str(each.pk),
                object_name=str(each)[:255],
                detail=detail,
            )
            for each in objects
        )


class AuditEntry(models.Model):
    """Who did what, when. The names stay when the person or the thing is deleted."""

    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="audit_entries")
    username = models.CharField(max_length=150)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=255)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_by_object")]

    def __str__(self) -> str:
        return f"{self.username} {self.action} {self.object_name}"

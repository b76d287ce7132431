from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from rasax.accounts.invitations import Invitation
from rasax.accounts.jobs import Job, JobFile
from rasax.accounts.sessions import Session
from rasax.accounts.tokens import ApiToken, SigningKey

__all__ = [
    "ApiToken", "Area", "AuditEntry", "Invitation", "Job", "JobFile", "RoleOffer", "Session", "SigningKey", "User",
]  # fmt: skip


class User(AbstractUser):
    """A person who signs in. What they may do is their groups' (see roles.py) and their own permissions."""

    must_change_password = models.BooleanField(default=False, help_text="Until they have, no other page opens for them")

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

    def forget(self, model: type[models.Model], pks: Iterable[int]) -> None:
        """Keeps that something was done to these, and not what they were called."""
        ids = [str(pk) for pk in pks]
        self.filter(object_type=model._meta.label_lower, object_id__in=ids).update(object_name="")


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


class RoleOffer(models.Model):
    """A permission that `migrate` gave to one of its roles: it gives each once, for a team may take it away again."""

    role = models.CharField(max_length=150)
    permission = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "permission"], name="role_is_offered_once")]

    def __str__(self) -> str:
        return f"{self.role}: {self.permission}"


class Area(models.Model):
    """No table: the permissions of areas whose own models cannot carry them. roles.py says what each area is."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_nlu_data", "Can see NLU data"),
            ("change_nlu_data", "Can change NLU data"),
            ("view_stories", "Can see stories and rules"),
            ("change_stories", "Can change stories and rules"),
            ("view_responses", "Can see responses"),
            ("change_responses", "Can change responses"),
            ("view_models", "Can see models"),
            ("change_models", "Can train, tag and delete models"),
            ("view_environments", "Can see environments"),
            ("change_environments", "Can change environments"),
            ("view_chat", "Can talk to the assistant"),
            ("change_chat", "Can share the assistant with guests"),
            ("view_settings", "Can see the settings and how the event service is doing"),
            ("change_settings", "Can change the settings"),
        ]

    def __str__(self) -> str:
        return "area"

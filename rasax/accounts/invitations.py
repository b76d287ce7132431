"""A link with which somebody makes their own account."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.utils import timezone

from rasax.accounts.tokens import digest_of

if TYPE_CHECKING:
    from rasax.accounts.models import User

VALID_FOR = timedelta(days=7)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    @transaction.atomic
    def invite(self, roles: Iterable[Group], by: User, email: str = "") -> tuple[Invitation, str]:
        """The invitation, and its link's secret, which is never told again."""
        from rasax.accounts.models import AuditEntry
        from rasax.accounts.people import refuse_more_than_own

        roles = list(roles)
        refuse_more_than_own(by, roles)
        secret = secrets.token_urlsafe(32)
        until = timezone.now() + VALID_FOR
        invitation = self.create(digest=digest_of(secret), email=email, by=by, expires_at=until)
        invitation.roles.set(roles)
        AuditEntry.objects.note(by, "invited", [invitation], roles=[role.name for role in roles])
        return invitation, secret

    def open(self, now: datetime | None = None) -> InvitationQuerySet:
        return self.filter(accepted_at=None, expires_at__gt=now or timezone.now())

    def of(self, secret: str) -> Invitation | None:
        return self.open().filter(digest=digest_of(secret)).first()


class Invitation(models.Model):
    """Can be accepted once. Kept as its secret's hash."""

    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the link's secret")
    email = models.EmailField(blank=True)
    roles = models.ManyToManyField(Group, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="invitation"
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return self.email or f"{self.made_at:%Y-%m-%d %H:%M}"

    @transaction.atomic
    def accept(self, username: str, password: str) -> User | None:
        """Makes the account; None where somebody else was faster, or it was revoked meanwhile."""
        from rasax.accounts.models import AuditEntry, User
        from rasax.accounts.people import give

        now = timezone.now()
        if not Invitation.objects.open(now).filter(pk=self.pk).update(accepted_at=now):
            return None
        user = User.objects.create_user(username, email=self.email, password=password)
        give(user, self.roles.all())
        Invitation.objects.filter(pk=self.pk).update(accepted_by=user)
        AuditEntry.objects.note(user, "accepted an invitation", [self], invited_by=str(self.by or ""))
        return user

    @transaction.atomic
    def revoke(self, by: User) -> None:
        from rasax.accounts.models import AuditEntry

        AuditEntry.objects.note(by, "revoked an invitation", [self])
        self.delete()

"""Links by which somebody without an account talks to the assistant."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rasax.accounts.models import AuditEntry
from rasax.accounts.sealing import SealedField, Unreadable, seal, unseal
from rasax.accounts.tokens import digest_of
from rasax.deployment.models import RasaServer

if TYPE_CHECKING:
    from rasax.accounts.models import User
    from rasax.chat.chats import Chat

SHORTEST_SECRET = 20  # characters, of one that a client chooses


class GuestLinkQuerySet(models.QuerySet["GuestLink"]):
    def open(self, now: datetime | None = None) -> GuestLinkQuerySet:
        """Neither revoked nor expired; it may be used up."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()), revoked_at=None)

    def of(self, secret: str) -> GuestLink | None:
        return self.open().filter(digest=digest_of(secret)).select_related("server").first()

    @transaction.atomic
    def share(self, by: User | None, *, secret: str = "", **fields: Any) -> GuestLink:
        link = GuestLink(by=by, **fields)
        link.take(secret or secrets.token_urlsafe(24))
        link.save(force_insert=True)
        AuditEntry.objects.note(by, "shared the assistant", [link], server=str(link.server))
        return link


class GuestLink(models.Model):
    """Its secret is encrypted, for it is shown again to who shares it, and hashed, for it is looked up."""

    name = models.CharField(_("Name"), max_length=100, help_text=_("Guests see it above their conversation."))
    description = models.TextField(
        _("Description"), max_length=2_000, blank=True, help_text=_("What guests read before they begin.")
    )
    server = models.ForeignKey(
        RasaServer, on_delete=models.CASCADE, related_name="guest_links", verbose_name=_("Rasa server")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the secret")
    sealed = SealedField(
        needed=Q(revoked_at=None),
        editable=False,
        help_text="The secret, encrypted with the first of ENCRYPTION_KEYS",
    )
    expires_at = models.DateTimeField(
        _("Expires"), null=True, blank=True, help_text=_("In UTC unless the operator chose another time zone.")
    )
    limit = models.PositiveIntegerField(
        _("How many conversations"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("Empty: as many as guests begin."),
    )  # fmt: skip
    n_uses = models.PositiveIntegerField(default=0, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = GuestLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return self.name

    def take(self, secret: str) -> None:
        self.digest, self.sealed = digest_of(secret), seal(secret)

    @property
    def secret(self) -> str:
        """Empty where the key that encrypted it is gone; the link itself goes on."""
        try:
            return unseal(self.sealed)
        except Unreadable:
            return ""

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def is_used_up(self) -> bool:
        return self.limit is not None and self.n_uses >= self.limit

    @transaction.atomic
    def begin(self, sender_id: str = "") -> tuple[Chat, str] | None:
        """A guest's own conversation, and the secret that lets them back into it; None where the link lets nobody in
        any more. Of those who come at once as many get in as the limit allows."""
        from rasax.chat.chats import Chat

        left = GuestLink.objects.open().filter(Q(limit=None) | Q(n_uses__lt=F("limit")), pk=self.pk)
        if not left.update(n_uses=F("n_uses") + 1):
            return None
        return Chat.objects.begin_as_guest(self, self.server, sender_id)

    @transaction.atomic
    def revoke(self, by: User | None) -> None:
        """Who is talking by it is stopped, too."""
        GuestLink.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
        AuditEntry.objects.note(by, "revoked a guest link", [self])

    @transaction.atomic
    def change(self, by: User | None, *, secret: str = "", **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        if secret:
            self.take(secret)
        self.save()
        AuditEntry.objects.note(by, "changed a guest link", [self], fields=sorted(fields))

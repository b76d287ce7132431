"""Views: filters that somebody named, for themselves or for all."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.urls import reverse

from rasax.accounts.models import AuditEntry, User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User | AnonymousUser) -> SavedViewQuerySet:
        """Their own and those that others share."""
        return self.filter(models.Q(owner=user.pk) | models.Q(shared=True)).select_related("owner")

    @transaction.atomic
    def save_as(self, name: str, query: str, owner: User, *, shared: bool = False) -> SavedView:
        """A view that its owner has by this name already shows these filters from now on."""
        view, _ = self.update_or_create(owner=owner, name=name, defaults={"query": query, "shared": shared})
        AuditEntry.objects.note(owner, "saved a view", [view], query=query, shared=shared)
        return view


class SavedView(models.Model):
    """`query` is the list's own, as it stands in the URL."""

    name = models.CharField(max_length=100)
    query = models.TextField(max_length=4000, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    shared = models.BooleanField(default=False, help_text="Everybody sees it; only its owner changes it")
    made_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_is_its_owners_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        return f"{reverse('conversations')}?{self.query}"

    def is_deletable_by(self, user: User | AnonymousUser) -> bool:
        return self.owner_id == user.pk or (self.shared and user.has_perm("accounts.change_settings"))

    @transaction.atomic
    def rename(self, name: str, by: User) -> bool:
        """False if its owner has another view of that name."""
        if SavedView.objects.filter(owner=self.owner_id, name=name).exclude(pk=self.pk).exists():
            return False
        AuditEntry.objects.note(by, "renamed a view", [self], name=name)
        self._keep(name=name)
        return True

    @transaction.atomic
    def share(self, shared: bool, by: User) -> None:
        AuditEntry.objects.note(by, "shared a view" if shared else "unshared a view", [self])
        self._keep(shared=shared)

    @transaction.atomic
    def show(self, query: str, by: User) -> None:
        """From now on it has these filters."""
        AuditEntry.objects.note(by, "changed a view", [self], before=self.query, after=query)
        self._keep(query=query)

    @transaction.atomic
    def withdraw(self, by: User) -> None:
        AuditEntry.objects.note(by, "deleted a view", [self], query=self.query, shared=self.shared)
        self.delete()

    def _keep(self, **fields: str | bool) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

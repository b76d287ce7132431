"""Who changed what in the training data, and how it is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

from rasax.training.files import NAME_LENGTH

if TYPE_CHECKING:
    from rasax.accounts.models import User
    from rasax.training.drafts import Draft


class Change(models.Model):
    """One verb's work. `edits` are in order: [{"path", "block" (its id), "position", "previous" (the id of the block
    before it, of a new one), "before", "after"}], where before and after are the lines that differ, "at" the number of
    lines of the block that stay before them, and null stands for no block."""

    verb = models.CharField(max_length=64, help_text="For people, in the past: renamed an intent")
    subject = models.CharField(max_length=NAME_LENGTH, blank=True, help_text="The name of what was changed")
    edits = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    undone_by = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="undoes")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}".strip()

    @property
    def records(self) -> list[dict[str, Any]]:
        return list(self.edits)

    def undo(self, by: User | None) -> Change:
        """Raises Refused where the same lines changed since, or it was undone before."""
        from rasax.training.projects import Project

        return Project.objects.default().undo(self, by)

    def taken_back(self) -> Draft:
        from rasax.training.undoing import taken_back

        return taken_back(self)

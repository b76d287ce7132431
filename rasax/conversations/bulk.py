"""One change to many conversations, as a job that can be undone."""

from __future__ import annotations

from django.db import models

from events.models import Conversation
from rasax.accounts.models import Job


class BulkChange(models.Model):
    """What a job really changed in one conversation, and how that was before: what undoing it needs."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="changes")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    before = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "conversation"], name="job_changes_conversation_once")]

    def __str__(self) -> str:
        return f"{self.job_id} changed {self.conversation_id}"

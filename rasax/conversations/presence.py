"""Who is reading a conversation right now."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from events.models import Conversation


class Presence(models.Model):
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="readers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "user"], name="reader_is_there_once")]

    def __str__(self) -> str:
        return f"{self.user} reads {self.conversation}"

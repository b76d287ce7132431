"""Who is to look at a conversation."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from events.models import Conversation


class Assignment(models.Model):
    """Its facet's value is the assignee's id, which outlives a change of name."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, primary_key=True, related_name="assignment"
    )
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.conversation}: {self.assignee}"

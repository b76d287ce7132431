"""What a message really meant, where the prediction was wrong."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from events.models import NAME_LENGTH, Conversation, Event


class Correction(models.Model):
    """A person's word on a user message's intent: another one, or the same, which confirms it. The event itself is
    never changed."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="correction")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="corrections")
    predicted = models.CharField(max_length=NAME_LENGTH, blank=True)
    intent = models.CharField(max_length=NAME_LENGTH)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.predicted} → {self.intent}"

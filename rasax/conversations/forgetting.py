"""Deletion for good: by person, and by age."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Retention(models.Model):
    """One row: after how many days without an event a conversation is deleted; none keeps them for ever."""

    days = models.PositiveIntegerField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)
    last_run_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "retention"

    def __str__(self) -> str:
        return f"{self.days} days" if self.days else "for ever"

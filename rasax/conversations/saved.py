"""Views: filters that somebody named, for themselves or for all."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """`query` is the list's own, as it stands in the URL."""

    name = models.CharField(max_length=100)
    query = models.TextField(max_length=4000, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    shared = models.BooleanField(default=False, help_text="Everybody sees it; only its owner changes it")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_is_its_owners_once")]

    def __str__(self) -> str:
        return self.name

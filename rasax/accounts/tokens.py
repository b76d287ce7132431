"""What an API client shows instead of a password: tokens that a person made, and the keys that sign JWTs."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """Shown once, kept as its hash. It may do what its person may."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="Its first characters, to tell it from others")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the token")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SigningKey(models.Model):
    """An RSA key pair that signs JWTs. The newest signs; older ones verify until they are retired."""

    name = models.CharField(max_length=32, unique=True, help_text="The JWT's header kid")
    private = models.TextField(editable=False, help_text="PEM, encrypted with the SECRET_KEY")
    public = models.TextField(editable=False, help_text="PEM")
    made_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return self.name

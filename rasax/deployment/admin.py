from __future__ import annotations

from django.contrib import admin

from rasax.accounts.admin import WithoutForms
from rasax.deployment.models import RasaServer


@admin.register(RasaServer)
class RasaServerAdmin(WithoutForms):
    """Changed on the page of environments, which checks its address and hides its token."""

    list_display = ["name", "use", "url", "version", "model_file", "answered_at", "reason"]
    list_filter = ["use", "reason"]
    fields = [
        "name", "use", "url", "version", "minimum_compatible_version", "model_file", "model_id", "n_training_jobs",
        "asked_at", "answered_at", "reason", "words", "failing_since", "added_at",
    ]  # fmt: skip

from __future__ import annotations

from django.contrib import admin

from rasax.accounts.admin import WithoutForms
from rasax.deployment.models import Model, ModelTag, RasaServer


@admin.register(RasaServer)
class RasaServerAdmin(WithoutForms):
    """Changed on the page of environments, which checks its address and hides its token."""

    list_display = ["name", "use", "url", "version", "model_file", "answered_at", "reason"]
    list_filter = ["use", "reason"]
    fields = [
        "name", "use", "tag", "url", "version", "minimum_compatible_version", "model_file", "model_id",
        "n_training_jobs", "asked_at", "answered_at", "reason", "words", "failing_since", "added_at",
    ]  # fmt: skip


@admin.register(Model)
class ModelAdmin(WithoutForms):
    """Its file goes with it, and a tag leaves one model for another: both on the pages of models."""

    list_display = ["name", "rasa_version", "trained_at", "size", "by", "added_at"]
    list_select_related = ["by"]
    fields = ["name", "rasa_version", "trained_at", "model_id", "size", "digest", "by", "added_at"]


@admin.register(ModelTag)
class ModelTagAdmin(WithoutForms):
    list_display = ["name", "model", "put_at"]
    list_select_related = ["model"]
    fields = ["name", "model", "put_at"]

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from rasax.accounts.admin import WithoutForms
from rasax.deployment.models import Evaluation, Model, ModelTag, RasaServer, UploadedProject, WorkerTask


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


@admin.register(WorkerTask)
class WorkerTaskAdmin(WithoutForms):
    list_display = ["job", "server", "has_turn", "posted_at", "heard_at", "expires_at"]
    list_select_related = ["job", "server"]
    fields = ["job", "server", "has_turn", "posted_at", "expires_at", "heard_at", "idle_since"]


@admin.register(Evaluation)
class EvaluationAdmin(WithoutForms):
    list_display = ["made_at", "method", "model_file", "accuracy", "f1", "n_tested", "n_errors", "by"]
    list_filter = ["method"]
    list_select_related = ["by"]
    fields = [
        "method", "folds", "source", "server", "rasa_version", "model_file", "by", "made_at", "accuracy", "precision",
        "f1", "n_tested", "n_errors", "right", "wrong",
    ]  # fmt: skip


@admin.register(UploadedProject)
class UploadedProjectAdmin(WithoutForms):
    list_display = ["name", "by", "uploaded_at"]
    list_select_related = ["by"]
    fields = ["name", "by", "uploaded_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UploadedProject]:
        return super().get_queryset(request).defer("files")

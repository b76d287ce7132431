"""To look at: an index beside a text is made by the verbs that change the text, and by nothing else."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from rasax.accounts.admin import WithoutForms
from rasax.training.models import Block, Change, Example, GitFile, GitRepository, Mention, Project, TrainingFile


@admin.register(Project)
class ProjectAdmin(WithoutForms):
    list_display = ["name", "version"]
    fields = ["name", "version"]


@admin.register(TrainingFile)
class TrainingFileAdmin(WithoutForms):
    list_display = ["path", "fault"]
    search_fields = ["path"]
    fields = ["path", "fault", "text"]
    readonly_fields = ["text"]


@admin.register(Block)
class BlockAdmin(WithoutForms):
    list_display = ["file", "kind", "section", "name"]
    list_filter = ["kind"]
    list_select_related = ["file"]
    search_fields = ["name"]
    fields = ["file", "position", "kind", "section", "name", "text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Block]:
        return super().get_queryset(request).defer("text")


@admin.register(Example)
class ExampleAdmin(WithoutForms):
    list_display = ["text", "intent"]
    search_fields = ["text"]
    fields = ["block", "intent", "text", "source", "entities", "digest"]


@admin.register(Mention)
class MentionAdmin(WithoutForms):
    list_display = ["name", "kind", "how", "block"]
    list_filter = ["kind", "how"]
    list_select_related = ["block"]
    search_fields = ["name"]
    fields = ["name", "kind", "how", "block"]


@admin.register(Change)
class ChangeAdmin(WithoutForms):
    """Undone on the page of the history, which shows the lines."""

    list_display = ["verb", "subject", "by", "at", "undone_by"]
    list_select_related = ["by", "undone_by"]
    fields = ["verb", "subject", "by", "at", "undone_by", "edits"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        return super().get_queryset(request).defer("edits")


@admin.register(GitRepository)
class GitRepositoryAdmin(WithoutForms):
    list_display = ["url", "branch", "looked_at", "is_merged"]
    fields = ["url", "branch", "folder", "public_key", "host_key", "head", "is_merged", "looked_at", "failure"]


@admin.register(GitFile)
class GitFileAdmin(WithoutForms):
    list_display = ["path", "is_conflict"]
    fields = ["path", "is_conflict", "base", "theirs"]

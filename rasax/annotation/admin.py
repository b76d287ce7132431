"""To look at: the inbox is filled by the event service, and decided on at its page."""

from __future__ import annotations

from django.contrib import admin

from rasax.accounts.admin import WithoutForms
from rasax.annotation.models import Decision, Gathering, InboxMessage, Occurrence, Opinion


@admin.register(InboxMessage)
class InboxMessageAdmin(WithoutForms):
    list_display = ["text", "intent", "n", "lowest", "state", "taught"]
    list_filter = ["state", "taught"]
    ordering = ["-id"]
    fields = [
        "text", "intent", "confidence", "lowest", "n", "first_seen", "last_seen", "state", "taught", "added",
        "suggested", "annotated_as", "by", "at",
    ]  # fmt: skip


@admin.register(Occurrence)
class OccurrenceAdmin(WithoutForms):
    list_display = ["event_id", "message_id", "environment", "timestamp"]
    list_select_related = ["environment"]
    ordering = ["-event"]
    fields = ["event", "message", "environment", "timestamp", "confidence"]


@admin.register(Opinion)
class OpinionAdmin(WithoutForms):
    list_display = ["message", "by", "intent", "at"]
    list_select_related = ["message", "by"]
    fields = ["message", "by", "intent", "entities", "at"]


@admin.register(Decision)
class DecisionAdmin(WithoutForms):
    list_display = ["verb", "by", "at"]
    list_select_related = ["by"]
    fields = ["verb", "by", "at", "messages", "changes"]


@admin.register(Gathering)
class GatheringAdmin(WithoutForms):
    list_display = ["position", "until"]
    fields = ["position", "until"]

"""What operators see under /admin of what was kept. Only `record()` writes these rows: they are shown, not changed."""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.admin_lists import (
    ONE_CONVERSATION,
    SHOWN_AT_MOST,
    ActivityFilter,
    EventTypeFilter,
    ReadOnly,
    filter_of,
    talking_of,
    with_words,
)
from events.models import (
    BrokerPosition,
    Conversation,
    Environment,
    Event,
    Facet,
    Forgotten,
    Heartbeat,
    Notice,
    RejectedMessage,
    StampPart,
    key_of,
)

PREVIEW_BYTES = 4_000


@admin.register(Conversation)
class ConversationAdmin(ReadOnly):
    """Deleting is not here: it must also take back what the conversation's facets count (docs/decisions)."""

    list_display = [
        "sender",
        "last_active",
        "n_events",
        "n_user_messages",
        "channel",
        "marks",
        "last_text",
    ]
    list_filter = [ActivityFilter, *map(filter_of, (Facet.Kind.CHANNEL, Facet.Kind.INTENT))]
    list_per_page = 50
    search_fields = ["sender_id"]
    search_help_text = _("A sender's id or its beginning, or words that somebody said")
    fields = [
        "sender_id", "began", "last_active", "n_events", "n_user_messages", "minimum_intent_confidence", "latest_text",
        "first_user_text", "latest_input_channel", "model_id", "assistant_id", "all_facets", "its_events",
    ]  # fmt: skip
    readonly_fields = ["began", "last_active", "all_facets", "its_events"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        marks = Facet.objects.filter(kind__in=[Facet.Kind.TAG, Facet.Kind.REVIEW, Facet.Kind.FLAG]).order_by(
            "kind", "value"
        )
        return super().get_queryset(request).prefetch_related(Prefetch("facets", queryset=marks, to_attr="marked"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        exact = queryset.filter(key=key_of(search_term))
        if exact.exists():
            return exact, False
        return queryset.filter(Q(sender_id__startswith=search_term) | talking_of(search_term)), False

    @admin.display(description=_("sender"))
    def sender(self, conversation: Conversation) -> str:
        return Truncator(str(conversation)).chars(40)

    @admin.display(description=_("channel"))
    def channel(self, conversation: Conversation) -> str:
        return conversation.latest_input_channel

    @admin.display(description=_("last text"))
    def last_text(self, conversation: Conversation) -> str:
        return Truncator(conversation.latest_text).chars(40)

    @admin.display(description=_("marks"))
    def marks(self, conversation: Any) -> str:
        return ", ".join(facet.value for facet in conversation.marked)

    @admin.display(description=_("facets"))
    def all_facets(self, conversation: Conversation) -> str:
        return ", ".join(str(facet) for facet in conversation.facets.order_by("kind", "value")[:200])

    @admin.display(description=_("events"))
    def its_events(self, conversation: Conversation) -> SafeString:
        address = reverse("admin:events_event_changelist", query={ONE_CONVERSATION: conversation.pk})
        return format_html('<a href="{}">{}</a>', address, gettext("Show them in order"))


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ["at", "sender", "type", "name", "confidence", "said"]
    list_display_links = ["at"]
    list_filter = [EventTypeFilter]
    list_select_related = ["conversation"]
    search_fields = ["text"]
    search_help_text = _("Words that somebody said")
    fields = ["conversation", "at", "timestamp", "digest", "type", "name", "confidence", "text", "pretty"]
    readonly_fields = ["at", "pretty"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("data")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["timestamp", "id"] if ONE_CONVERSATION in request.GET else ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(with_words(search_term)), False

    @admin.display(description=_("conversation"))
    def sender(self, event: Event) -> SafeString:
        address = reverse("admin:events_event_changelist", query={ONE_CONVERSATION: event.conversation_id})
        return format_html('<a href="{}">{}</a>', address, Truncator(str(event.conversation)).chars(40))

    @admin.display(description=_("text"))
    def said(self, event: Event) -> str:
        return Truncator(event.text or "").chars(80)

    @admin.display(description=_("event"))
    def pretty(self, event: Event) -> SafeString:
        return format_html("<pre>{}</pre>", _indented(event))


def _indented(event: Event) -> str:
    try:
        text = json.dumps(event.raw, indent=2, ensure_ascii=False)
    except RecursionError:
        text = event.data
    return text.encode(errors="replace").decode()


@admin.register(RejectedMessage)
class RejectedMessageAdmin(ReadOnly):
    deletable = True
    list_display = ["received_at", "error", "environment", "source"]
    list_filter = ["received_at"]
    search_fields = ["error", "environment", "source"]
    fields = ["received_at", "error", "environment", "source", "preview"]
    readonly_fields = ["preview"]
    actions = ["replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")

    @admin.display(description=_("body"))
    def preview(self, message: RejectedMessage) -> SafeString:
        body = bytes(message.body)
        rest = len(body) - PREVIEW_BYTES
        cut = gettext("… and %(n)s bytes more") % {"n": rest} if rest > 0 else ""
        return format_html("<pre>{}</pre>{}", repr(body[:PREVIEW_BYTES]), cut)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return super().has_delete_permission(request)

    def log_replay(self, request: HttpRequest, replayed: QuerySet[RejectedMessage]) -> None:
        LogEntry.objects.log_actions(cast("int", request.user.pk), list(replayed.defer("body")), CHANGE, "Replayed.")

    @admin.action(description=_("Replay selected messages"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[RejectedMessage]) -> None:
        chosen = RejectedMessage.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)[:SHOWN_AT_MOST]))
        with transaction.atomic():
            self.log_replay(request, chosen)
            outcome = chosen.replay()
        counts = {"stored": outcome.stored, "repeated": outcome.repeated, "rejected": outcome.rejected}
        text = gettext("%(stored)s stored, %(repeated)s were there already, %(rejected)s rejected again.") % counts
        self.message_user(request, text, messages.WARNING if outcome.rejected else messages.SUCCESS)


@admin.register(Forgotten)
class ForgottenAdmin(ReadOnly):
    """Without its row, what a broker or an import brings again would be kept again."""

    list_display = ["key", "until", "at"]


@admin.register(Facet)
class FacetAdmin(ReadOnly):
    list_display = ["value", "kind", "n_conversations"]
    list_filter = ["kind"]
    search_fields = ["value"]
    sortable_by = ("n_conversations",)


@admin.register(Environment)
class EnvironmentAdmin(ReadOnly):
    list_display = ["name", "first_seen"]
    search_fields = ["name"]


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    """Deletable: the row of a machine that is gone stays until somebody takes it away."""

    deletable = True
    list_display = [
        "name",
        "broker",
        "beat_at",
        "last_commit_at",
        "queue_depth",
        "lag_seconds",
        "n_stored",
        "n_rejected",
    ]
    list_filter = ["broker"]
    search_fields = ["name"]


@admin.register(BrokerPosition)
class BrokerPositionAdmin(ReadOnly):
    """Deletable: then everything the broker has is read again, and what is kept already is kept once."""

    deletable = True
    list_display = ["broker", "position"]


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ["at", "topics"]
    ordering = ["-id"]


@admin.register(StampPart)
class StampPartAdmin(ReadOnly):
    list_display = ["pk", "events", "marks", "forgotten", "moved_at"]
    ordering = ["pk"]

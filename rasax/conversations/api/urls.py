"""A conversation's id is any text, slashes included. So what hangs below a conversation is tried first, and the
conversation itself last. Its events and messages are in rasax/chat/api, which also writes them."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from events.models import Facet
from rasax.conversations.api import arriving, listing, marking, reading, statistics, views


class Anything(StringConverter):
    regex = r"[\s\S]+"


register_converter(Anything, "anything")

NAMES = {
    "conversationIntents": Facet.Kind.INTENT,
    "conversationEntities": Facet.Kind.ENTITY,
    "conversationActions": Facet.Kind.ACTION,
    "conversationPolicies": Facet.Kind.POLICY,
    "conversationSlots": Facet.Kind.SLOT,
    "conversationChannels": Facet.Kind.CHANNEL,
}
ONE = "conversations/<anything:conversation_id>"

urlpatterns = [
    path("conversations", listing.Conversations.as_view()),
    path("conversationTags", listing.Tags.as_view()),
    *(path(name, listing.Names.as_view(kind=kind)) for name, kind in NAMES.items()),
    path("statistics", statistics.StatisticsOf.as_view()),
    path("analytics", statistics.AnalyticsOf.as_view()),
    path("savedViews", views.Views.as_view()),
    path("savedViews/<int:pk>", views.OneView.as_view()),
    path("eventService", arriving.EventService.as_view()),
    path("rejectedMessages", arriving.RejectedMessages.as_view()),
    path("rejectedMessages/<int:pk>", arriving.OneRejectedMessage.as_view()),
    path("rejectedMessages/<int:pk>/replay", arriving.ReplayRejectedMessage.as_view()),
    path(f"{ONE}/messages/<str:timestamp>/flag", marking.FlagOf.as_view()),
    path(f"{ONE}/messages/<str:timestamp>/intent", marking.IntentOf.as_view()),
    path(f"{ONE}/reviewStatus", marking.ReviewOf.as_view()),
    path(f"{ONE}/tags", marking.Tags.as_view()),
    path(f"{ONE}/tags/<anything:tag>", marking.OneTag.as_view()),
    path(f"{ONE}/notes", marking.Notes.as_view()),
    path(f"{ONE}/notes/<int:pk>", marking.OneNote.as_view()),
    path(f"{ONE}/assignee", marking.AssigneeOf.as_view()),
    path(f"{ONE}/story", reading.Story.as_view()),
    path(f"{ONE}/debug-dump.json", reading.DebugDump.as_view()),
    path(ONE, reading.OneConversation.as_view()),
]

"""The items of the list, as both generations of Rasa X's API had them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import Min
from rest_framework import serializers

from events.models import Conversation, ConversationFacet, Event, Facet
from events.vocabulary import ActionExecuted
from rasax.conversations.models import Correction, Flag, Review, number_of

SHORT = 1_000  # events; of longer conversations the actions are not read for the list

KINDS = {
    Facet.Kind.INTENT: "intents",
    Facet.Kind.ACTION: "actions",
    Facet.Kind.POLICY: "policies",
    Facet.Kind.ENVIRONMENT: "environments",
    Facet.Kind.TAG: "tags",
    Facet.Kind.REVIEW: "review_status",
}


class ConversationTag(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    value = serializers.CharField()
    color = serializers.CharField()


class ConversationItem(serializers.Serializer[Any]):
    sender_id = serializers.CharField()
    conversation_id = serializers.CharField(help_text="The same: newer clients call it so")
    latest_event_time = serializers.FloatField()
    latest_input_channel = serializers.CharField(allow_null=True)
    intents = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    policies = serializers.ListField(child=serializers.CharField())
    environments = serializers.ListField(child=serializers.CharField())
    minimum_action_confidence = serializers.FloatField(allow_null=True, help_text=f"null beyond {SHORT} events")
    minimum_intent_confidence = serializers.FloatField(allow_null=True)
    n_user_messages = serializers.IntegerField()
    n_events = serializers.IntegerField()
    flagged_messages = serializers.IntegerField(help_text="How many messages have a flag")
    unflagged_messages = serializers.IntegerField(help_text="How many of the user's messages have none, at least")
    corrected_messages = serializers.IntegerField(help_text="How many intents somebody corrected or confirmed")
    review_status = serializers.ChoiceField(choices=Review.Status.values)
    reviewed_by = serializers.CharField(allow_null=True, help_text="null unless the status is `reviewed`")
    tags = ConversationTag(many=True)


class Marks(NamedTuple):
    flagged: int
    corrected: int
    reviewer: str | None


def items(conversations: Sequence[Conversation]) -> list[dict[str, Any]]:
    """Three queries, whatever the number of conversations."""
    pks = [conversation.pk for conversation in conversations]
    facets = _facets(pks)
    marks = _marks(pks)
    actions = _action_confidences([c.pk for c in conversations if c.n_events <= SHORT])
    return [_item(c, facets[c.pk], marks[c.pk], actions.get(c.pk)) for c in conversations]


def _item(shown: Conversation, facets: dict[str, list[Any]], marks: Marks, action: float | None) -> dict[str, Any]:
    reviewed = facets.pop("review_status", [])
    return {
        "sender_id": shown.sender_id,
        "conversation_id": shown.sender_id,
        "latest_event_time": shown.latest_event_time,
        "latest_input_channel": shown.latest_input_channel or None,
        "intents": [], "actions": [], "policies": [], "environments": [], "tags": [],
        **facets,
        "minimum_action_confidence": action,
        "minimum_intent_confidence": shown.minimum_intent_confidence,
        "n_user_messages": shown.n_user_messages,
        "n_events": shown.n_events,
        "flagged_messages": marks.flagged,
        "unflagged_messages": max(0, shown.n_user_messages - marks.flagged),
        "corrected_messages": marks.corrected,
        "review_status": reviewed[0] if reviewed else Review.Status.UNREAD.value,
        "reviewed_by": marks.reviewer,
    }  # fmt: skip


def _marks(pks: Sequence[int]) -> dict[int, Marks]:
    found = Conversation.objects.filter(pk__in=pks).order_by().values_list("pk")
    marks = found.annotate(flagged=number_of(Flag), corrected=number_of(Correction), by=Review.objects.reviewer())
    return {pk: Marks(*each) for pk, *each in marks}


def _facets(pks: Sequence[int]) -> dict[int, dict[str, list[Any]]]:
    found: dict[int, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    links = ConversationFacet.objects.filter(conversation__in=pks, facet__kind__in=list(KINDS))
    columns = "conversation_id", "facet_id", "facet__kind", "facet__value", "facet__tag__color"
    for conversation, pk, kind, value, color in links.order_by("facet__value").values_list(*columns):
        shape = {"id": pk, "value": value, "color": color or ""} if kind == Facet.Kind.TAG else value
        found[conversation][KINDS[Facet.Kind(kind)]].append(shape)
    return found


def _action_confidences(pks: Sequence[int]) -> dict[int, float | None]:
    actions = Event.objects.filter(conversation__in=pks, type=ActionExecuted.TYPE).order_by()
    return dict(actions.values_list("conversation").annotate(Min("confidence")))

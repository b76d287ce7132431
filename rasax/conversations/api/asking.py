"""The list's parameters, by the names that Rasa X gave them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from events.models import Conversation, Facet, key_of
from events.querysets import ConversationQuerySet
from rasax.accounts.api.fields import Flag, Names, Number, Seconds, Text, Whole
from rasax.accounts.api.paging import Paged
from rasax.accounts.models import User
from rasax.conversations.filters import WORDS_LENGTH, Filters
from rasax.conversations.models import Review

NAMES = {
    "intent": Facet.Kind.INTENT,
    "entity": Facet.Kind.ENTITY,
    "action": Facet.Kind.ACTION,
    "slots": Facet.Kind.SLOT,
    "policies": Facet.Kind.POLICY,
    "tags": Facet.Kind.TAG,
    "channels": Facet.Kind.CHANNEL,
    "environment": Facet.Kind.ENVIRONMENT,
}
CURSOR = r"^[0-9]{1,20}(\.[0-9]{1,20})?(e-[0-9]{1,2})?_[0-9]{1,18}$"


class ConversationsQuery(Paged):
    """Lists are separated by commas, or the parameter comes again; one of a list is enough, of different parameters
    all must hold."""

    intent = Names(required=False)
    entity = Names(required=False)
    action = Names(required=False)
    slots = Names(required=False)
    policies = Names(required=False)
    tags = Names(required=False)
    channels = Names(required=False)
    environment = Names(required=False)
    text = Text(required=False, max_length=WORDS_LENGTH, help_text="Words that were said")
    start = Seconds(required=False, help_text="The latest event is not before")
    until = Seconds(required=False, help_text="The latest event is not after")
    maximumConfidence = Number(  # noqa: N815
        required=False, min_value=0, max_value=1, help_text="Of the least sure intent"
    )
    minimumUserMessages = Whole(  # noqa: N815
        required=False, min_value=0, max_value=2**31 - 1
    )
    is_flagged = Flag(required=False, help_text="`true`: has a flagged message. `false` asks for nothing")
    review_status = serializers.ChoiceField(required=False, choices=Review.Status.values)
    sort_by_confidence = Flag(default=False, help_text="The least sure first")
    sort_by_latest_event_time = Flag(default=True, help_text="Newest first; `false`: oldest first")
    exclude_self = Flag(default=False, help_text="Without the conversation whose sender_id is your own name")
    cursor = serializers.RegexField(CURSOR, required=False, help_text="X-Next-Cursor of the page before")

    def to_internal_value(self, data: Any) -> Any:
        if "in_training_data" in data:
            message = "Which messages are in the training data is not known yet: that comes with training data."
            raise serializers.ValidationError({"in_training_data": [message]})
        return super().to_internal_value(data)


def filters_of(query: dict[str, Any]) -> Filters:
    facets = {kind.value: query[name] for name, kind in NAMES.items() if query.get(name)}
    return Filters(
        words=query.get("text", ""),
        facets=facets,
        status=query.get("review_status", ""),
        flagged=query.get("is_flagged", False),
        start=query.get("start"),
        stop=query.get("until"),
        messages_min=query.get("minimumUserMessages"),
        confidence=query.get("maximumConfidence"),
        order=_order(query),
    )


def _order(query: dict[str, Any]) -> str:
    if query["sort_by_confidence"]:
        return "confidence"
    return "newest" if query["sort_by_latest_event_time"] else "oldest"


def rows_of(query: dict[str, Any], user: User) -> ConversationQuerySet:
    rows = Conversation.objects.all()
    return rows.exclude(key=key_of(user.username)) if query["exclude_self"] else rows

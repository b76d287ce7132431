"""One conversation: its state, its events, its messages, its story."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import Conversation, Event
from events.vocabulary import BotUttered, SessionStarted, UserUttered
from rasax.accounts.api.fields import Flag as YesOrNo
from rasax.accounts.api.fields import Seconds, Strict, Text, Whole
from rasax.accounts.api.operations import Reading, operation, person
from rasax.accounts.api.paging import HEADERS, PAGE, paged
from rasax.conversations import forgetting
from rasax.conversations.api.asking import CURSOR
from rasax.conversations.api.history import MOST_EVENTS, as_json, find, latest, tracker
from rasax.conversations.api.listing import READ
from rasax.conversations.filters import Position
from rasax.conversations.models import Flag
from trackers.tracker import EventVerbosity

DELETE = ("events.view_conversation", "events.delete_conversation")
OMITTED = OpenApiParameter(
    "X-Events-Omitted", OpenApiTypes.INT, OpenApiParameter.HEADER, response=[200],
    description="How many older events the state was made without; missing where there are none",
)  # fmt: skip


class Past(Strict):
    until = Seconds(required=False, help_text="As it was then; events of that very time are included")


class StateQuery(Past):
    environment = Text(required=False, help_text="404 unless the conversation is of it")
    include_events = serializers.ChoiceField(choices=[verbosity.name for verbosity in EventVerbosity], default="ALL")
    limit = Whole(min_value=1, max_value=MOST_EVENTS, default=MOST_EVENTS, help_text="The latest events")


@extend_schema_field({"type": "object", "additionalProperties": True})
class AnyObject(serializers.JSONField):
    """As Rasa made it."""


class TrackerState(serializers.Serializer[Any]):
    """As GET /conversations/{id}/tracker of Rasa gives it, and who is flagged."""

    sender_id = serializers.CharField()
    conversation_id = serializers.CharField()
    slots = AnyObject()
    latest_message = AnyObject()
    latest_event_time = serializers.FloatField(allow_null=True)
    followup_action = serializers.JSONField()
    paused = serializers.BooleanField()
    events = serializers.ListField(child=AnyObject(), allow_null=True)
    latest_input_channel = serializers.JSONField()
    active_loop = AnyObject()
    latest_action = AnyObject()
    latest_action_name = serializers.JSONField()
    flagged_messages = serializers.ListField(child=serializers.FloatField(), help_text="Timestamps")


class OneConversation(Reading):
    @operation(TrackerState, needs=READ, query=StateQuery, headers=(OMITTED,))
    def get(self, request: Request, conversation_id: str, query: dict[str, Any]) -> Any:
        """The state of a conversation, as Rasa's tracker has it."""
        found = find(conversation_id, query.get("environment"))
        events = latest(found, query.get("until"), query["limit"])
        state = tracker(found, events).current_state(EventVerbosity[query["include_events"]])
        flags = list(_flags(found).order_by("event__timestamp").values_list("event__timestamp", flat=True))
        response = Response({**state, "conversation_id": found.sender_id, "flagged_messages": flags})
        return _with_omitted(response, found, events, query.get("until"))

    @operation(None, needs=DELETE, status=204)
    def delete(self, request: Request, conversation_id: str) -> Response:
        """Delete a conversation for good, with all that is known of it.

        What was said until now stays away, however often an event broker brings it again.
        """
        found = find(conversation_id)
        forgetting.forget(Conversation.objects.filter(pk=found.pk), person(request))
        return Response(status=204)


def _flags(conversation: Conversation) -> Any:
    return Flag.objects.filter(conversation=conversation)


def _with_omitted(response: HttpResponse, shown: Conversation, events: list[Event], until: float | None) -> Any:
    earlier = Event.objects.filter(conversation=shown, timestamp__lt=events[0].timestamp) if events else None
    if earlier is not None and len(events) < shown.n_events and (omitted := earlier.count()):
        response["X-Events-Omitted"] = str(omitted)
    return response


class EventsQuery(Past):
    use_history = YesOrNo(default=True, help_text="`false`: only the latest session's events")
    limit = Whole(min_value=1, max_value=MOST_EVENTS, default=MOST_EVENTS)
    cursor = serializers.RegexField(CURSOR, required=False, help_text="X-Next-Cursor of the page before")


class MessagesQuery(EventsQuery):
    limit = Whole(min_value=1, max_value=MOST_EVENTS, default=PAGE)


class FlaggedEvent(serializers.Serializer[Any]):
    """A Rasa event; its other fields are those of its kind."""

    event = serializers.CharField()
    timestamp = serializers.FloatField()
    is_flagged = serializers.BooleanField()


class Message(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["user", "bot"])
    text = serializers.JSONField()
    timestamp = serializers.FloatField()
    data = serializers.JSONField(  # type: ignore[assignment]
        help_text="Buttons, images and more, of the bot"
    )
    intent = serializers.CharField(allow_null=True, help_text="As predicted, of the user")
    confidence = serializers.FloatField(allow_null=True)
    is_flagged = serializers.BooleanField()


class Events(Reading):
    @operation(FlaggedEvent(many=True), needs=READ, query=EventsQuery, headers=HEADERS)
    def get(self, request: Request, conversation_id: str, query: dict[str, Any]) -> Response:
        """The events of a conversation, oldest first."""
        found = find(conversation_id)
        events, more, total = _page(found, query)
        flagged = set(_flags(found).values_list("event_id", flat=True))
        return paged(request, [{**as_json(e), "is_flagged": e.pk in flagged} for e in events], more, total)


class Messages(Reading):
    @operation(Message(many=True), needs=READ, query=MessagesQuery, headers=HEADERS)
    def get(self, request: Request, conversation_id: str, query: dict[str, Any]) -> Response:
        """What user and bot said, oldest first."""
        found = find(conversation_id)
        events, more, total = _page(found, query, type__in=[UserUttered.TYPE, BotUttered.TYPE])
        flagged = set(_flags(found).values_list("event_id", flat=True))
        return paged(request, [_message(event, event.pk in flagged) for event in events], more, total)


def _message(event: Event, is_flagged: bool) -> dict[str, Any]:
    raw = as_json(event)
    return {
        "type": event.type,
        "text": raw.get("text"),
        "timestamp": event.timestamp,
        "data": raw.get("data"),
        "intent": event.name,
        "confidence": event.confidence,
        "is_flagged": is_flagged,
    }


def _page(found: Conversation, query: dict[str, Any], **of: Any) -> tuple[list[Event], Position | None, int]:
    """A page of events in order, where the next one begins, and how many there are."""
    events = Event.objects.filter(conversation=found, **of)
    if "until" in query:
        events = events.filter(timestamp__lte=query["until"])
    if not query["use_history"] and (start := _session_start(found, query.get("until"))):
        events = events.filter(timestamp__gte=start)
    total = events.count()
    if cursor := Position.read(query.get("cursor", "")):
        later = events.filter(timestamp__gt=cursor.time)
        events = later | events.filter(timestamp=cursor.time, id__gt=cursor.tie)
    rows = list(events.in_order()[: query["limit"] + 1])
    shown = rows[: query["limit"]]
    more = Position(shown[-1].timestamp, shown[-1].pk) if len(rows) > len(shown) else None
    return shown, more, total


def _session_start(found: Conversation, until: float | None) -> float | None:
    sessions = Event.objects.filter(conversation=found, type=SessionStarted.TYPE)
    if until is not None:
        sessions = sessions.filter(timestamp__lte=until)
    return sessions.order_by("-timestamp").values_list("timestamp", flat=True).first()


class Story(Reading):
    @operation({"text/plain": OpenApiTypes.STR}, needs=READ, query=Past, headers=(OMITTED,))
    def get(self, request: Request, conversation_id: str, query: dict[str, Any]) -> Any:
        """The conversation as a story, in Rasa's YAML."""
        found = find(conversation_id)
        events = latest(found, query.get("until"))
        text = tracker(found, events).as_story(EventVerbosity.APPLIED)
        response = HttpResponse(text.encode(errors="replace"), content_type="text/plain; charset=utf-8")
        return _with_omitted(response, found, events, query.get("until"))


@extend_schema_serializer(many=False)
class Dump(serializers.Serializer[Any]):
    sender_id = serializers.CharField()
    n_events = serializers.IntegerField()
    n_user_messages = serializers.IntegerField()
    first_event_time = serializers.FloatField()
    latest_event_time = serializers.FloatField()
    model_id = serializers.CharField()
    assistant_id = serializers.CharField()
    tracker = AnyObject()


class DebugDump(Reading):
    @operation(Dump, needs=READ, query=Past, headers=(OMITTED,))
    def get(self, request: Request, conversation_id: str, query: dict[str, Any]) -> Any:
        """What somebody needs who looks for a fault: the state with all events, and what is kept beside them."""
        found = find(conversation_id)
        events = latest(found, query.get("until"))
        columns = {name: getattr(found, name) for name in Dump._declared_fields if name != "tracker"}
        response = Response({**columns, "tracker": tracker(found, events).current_state(EventVerbosity.ALL)})
        response["Content-Disposition"] = 'attachment; filename="debug-dump.json"'
        return _with_omitted(response, found, events, query.get("until"))

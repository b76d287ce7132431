"""What hangs below a conversation and is asked of its Rasa server."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import FIRST_TIME, LAST_TIME, Number, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.chat.api.asking import TALK, asking, server_of, told
from rasax.chat.chats import Chat
from rasax.chat.talking import MOST_SAID, say_in
from rasax.conversations.api import reading
from rasax.conversations.api.reading import AnyObject

MOST_EVENTS = 10_000


class OfServer(Strict):
    environment = Text(required=False, max_length=100, help_text="The Rasa server's name, where it is not clear")


class Said(Strict):
    message = Text(max_length=MOST_SAID)


class Answer(serializers.Serializer[Any]):
    messages = serializers.ListField(child=AnyObject(), help_text="What the bot said, as Rasa's channel answered")


class Messages(reading.Messages):
    @operation(Answer, needs=TALK, query=OfServer, body=Said, errors=(409, 502))
    def post(self, request: Request, conversation_id: str, query: dict[str, Any], body: dict[str, Any]) -> Response:
        """Say something in a conversation, by Rasa's channel `rasa` or `rest`."""
        server = server_of(conversation_id, person(request), query.get("environment"))
        with told():
            messages = say_in(server, conversation_id, body["message"])
        return Response({"messages": messages})


class Score(serializers.Serializer[Any]):
    action = serializers.CharField()
    score = serializers.FloatField()


class Predicted(serializers.Serializer[Any]):
    scores = Score(many=True)
    policy = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    tracker = AnyObject(allow_null=True)


class Predict(Endpoint):
    @operation(Predicted, needs=TALK, query=OfServer, errors=(409, 502))
    def post(self, request: Request, conversation_id: str, query: dict[str, Any]) -> Response:
        """Predict the next action."""
        with asking(server_of(conversation_id, person(request), query.get("environment"))) as rasa:
            found = rasa.predict(conversation_id)
        scores = [{"action": each.action, "score": each.score} for each in found.scores]
        rest = {"policy": found.policy, "confidence": found.confidence, "tracker": found.tracker}
        return Response({"scores": scores, **rest})


class ActionToRun(Strict):
    name = Text()
    policy = Text(required=False, allow_null=True)
    confidence = Number(required=False, allow_null=True, min_value=0, max_value=1)


class Executed(serializers.Serializer[Any]):
    tracker = AnyObject()
    messages = serializers.ListField(child=AnyObject())


class Execute(Endpoint):
    @operation(Executed, needs=TALK, query=OfServer, body=ActionToRun, errors=(409, 502))
    def post(self, request: Request, conversation_id: str, query: dict[str, Any], body: dict[str, Any]) -> Response:
        """Run an action in a conversation."""
        with asking(server_of(conversation_id, person(request), query.get("environment"))) as rasa:
            done = rasa.execute(
                conversation_id, body["name"], policy=body.get("policy"), confidence=body.get("confidence")
            )
        return Response({"tracker": done.tracker, "messages": done.messages})


@extend_schema_serializer(extensions={"x-any-field": True})
class EventToAppend(serializers.Serializer[Any]):
    """Of any type, with whatever fields Rasa knows for it; without a timestamp it happens now."""

    event = Text()
    timestamp = Number(required=False, min_value=FIRST_TIME, max_value=LAST_TIME)

    def to_internal_value(self, data: Any) -> Any:
        known = super().to_internal_value(data)
        return {"timestamp": time.time(), **data, **known}


EventsToAppend: Any = partial(EventToAppend, many=True, max_length=MOST_EVENTS)  # type: ignore[call-arg]


class Events(reading.Events):
    @operation(OpenApiTypes.OBJECT, needs=TALK, query=OfServer, body=EventsToAppend, errors=(409, 502))
    def post(self, request: Request, conversation_id: str, query: dict[str, Any], body: list[Any]) -> Response:
        """Append events to a conversation at its Rasa server.

        They come here again through the event broker. The answer is Rasa's tracker state.
        """
        with asking(server_of(conversation_id, person(request), query.get("environment"))) as rasa:
            return Response(rasa.append_events(conversation_id, body, returns="AFTER_RESTART"))

    @operation(OpenApiTypes.OBJECT, needs=TALK, query=OfServer, body=EventsToAppend, errors=(409, 502))
    def put(self, request: Request, conversation_id: str, query: dict[str, Any], body: list[Any]) -> Response:
        """Replace the events of a conversation at its Rasa server.

        What came here stays. Rasa's SQL tracker stores keep what a shorter list leaves out; to take something back,
        append `rewind` or `undo`.
        """
        with asking(server_of(conversation_id, person(request), query.get("environment"))) as rasa:
            return Response(rasa.replace_events(conversation_id, body))


class Begun(serializers.Serializer[Any]):
    conversation_id = serializers.CharField(source="sender_id")
    environment = serializers.CharField(source="server.name")
    mode = serializers.ChoiceField(choices=Chat.Mode.choices)
    began_at = serializers.DateTimeField()

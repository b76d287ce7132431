"""The NLU inbox as Rasa X's logs: the messages that wait, one by its id or its hash, annotated, added, deleted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import NAME_LENGTH, Event
from rasax.accounts.api.errors import Conflict, OfNoUse
from rasax.accounts.api.fields import LARGEST, Matching, Strict, Text, Whole
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import AT_LEAST, COUNTED, HEADERS, Paged, paged
from rasax.annotation.annotating import Choice, add_text, annotate, put_aside
from rasax.annotation.filters import InboxFilters
from rasax.annotation.finding import Finding
from rasax.annotation.following import is_written
from rasax.annotation.inbox import InboxMessage
from rasax.annotation.parsing import Understood, understand
from rasax.annotation.reading import Reading, readings
from rasax.training.formats.errors import Refused
from rasax.training.texts import digest

SEE, CHANGE = ("accounts.view_nlu_data",), ("accounts.view_nlu_data", "accounts.change_nlu_data")
HASH = re.compile(r"[0-9a-f]{16}")
MOST_ENTITIES, TEXT_LENGTH = 100, 5_000


class LogQuery(Paged):
    q = Text(max_length=200, required=False, help_text="Words of the text")
    intent = Text(required=False, help_text="That was predicted last")
    environment = Text(required=False, help_text="In which it was said")
    cursor = Matching(
        r"^[0-9][0-9.e+-]{0,40}_[0-9]{1,18}$", max_length=64, required=False,
        help_text="X-Next-Cursor of the page before",
    )  # fmt: skip


class LoggedIntent(serializers.Serializer[Any]):
    name = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True, required=False)


class LoggedEntity(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="In code points of the text")
    end = serializers.IntegerField()
    entity = serializers.CharField()
    value = serializers.CharField()
    role = serializers.CharField(required=False)
    group = serializers.CharField(required=False)


class UserInput(serializers.Serializer[Any]):
    text = serializers.CharField()
    intent = LoggedIntent()
    intent_ranking = LoggedIntent(many=True)
    entities = LoggedEntity(many=True)


class Log(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    hash = serializers.CharField()
    time = serializers.FloatField(help_text="When it was said last: seconds since 1970; 0 if nobody said it yet")
    count = serializers.IntegerField(help_text="How often it was said")
    state = serializers.ChoiceField(choices=InboxMessage.State.choices)
    in_training_data = serializers.BooleanField()
    conversation_id = serializers.CharField(allow_null=True, help_text="Where it was said last; the sender_id")
    event_id = serializers.IntegerField(allow_null=True)
    user_input = UserInput()


class AddedLog(Log):
    parsed_by = serializers.CharField(
        allow_null=True,
        help_text="The environment that said what it means; null where none did, or users said it before",
    )
    problem = serializers.CharField(help_text="Why no environment said so, and what to do; empty where one did")


class TextToAdd(Strict):
    text = Text(max_length=TEXT_LENGTH)


class EntityToMark(Strict):
    start = Whole(min_value=0, max_value=TEXT_LENGTH * 2, help_text="In code points of the text")
    end = Whole(min_value=0, max_value=TEXT_LENGTH * 2)
    entity = Text(max_length=NAME_LENGTH)
    value = Text(max_length=NAME_LENGTH, required=False, help_text="Where it is not what the text says: a synonym's")
    role = Text(max_length=NAME_LENGTH, required=False)
    group = Text(max_length=NAME_LENGTH, required=False)


class Annotation(Strict):
    intent = Text(max_length=NAME_LENGTH, help_text="It is made where it is new")
    entities = serializers.ListField(
        child=EntityToMark(), max_length=MOST_ENTITIES, required=False, help_text="Without it those that were predicted"
    )


class Logs(Endpoint):
    @operation(Log(many=True), needs=SEE, query=LogQuery, headers=(*HEADERS, AT_LEAST))
    def get(self, request: Request, project: str, query: dict[str, Any]) -> Response:
        """The messages of the inbox, least sure first.

        They are those that the training data does not have: equal texts once, however often they were said.
        """
        known(project)
        filters = InboxFilters(query.get("q", ""), query.get("intent", ""), query.get("environment", ""))
        finding, limit = Finding(filters, person(request).pk), query["limit"]
        found = finding.page(limit + 1, filters.position(query.get("cursor", "")), query["offset"])
        last = found[limit - 1] if len(found) > limit else None
        total = finding.count(COUNTED)
        cursor = f"{last.lowest!r}_{last.pk}" if last else None
        response = paged(request, logged(found[:limit]), cursor, total)
        if total == COUNTED:
            response["X-Total-Count-At-Least"] = "true"
        return response

    @operation(AddedLog, needs=CHANGE, body=TextToAdd, status=201, errors=(422,))
    def post(self, request: Request, project: str, body: dict[str, str]) -> Response:
        """Put a text into the inbox, whether or not a user said it.

        A connected environment says what it means: the production server, or else another that has a model.
        """
        known(project)
        if not is_written(body["text"]):
            raise OfNoUse("A text that begins so stands for an intent, and nobody wrote it.")
        text = body["text"]
        known_before = InboxMessage.objects.filter(digest=digest(text), n__gt=0).exists()
        understood = Understood() if known_before else understand(text)
        row = add_text(text, understood, person(request))
        added = {"parsed_by": understood.by or None, "problem": understood.problem}
        return Response({**logged([row])[0], **added}, status=201)


class OneLog(Endpoint):
    @operation(Log, needs=SEE)
    def get(self, request: Request, project: str, log: str) -> Response:
        """One message of the inbox, or one that was there."""
        return Response(logged([find(project, log)])[0])

    @operation(Log, needs=CHANGE, body=Annotation, errors=(409, 422))
    def put(self, request: Request, project: str, log: str, body: dict[str, Any]) -> Response:
        """Say what a message means: it goes into the training data, and out of the inbox.

        Where two people must agree (`SECOND_OPINION`) it waits for the other's opinion. 409 where somebody else has put
        it under another intent.
        """
        row = find(project, log)
        entities = body["entities"] if "entities" in body else readings([row]).get(row.pk, Reading()).entities
        try:
            outcome = annotate([Choice(row.pk, body["intent"], entities)], person(request))
        except Refused as refused:
            raise OfNoUse(f"{gettext(refused.message)} {refused.words}".strip()) from refused
        if outcome.taken:
            raise Conflict("Somebody else has put this text under another intent.")
        row.refresh_from_db()
        return Response(logged([row])[0])

    @operation(None, needs=CHANGE, status=204)
    def delete(self, request: Request, project: str, log: str) -> Response:
        """Delete a message from the inbox; it stays out of it, however often it is said again."""
        if not put_aside([find(project, log).pk], InboxMessage.State.DELETED, person(request)):
            raise Http404("It is not in the inbox any more.")
        return Response(status=204)


def known(project: str) -> None:
    if project != "default":
        raise Http404("There is one project: default.")


def find(project: str, log: str) -> InboxMessage:
    """By its hash, or by its id, which never gets so long."""
    known(project)
    said = InboxMessage.objects.exclude(text="")
    if HASH.fullmatch(log):
        number = int(log, 16)
        return get_object_or_404(said, digest=number - 2**64 if number >= 2**63 else number)
    if not re.fullmatch(r"[0-9]{1,15}", log) or int(log) > LARGEST:
        raise Http404
    return get_object_or_404(said, pk=int(log))


def logged(rows: Sequence[InboxMessage]) -> list[dict[str, Any]]:
    found = readings(rows)
    events = Event.objects.filter(pk__in=[row.latest_event for row in rows if row.latest_event])
    senders = dict(events.values_list("pk", "conversation__sender_id"))
    return [_logged(row, found.get(row.pk, Reading()), senders.get(row.latest_event or 0)) for row in rows]


def _logged(row: InboxMessage, reading: Reading, sender_id: str | None) -> dict[str, Any]:
    return {
        "id": row.pk,
        "hash": row.hash,
        "time": row.last_seen,
        "count": row.n,
        "state": row.state,
        "in_training_data": row.taught,
        "conversation_id": sender_id,
        "event_id": row.latest_event,
        "user_input": {
            "text": row.text,
            "intent": {"name": row.suggested or reading.intent or row.intent, "confidence": row.confidence},
            "intent_ranking": [{"name": name, "confidence": share} for name, share in reading.ranking],
            "entities": reading.entities,
        },
    }

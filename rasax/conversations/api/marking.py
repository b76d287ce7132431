"""What people put on a conversation: tags, review status, flags, corrections, notes, an assignee."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import F
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import NAME_LENGTH, Conversation, Event
from events.querysets import ConversationQuerySet
from events.vocabulary import UserUttered
from rasax.accounts.api.fields import Matching, Seconds, Strict, Text
from rasax.accounts.api.operations import Endpoint, Reading, operation, person
from rasax.accounts.models import User
from rasax.conversations.api.history import find
from rasax.conversations.api.items import ConversationTag
from rasax.conversations.api.listing import READ
from rasax.conversations.models import Assignment, Correction, Flag, Note, Review, Tag
from rasax.conversations.tagging import tag_name

ANNOTATE = ("events.view_conversation", "conversations.annotate_conversation")


class TagToPut(Strict):
    value = Text(max_length=NAME_LENGTH)
    color = Matching(r"^#[0-9a-fA-F]{6}$", required=False, help_text="Of a new tag; else one is chosen")


TagsToPut: Any = partial(TagToPut, many=True, max_length=50)  # type: ignore[call-arg]


class Tags(Reading):
    @operation(ConversationTag(many=True), needs=READ)
    def get(self, request: Request, conversation_id: str) -> Response:
        """The tags of a conversation."""
        return Response(_tags(find(conversation_id)))

    @operation(ConversationTag(many=True), needs=ANNOTATE, body=TagsToPut)
    def post(self, request: Request, conversation_id: str, body: list[dict[str, str]]) -> Response:
        """Put tags on a conversation.

        One that there is not yet is made, by who may make new tags. The answer is all that it has now.
        """
        found = find(conversation_id)
        for tag in [_tag(wanted, person(request)) for wanted in body]:
            tag.put_on(_only(found), person(request))
        return Response(_tags(found))


def _tags(conversation: Conversation) -> list[Any]:
    on = Tag.objects.filter(facet__conversationfacet__conversation=conversation)
    return list(on.values("color", id=F("pk"), value=F("facet__value")).order_by("value"))


def _tag(wanted: dict[str, str], by: User) -> Tag:
    name = tag_name(wanted["value"])
    if known := Tag.objects.filter(facet__value=name).select_related("facet").first():
        return known
    if not by.has_perm("conversations.add_tag"):
        raise PermissionDenied(f"There is no tag {name!r}, and you may not make one.")
    return Tag.objects.called(name, wanted.get("color", ""))


class OneTag(Endpoint):
    @operation(None, needs=ANNOTATE, status=204)
    def delete(self, request: Request, conversation_id: str, tag: str) -> Response:
        """Take a tag from a conversation."""
        found = find(conversation_id)
        on = Tag.objects.filter(facet__conversationfacet__conversation=found).select_related("facet")
        known = on.filter(facet__value=tag).first() or on.filter(pk=int(tag) if tag.isdecimal() else 0).first()
        if known is None or not known.take_off(_only(found), person(request)):
            raise Http404("The conversation has no such tag.")
        return Response(status=204)


class ReviewStatus(Strict):
    review_status = serializers.ChoiceField(choices=Review.Status.values)


class ReviewOf(Endpoint):
    @operation(None, needs=ANNOTATE, body=ReviewStatus, status=204)
    def put(self, request: Request, conversation_id: str, body: dict[str, str]) -> Response:
        """Say how far people are with a conversation."""
        Review.objects.mark(_only(find(conversation_id)), body["review_status"], person(request))
        return Response(status=204)


class FlagOf(Endpoint):
    @operation(None, needs=ANNOTATE, status=204)
    def put(self, request: Request, conversation_id: str, timestamp: str) -> Response:
        """Flag a message."""
        Flag.objects.put_on(_message(conversation_id, timestamp), person(request))
        return Response(status=204)

    @operation(None, needs=ANNOTATE, status=204)
    def delete(self, request: Request, conversation_id: str, timestamp: str) -> Response:
        """Take the flag off a message."""
        Flag.objects.take_off(_message(conversation_id, timestamp), person(request))
        return Response(status=204)


class IntentToSet(Strict):
    intent = Text(max_length=NAME_LENGTH, help_text="What the message means")
    mapped_to = Text(
        max_length=NAME_LENGTH, required=False, allow_null=True, default=None,
        help_text="The intent that the assistant knows it by; where given, it is the one that is kept",
    )  # fmt: skip


class IntentOf(Endpoint):
    @operation(None, needs=ANNOTATE, body=IntentToSet, status=204)
    def put(self, request: Request, conversation_id: str, timestamp: str, body: dict[str, str | None]) -> Response:
        """Correct, or confirm, the intent of what the user said."""
        message = _message(conversation_id, timestamp, only_user=True)
        Correction.objects.correct(message, str(body["mapped_to"] or body["intent"]), person(request))
        return Response(status=204)

    @operation(None, needs=ANNOTATE, status=204)
    def delete(self, request: Request, conversation_id: str, timestamp: str) -> Response:
        """Take a correction back."""
        if not Correction.objects.withdraw(_message(conversation_id, timestamp, only_user=True), person(request)):
            raise Http404("Nobody corrected this message.")
        return Response(status=204)


def _message(conversation_id: str, timestamp: str, only_user: bool = False) -> Event:
    """The message of that time; of several events what the user said, else what comes first."""
    try:
        events = Event.objects.filter(conversation=find(conversation_id), timestamp=float(timestamp))
    except ValueError:
        raise Http404("A timestamp is a number.") from None
    found = list(events.select_related("conversation").in_order()[:100])
    said = [event for event in found if event.type == UserUttered.TYPE]
    if not (candidates := said if only_user else said + found):
        raise Http404("There is no message of this time.")
    return candidates[0]


class NoteOfConversation(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    author = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()
    timestamp = serializers.FloatField(allow_null=True, help_text="Of the message that it is about")


class NoteToWrite(Strict):
    text = Text(max_length=5_000)
    timestamp = Seconds(required=False, allow_null=True, default=None, help_text="Of the message that it is about")


class Notes(Reading):
    @operation(NoteOfConversation(many=True), needs=READ)
    def get(self, request: Request, conversation_id: str) -> Response:
        """The notes on a conversation and its messages."""
        notes = Note.objects.filter(conversation=find(conversation_id)).select_related("author", "event")
        return Response([_note(note) for note in notes])

    @operation(NoteOfConversation, needs=ANNOTATE, body=NoteToWrite, status=201)
    def post(self, request: Request, conversation_id: str, body: dict[str, Any]) -> Response:
        """Write a note."""
        time = body["timestamp"]
        about = _message(conversation_id, repr(time)) if time is not None else None
        note = Note.objects.write(find(conversation_id), body["text"], person(request), about)
        return Response(_note(note), status=201)


def _note(note: Note) -> dict[str, Any]:
    return {
        "id": note.pk,
        "text": note.text,
        "author": note.author.get_username() if note.author else None,
        "at": note.at,
        "timestamp": note.event.timestamp if note.event else None,
    }


class OneNote(Endpoint):
    @operation(None, needs=ANNOTATE, status=204)
    def delete(self, request: Request, conversation_id: str, pk: int) -> Response:
        """Delete one of your notes."""
        note = get_object_or_404(Note, pk=pk, conversation=find(conversation_id))
        if note.author_id != person(request).pk:
            raise PermissionDenied("Somebody else wrote this note.")
        note.withdraw(person(request))
        return Response(status=204)


class Assignee(Strict):
    assignee = Text(max_length=150, allow_null=True, help_text="A person's name; null for nobody")


class AssigneeOf(Reading):
    @operation(Assignee, needs=READ)
    def get(self, request: Request, conversation_id: str) -> Response:
        """Who is to look at a conversation."""
        found = Assignment.objects.filter(conversation=find(conversation_id)).select_related("assignee").first()
        return Response({"assignee": found.assignee.username if found else None})

    @operation(None, needs=ANNOTATE, body=Assignee, status=204)
    def put(self, request: Request, conversation_id: str, body: dict[str, str | None]) -> Response:
        """Give a conversation to somebody, or to nobody."""
        found, name = find(conversation_id), body["assignee"]
        assignee = User.objects.filter(username=name, is_active=True).first() if name else None
        if name and assignee is None:
            raise Http404("There is nobody of this name.")
        Assignment.objects.assign(_only(found), assignee, person(request))
        return Response(status=204)


def _only(conversation: Conversation) -> ConversationQuerySet:
    return Conversation.objects.filter(pk=conversation.pk)

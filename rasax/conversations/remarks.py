"""What people put on one conversation - tags, flags, notes, corrections -, who reads it, and the tags to choose from,
in one query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    Exists,
    F,
    FloatField,
    OuterRef,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Left

from events.models import ConversationFacet, Facet
from rasax.conversations.lines import plain
from rasax.conversations.models import Correction, Flag, Note, Presence, Tag

EXCERPT = 120


@dataclass(frozen=True)
class TagChoice:
    pk: int
    value: str
    color: str
    is_on: bool


@dataclass(frozen=True)
class Remark:
    """A flag, a note or a correction. `text` is the flagged message's, the note's or the right intent; `time` the
    message's, in seconds. `confirms` says of a correction that the prediction was right."""

    pk: int
    text: str
    by: str
    by_id: int | None
    at: datetime
    event_id: int | None
    time: float | None
    confirms: bool = False


@dataclass
class Remarks:
    tags: list[TagChoice] = field(default_factory=list)
    flags: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    corrections: list[Remark] = field(default_factory=list)
    readers: list[tuple[int, str]] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)

    @property
    def tags_on(self) -> list[TagChoice]:
        return [tag for tag in self.tags if tag.is_on]

    @property
    def tags_off(self) -> list[TagChoice]:
        return [tag for tag in self.tags if not tag.is_on]

    @property
    def colors(self) -> list[tuple[int, str]]:
        return [(tag.pk, tag.color) for tag in self.tags]


def remarks_on(conversation_id: int) -> Remarks:
    # Notes first: the first part of a union gives its columns their types.
    remarks = Remarks()
    parts = _notes(conversation_id).union(
        _flags(conversation_id),
        _corrections(conversation_id),
        _readers(conversation_id),
        _tags(conversation_id),
        _environments(conversation_id),
        all=True,
    )
    for what, pk, text, by, by_id, at, event_id, time in parts:
        if what == "environment":
            remarks.environments.append(text)
            continue
        if what == "reader":
            remarks.readers.append((pk, text))
            continue
        if what == "tag":
            remarks.tags.append(TagChoice(pk, text, by, bool(time)))
            continue
        remark = Remark(pk, plain(text), by or "", by_id, at, event_id, time, what == "confirmation")
        {"note": remarks.notes, "flag": remarks.flags}.get(what, remarks.corrections).append(remark)
    remarks.tags.sort(key=lambda tag: tag.value.casefold())
    remarks.notes.sort(key=lambda note: (note.at, note.pk))
    for of_messages in (remarks.flags, remarks.corrections):
        of_messages.sort(key=lambda remark: (remark.time or 0, remark.pk))
    return remarks


def _notes(conversation_id: int) -> Any:
    return (
        Note.objects.filter(conversation=conversation_id)
        .order_by()
        .annotate(what=_text("note"), by=F("author__username"))
        .values_list("what", "pk", "text", "by", "author_id", "at", "event_id", "event__timestamp")
    )


def _flags(conversation_id: int) -> Any:
    return (
        Flag.objects.filter(conversation=conversation_id)
        .order_by()
        .annotate(what=_text("flag"), excerpt=Left("event__text", EXCERPT), username=F("by__username"))
        .values_list("what", "pk", "excerpt", "username", "by_id", "at", "event_id", "event__timestamp")
    )


def _corrections(conversation_id: int) -> Any:
    what = Case(When(intent=F("predicted"), then=_text("confirmation")), default=_text("correction"))
    return (
        Correction.objects.filter(conversation=conversation_id)
        .order_by()
        .annotate(what=what, username=F("by__username"))
        .values_list("what", "pk", "intent", "username", "by_id", "at", "event_id", "event__timestamp")
    )


NO_ID, NO_TIME = Value(None, output_field=BigIntegerField()), Value(None, output_field=DateTimeField())


def _readers(conversation_id: int) -> Any:
    return (
        Presence.objects.here()
        .filter(conversation=conversation_id)
        .order_by()
        .annotate(what=_text("reader"), by=_text(""), none=NO_ID, nowhere=NO_ID, on=Value(1.0))
        .values_list("what", "user_id", "user__username", "by", "none", "seen_at", "nowhere", "on")
    )


def _environments(conversation_id: int) -> Any:
    return (
        ConversationFacet.objects.filter(conversation=conversation_id, facet__kind=Facet.Kind.ENVIRONMENT)
        .order_by()
        .annotate(what=_text("environment"), by=_text(""), none=NO_ID, nowhere=NO_ID, never=NO_TIME, on=Value(1.0))
        .values_list("what", "facet_id", "facet__value", "by", "none", "never", "nowhere", "on")
    )


def _tags(conversation_id: int) -> Any:
    """The colour stands where others have a name, and a number for "is on" where they have their message's time."""
    of_it = ConversationFacet.objects.filter(conversation=conversation_id, facet=OuterRef("facet_id"))
    return (
        Tag.objects.order_by()
        .annotate(
            what=_text("tag"),
            nobody=NO_ID,
            never=NO_TIME,
            nowhere=NO_ID,
            on=Case(When(Exists(of_it), then=1.0), default=0.0, output_field=FloatField()),
        )
        .values_list("what", "pk", "facet__value", "color", "nobody", "never", "nowhere", "on")
    )


def _text(value: str) -> Value:
    return Value(value, output_field=TextField())

"""Conversations and messages as tables, for spreadsheets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from events import replica
from events.models import Conversation, ConversationFacet, Event, Facet
from events.vocabulary import AgentUttered, BotUttered, UserUttered
from rasax.accounts.spreadsheets import csv_lines
from rasax.conversations.exporting.events import pages, raw
from rasax.conversations.lines import plain
from rasax.conversations.models import Correction, Flag, Note, Review, number_of

BOM = "\ufeff"  # without it Excel takes UTF-8 for something else
SEVERAL = (Facet.Kind.TAG, Facet.Kind.CHANNEL, Facet.Kind.ENVIRONMENT)
COLUMNS = [
    "sender_id", "first_event", "latest_event", "events", "user_messages", "tags", "status", "reviewed_by", "assignee",
    "channels", "environments", "assistant", "model", "lowest_confidence", "flagged_messages", "corrected_messages",
    "notes", "first_user_message", "latest_message",
]  # fmt: skip
MESSAGE_COLUMNS = [
    "sender_id", "time", "who", "text", "intent", "corrected_intent", "confidence", "entities", "flagged", "notes",
]  # fmt: skip
SPOKEN = (UserUttered.TYPE, BotUttered.TYPE, AgentUttered.TYPE)


def conversation_table(chunks: Iterable[list[int]]) -> Iterator[str]:
    yield BOM + "".join(csv_lines([COLUMNS]))
    for chunk in chunks:
        yield "".join(csv_lines(_conversation_rows(chunk)))


def _conversation_rows(pks: list[int]) -> Iterator[list[object]]:
    facets = replica.read(lambda: _facets(pks))
    found = Conversation.objects.filter(pk__in=pks).select_related("review__by", "assignment__assignee").order_by("pk")
    found = found.annotate(n_flags=number_of(Flag), n_corrections=number_of(Correction), n_notes=number_of(Note))
    each: Any
    for each in replica.read(lambda: list(found)):
        review, assignment = getattr(each, "review", None), getattr(each, "assignment", None)
        tags, channels, environments = (facets.get((each.pk, kind), "") for kind in SEVERAL)
        yield [
            plain(each.sender_id), each.began.isoformat(), each.last_active.isoformat(),
            each.n_events, each.n_user_messages, tags,
            review.status if review else Review.Status.UNREAD.value, str((review and review.by) or ""),
            str(assignment.assignee if assignment else ""), channels, environments,
            each.assistant_id, each.model_id, each.minimum_intent_confidence,
            each.n_flags, each.n_corrections, each.n_notes, each.first_user_text, each.latest_text,
        ]  # fmt: skip


def _facets(pks: list[int]) -> dict[tuple[int, str], str]:
    """The values of each conversation and kind."""
    links = ConversationFacet.objects.filter(conversation__in=pks, facet__kind__in=SEVERAL)
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for pk, kind, value in links.order_by("facet__value").values_list("conversation", "facet__kind", "facet__value"):
        found[pk, kind].append(value)
    return {place: ", ".join(values) for place, values in found.items()}


def message_table(chunks: Iterable[list[int]]) -> Iterator[str]:
    yield BOM + "".join(csv_lines([MESSAGE_COLUMNS]))
    rows: QuerySet[Event] = Event.objects.filter(type__in=SPOKEN)
    for chunk in chunks:
        for page in pages(chunk, rows.select_related("conversation", "flag", "correction")):
            yield "".join(csv_lines(_message_rows(page)))


def _message_rows(page: list[Event]) -> Iterator[list[object]]:
    notes: dict[int, list[str]] = defaultdict(list)
    for pk, text in Note.objects.filter(event__in=page).values_list("event", "text"):
        notes[pk or 0].append(text)
    for event in page:
        correction = getattr(event, "correction", None)
        yield [
            plain(event.conversation.sender_id), event.at.isoformat(), event.type, plain(raw(event).get("text")),
            event.name or "", correction.intent if correction else "", event.confidence, _entities(event),
            "yes" if hasattr(event, "flag") else "", plain("\n".join(notes[event.pk])),
        ]  # fmt: skip


def _entities(event: Event) -> str:
    parse_data = raw(event).get("parse_data")
    found = parse_data.get("entities") if isinstance(parse_data, dict) else None
    return plain(json.dumps(found, ensure_ascii=False)) if found else ""

"""Facets: what events have to filter conversations by, and the links and counts of it.

Facet rows are what all workers share, so they are locked last, just before the commit, and in the order of their ids.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import OperationalError, connection
from django.db.models import QuerySet

from events.models import NAME_LENGTH, Conversation, ConversationFacet, Facet
from events.models import Event as EventRow
from events.staging import lock, stage
from events.summary import clean
from events.vocabulary import ActionExecuted, Envelope, Event, SlotSet, UserUttered, read


def facets_of_batch(inserted: Iterable[tuple[int, int, Envelope]]) -> Iterator[tuple[int, str, str]]:
    for _, conversation, envelope in inserted:
        for kind, value in _facets_of(envelope.event, envelope.timestamp):
            if cleaned := clean(value, NAME_LENGTH):
                yield conversation, kind, cleaned


def _facets_of(event: Event, time: float) -> Iterator[tuple[str, str | None]]:
    if isinstance(event, UserUttered):
        yield "hour", f"{int(time // 3600) % 24:02}"
        yield "intent", event.subject
        yield "channel", event.input_channel
        for entity in event.entities:
            yield "entity", entity.entity
    elif isinstance(event, ActionExecuted):
        yield "action", event.subject
        yield "policy", event.policy
    elif isinstance(event, SlotSet):
        yield "slot", event.subject
        if event.subject and isinstance(event.value, str | int | float):
            yield "slot_value", slot_value(event.subject, event.value)
    for name, kind in (("model_id", "model"), ("assistant_id", "assistant")):
        if event.metadata and isinstance(value := event.metadata.get(name), str):
            yield kind, value


def slot_value(slot: str, value: str | float) -> str:
    """A slot and what it was set to, as JSON: lists and mappings are no facets."""
    return f"{slot}={json.dumps(value, ensure_ascii=False)}"


def link_facets_of_kept(conversations: range) -> None:
    """Gives conversations, by a range of their ids, what facets their kept events have and they have not."""
    rows = EventRow.objects.filter(conversation__gte=conversations.start, conversation__lt=conversations.stop)
    # Locked, so that none is deleted while it is counted; in the order in which record() locks.
    locked = Conversation.objects.filter(pk__gte=conversations.start, pk__lt=conversations.stop).order_by("key")
    list(locked.select_for_update().values_list("pk", flat=True))
    kept = rows.order_by().values_list("conversation", "timestamp", "type", "data").iterator()
    link_facets(
        {
            (conversation, kind, cleaned)
            for conversation, timestamp, type_, data in kept
            for kind, value in _facets_of(read(type_, data)[0], timestamp)
            if (cleaned := clean(value, NAME_LENGTH))
        }
    )


def link_facets(wanted: Iterable[tuple[int, str, str]]) -> set[int]:
    """Gives conversations facets, (conversation id, kind, value), and counts; returns the changed conversations."""
    wanted = list(wanted)
    if not wanted:
        return set()
    ids = _facet_ids({(kind, value) for _, kind, value in wanted})
    rows = sorted((conversation, ids[kind, value]) for conversation, kind, value in wanted)
    with connection.cursor() as cursor:
        stage(cursor, "arriving_facet", rows)
        cursor.execute(
            "INSERT INTO events_conversationfacet (conversation_id, facet_id)"
            " SELECT conversation_id, facet_id FROM arriving_facet WHERE true"
            " ON CONFLICT (facet_id, conversation_id) DO NOTHING RETURNING conversation_id, facet_id"
        )
        linked = cursor.fetchall()
        count_facets(Counter(facet for _, facet in linked))
    return {conversation for conversation, _ in linked}


def unlink_facet(links: QuerySet[ConversationFacet]) -> set[int]:
    """Deletes these links, and counts; returns the changed conversations."""
    # A link is deleted by who has locked its facet, so that a facet's own deletion waits for nobody who waits for it.
    facets = Facet.objects.filter(pk__in=links.order_by().values("facet_id")).order_by("pk")
    list(facets.select_for_update(no_key=True).values_list("pk"))
    found = list(links.order_by().values_list("pk", "conversation_id", "facet_id"))
    links.model._default_manager.filter(pk__in=[pk for pk, _, _ in found]).delete()
    count_facets(Counter({facet: -n for facet, n in Counter(facet for _, _, facet in found).items()}))
    return {conversation for _, conversation, _ in found}


class FacetVanished(OperationalError):
    """A facet was deleted between our finding it and our counting. Nothing is wrong: try the transaction again."""


def count_facets(changes: Counter[int]) -> None:
    """Moves the number of conversations of each facet, in the order of their ids.

    What slots were set to is about people, so such a facet goes with the last conversation that has it.
    """
    if not changes:
        return
    with connection.cursor() as cursor:
        stage(cursor, "arriving_count", sorted(changes.items()))
        cursor.execute(
            "SELECT f.id FROM events_facet f"
            f" WHERE f.id IN (SELECT facet_id FROM arriving_count) ORDER BY f.id {lock('f')}"
        )
        if len(cursor.fetchall()) < len(changes):
            raise FacetVanished("A facet was deleted meanwhile; the batch has to be tried again.")
        cursor.execute(
            "UPDATE events_facet AS f SET n_conversations = f.n_conversations + a.change"
            " FROM arriving_count a WHERE f.id = a.facet_id"
        )
        if min(changes.values()) < 0:
            cursor.execute(
                "DELETE FROM events_facet WHERE kind = 'slot_value' AND n_conversations <= 0"
                " AND id IN (SELECT facet_id FROM arriving_count)"
            )


def _facet_ids(pairs: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The row of each kind and value, made where it is new."""
    with connection.cursor() as cursor:
        stage(cursor, "arriving_value", sorted(pairs))
        ids = _known(cursor)
        if len(ids) < len(pairs):
            cursor.execute(
                "INSERT INTO events_facet (kind, value, n_conversations)"
                " SELECT a.kind, a.value, 0 FROM arriving_value a"
                f" WHERE {_ID} IS NULL ORDER BY a.kind, a.value ON CONFLICT (kind, value) DO NOTHING"
            )
            ids = _known(cursor)
    if len(ids) < len(pairs):
        raise FacetVanished("A facet was deleted meanwhile; the batch has to be tried again.")
    return ids


# Not a join, for which PostgreSQL may read every facet there is: of slot values there may be millions.
_ID = "(SELECT f.id FROM events_facet f WHERE f.kind = a.kind AND f.value = a.value)"


def _known(cursor: Any) -> dict[tuple[str, str], int]:
    cursor.execute(f"SELECT a.kind, a.value, {_ID} FROM arriving_value a")
    return {(kind, value): pk for kind, value, pk in cursor.fetchall() if pk is not None}

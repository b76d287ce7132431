"""Facets: what events have to filter conversations by, and the links and counts of it.

Facet rows are what all workers share, so they are locked last, just before the commit, and in the order of their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db import connection
from django.db.models import QuerySet

from events.models import NAME_LENGTH, ConversationFacet, Facet
from events.staging import lock, stage
from events.summary import clean
from events.vocabulary import ActionExecuted, Envelope, Event, SlotSet, UserUttered


def facets_of_batch(inserted: Iterable[tuple[int, int, Envelope]]) -> Iterator[tuple[int, str, str]]:
    for _, conversation, envelope in inserted:
        for kind, value in _facets_of(envelope.event):
            if cleaned := clean(value, NAME_LENGTH):
                yield conversation, kind, cleaned


def _facets_of(event: Event) -> Iterator[tuple[str, str | None]]:
    if isinstance(event, UserUttered):
        yield "intent", event.subject
        yield "channel", event.input_channel
        for entity in event.entities:
            yield "entity", entity.entity
    elif isinstance(event, ActionExecuted):
        yield "action", event.subject
        yield "policy", event.policy
    elif isinstance(event, SlotSet):
        yield "slot", event.subject
    if event.metadata and isinstance(model_id := event.metadata.get("model_id"), str):
        yield "model", model_id


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
    found = list(links.order_by("conversation_id").select_for_update().values_list("pk", "conversation_id", "facet_id"))
    links.model._default_manager.filter(pk__in=[pk for pk, _, _ in found]).delete()
    count_facets(Counter({facet: -n for facet, n in Counter(facet for _, _, facet in found).items()}))
    return {conversation for _, conversation, _ in found}


def count_facets(changes: Counter[int]) -> None:
    """Moves the number of conversations of each facet, in the order of their ids."""
    if not changes:
        return
    with connection.cursor() as cursor:
        stage(cursor, "arriving_count", sorted(changes.items()))
        cursor.execute(
            "SELECT f.id FROM events_facet f"
            f" WHERE f.id IN (SELECT facet_id FROM arriving_count) ORDER BY f.id {lock('f')}"
        )
        cursor.execute(
            "UPDATE events_facet AS f SET n_conversations = f.n_conversations + a.change"
            " FROM arriving_count a WHERE f.id = a.facet_id"
        )


def _facet_ids(pairs: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    def known() -> dict[tuple[str, str], int]:
        values = {value for _, value in pairs}
        return {(f.kind, f.value): f.id for f in Facet.objects.filter(value__in=values)}

    ids = known()
    if new := sorted(pairs - ids.keys()):
        Facet.objects.bulk_create([Facet(kind=k, value=v) for k, v in new], ignore_conflicts=True)
        ids = known()
    return ids

"""How a batch of events becomes rows, in one transaction: the SQL behind `Conversation.objects.record()`.

The same statements run on PostgreSQL and on SQLite: each reads a temporary table that `_stage` has filled, by COPY on
PostgreSQL. Rows are written and locked in sorted order, so that workers cannot deadlock. ARCHITECTURE.md, "Keeping
events", says what must be true afterwards.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from events.models import NAME_LENGTH, PREVIEW_LENGTH, TEXT_LENGTH, ConversationFacet, Environment, Facet, key_of
from events.vocabulary import (
    LATEST_TIMESTAMP,
    ActionExecuted,
    Envelope,
    Event,
    SlotSet,
    UserUttered,
)

Row = tuple[Any, ...]

STAGES = {
    "arriving_conversation": "key uuid, sender_id text, time double precision",
    "arriving_event": (
        "conversation_id bigint, timestamp double precision, digest bigint, type text, name text,"
        " confidence double precision, text text, data text"
    ),
    "arriving_facet": "conversation_id bigint, facet_id bigint",
    "arriving_count": "facet_id bigint, change bigint",
    "arriving_change": (
        "conversation_id bigint, first_event_time double precision, latest_event_time double precision, n_events int,"
        " n_user_messages int, minimum_intent_confidence double precision, first_user_text_time double precision,"
        " first_user_text text, latest_text_time double precision, latest_text text,"
        " latest_input_channel_time double precision, latest_input_channel text, model_time double precision,"
        " model_id text, assistant_id text"
    ),
}


@dataclass(slots=True)
class Recorded:
    """What a batch really changed."""

    inserted: list[tuple[int, int, Envelope]]  # event id, conversation id, event; ordered by conversation and time
    repeated: int
    conversations: list[int]


def record(arrivals: Sequence[tuple[Envelope, str]]) -> Recorded:
    """Writes events, each with its environment, inside the caller's transaction. Raises what the database raises."""
    envelopes = _once(envelope for envelope, _ in arrivals)
    ids = _conversation_ids(envelopes)
    inserted = _insert_events(envelopes, ids)
    _apply_changes(inserted)
    environments = {(ids[envelope.sender_id], environment) for envelope, environment in arrivals}
    _ensure_environments({environment for _, environment in environments})
    facets = {(conversation, Facet.Kind.ENVIRONMENT.value, name) for conversation, name in environments}
    facets.update(_facets(inserted))
    link_facets(facets)
    return Recorded(inserted, len(arrivals) - len(inserted), sorted(ids.values()))


def _once(envelopes: Iterable[Envelope]) -> list[Envelope]:
    """Sorted by conversation and time; Python's sort is stable, so equal times keep the order in which they came."""
    unique: dict[tuple[str, float, int], Envelope] = {}
    for envelope in envelopes:
        unique.setdefault((envelope.sender_id, envelope.timestamp, envelope.digest), envelope)
    return sorted(unique.values(), key=lambda e: (e.sender_id, e.timestamp))


def _conversation_ids(envelopes: Sequence[Envelope]) -> dict[str, int]:
    """The row of each conversation, made where it is new, locked until the transaction ends.

    New rows are inserted before any row is locked, both in the order of the key: no worker waits for another in a ring.
    """
    first_times = {e.sender_id: e.timestamp for e in reversed(envelopes)}
    senders = {key_of(sender_id).hex: sender_id for sender_id in first_times}
    with connection.cursor() as cursor:
        _stage(cursor, "arriving_conversation", ((key, s, first_times[s]) for key, s in sorted(senders.items())))
        cursor.execute(
            "INSERT INTO events_conversation (key, sender_id, first_event_time, latest_event_time, n_events,"
            " n_user_messages, first_user_text, first_user_text_time, latest_text, latest_text_time,"
            " latest_input_channel, latest_input_channel_time, model_id, assistant_id, model_time)"
            " SELECT a.key, a.sender_id, a.time, a.time, 0, 0, '', %s, '', -1, '', -1, '', '', -1"
            " FROM arriving_conversation a"
            # Not NOT EXISTS, which PostgreSQL may turn into a join that reads every conversation there is.
            " WHERE (SELECT c.id FROM events_conversation c WHERE c.key = a.key) IS NULL"
            " ORDER BY a.key ON CONFLICT (key) DO NOTHING",
            [LATEST_TIMESTAMP],
        )
        cursor.execute(
            "SELECT c.id, c.sender_id FROM events_conversation c"
            f" WHERE c.key IN (SELECT key FROM arriving_conversation) ORDER BY c.key {_lock('c')}"
        )
        return {sender_id: id_ for id_, sender_id in cursor.fetchall()}


def _insert_events(envelopes: Sequence[Envelope], ids: dict[str, int]) -> list[tuple[int, int, Envelope]]:
    by_identity = {(ids[e.sender_id], e.timestamp, e.digest): e for e in envelopes}
    with connection.cursor() as cursor:
        _stage(
            cursor, "arriving_event", (_event_row(conversation, e) for (conversation, _, _), e in by_identity.items())
        )
        # The staged rows are read back in the order in which they were written, which is the order of the batch.
        cursor.execute(
            "INSERT INTO events_event (conversation_id, timestamp, digest, type, name, confidence, text, data)"
            " SELECT conversation_id, timestamp, digest, type, name, confidence, text, data FROM arriving_event"
            " WHERE true ON CONFLICT (conversation_id, timestamp, digest) DO NOTHING"
            " RETURNING id, conversation_id, timestamp, digest"
        )
        return [(row[0], row[1], by_identity[row[1:]]) for row in cursor.fetchall()]


def _event_row(conversation: int, envelope: Envelope) -> Row:
    event = envelope.event
    return (
        conversation,
        envelope.timestamp,
        envelope.digest,
        envelope.type,
        _clean(event.subject, NAME_LENGTH),
        _certainty(event),
        _clean(event.said, TEXT_LENGTH),
        envelope.data,
    )


def _certainty(event: Event) -> float | None:
    """None for NaN and the infinities, too: nothing could be compared with them."""
    return event.certainty if event.certainty is not None and isfinite(event.certainty) else None


def _clean(text: str | None, length: int) -> str | None:
    """The database keeps neither NUL nor half a surrogate pair; Event.data has both, escaped."""
    if not text:
        return None
    text = text[:length]
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


@dataclass(slots=True)
class Change:
    """What inserted events do to their conversation's row; each value with the time that decides between two."""

    first_event_time: float = LATEST_TIMESTAMP
    latest_event_time: float = -1
    n_events: int = 0
    n_user_messages: int = 0
    minimum_intent_confidence: float | None = None
    first_user_text: tuple[float, str] = (LATEST_TIMESTAMP, "")
    latest_text: tuple[float, str] = (-1, "")
    channel: tuple[float, str] = (-1, "")
    model: tuple[float, str, str] = field(default=(-1, "", ""))

    def add(self, envelope: Envelope) -> None:
        time, event = envelope.timestamp, envelope.event
        self.n_events += 1
        self.first_event_time = min(self.first_event_time, time)
        self.latest_event_time = max(self.latest_event_time, time)
        if envelope.type == UserUttered.TYPE:
            self._add_user_message(time, event)
        if said := _clean(event.said, PREVIEW_LENGTH):
            self.latest_text = max(self.latest_text, (time, said))
        if event.metadata and "model_id" in event.metadata:
            self.model = max(self.model, (time, *_model(event)))

    def _add_user_message(self, time: float, event: Event) -> None:
        self.n_user_messages += 1
        if said := _clean(event.said, PREVIEW_LENGTH):
            self.first_user_text = min(self.first_user_text, (time, said))
        if isinstance(event, UserUttered) and (channel := _clean(event.input_channel, NAME_LENGTH)):
            self.channel = max(self.channel, (time, channel))
        if (certainty := _certainty(event)) is not None:
            lowest = self.minimum_intent_confidence
            self.minimum_intent_confidence = certainty if lowest is None else min(lowest, certainty)

    def row(self, conversation: int) -> Row:
        return (
            conversation,
            self.first_event_time,
            self.latest_event_time,
            self.n_events,
            self.n_user_messages,
            self.minimum_intent_confidence,
            *self.first_user_text,
            *self.latest_text,
            *self.channel,
            *self.model,
        )


def _model(event: Event) -> tuple[str, str]:
    metadata = event.metadata or {}
    model, assistant = metadata.get("model_id"), metadata.get("assistant_id")
    return (
        (_clean(model, NAME_LENGTH) or "") if isinstance(model, str) else "",
        (_clean(assistant, NAME_LENGTH) or "") if isinstance(assistant, str) else "",
    )


def _apply_changes(inserted: Iterable[tuple[int, int, Envelope]]) -> None:
    changes: dict[int, Change] = {}
    for _, conversation, envelope in inserted:
        changes.setdefault(conversation, Change()).add(envelope)
    if not changes:
        return
    with connection.cursor() as cursor:
        _stage(cursor, "arriving_change", (change.row(conversation) for conversation, change in changes.items()))
        cursor.execute(_CHANGE_CONVERSATIONS.format(by_code_point=_BY_CODE_POINT.get(connection.vendor, "")))


# Text decides between two events of the same instant; by code point, so that every database decides alike.
_BY_CODE_POINT = {"postgresql": 'COLLATE "C"'}
_CHANGE_CONVERSATIONS = """
UPDATE events_conversation AS c SET
    first_event_time = CASE WHEN a.first_event_time < c.first_event_time
        THEN a.first_event_time ELSE c.first_event_time END,
    latest_event_time = CASE WHEN a.latest_event_time > c.latest_event_time
        THEN a.latest_event_time ELSE c.latest_event_time END,
    n_events = c.n_events + a.n_events,
    n_user_messages = c.n_user_messages + a.n_user_messages,
    minimum_intent_confidence = CASE
        WHEN c.minimum_intent_confidence IS NULL OR a.minimum_intent_confidence < c.minimum_intent_confidence
        THEN a.minimum_intent_confidence ELSE c.minimum_intent_confidence END,
    first_user_text = CASE
        WHEN (a.first_user_text_time, a.first_user_text {by_code_point}) < (c.first_user_text_time, c.first_user_text)
        THEN a.first_user_text ELSE c.first_user_text END,
    first_user_text_time = CASE WHEN a.first_user_text_time < c.first_user_text_time
        THEN a.first_user_text_time ELSE c.first_user_text_time END,
    latest_text = CASE WHEN (a.latest_text_time, a.latest_text {by_code_point}) > (c.latest_text_time, c.latest_text)
        THEN a.latest_text ELSE c.latest_text END,
    latest_text_time = CASE WHEN a.latest_text_time > c.latest_text_time
        THEN a.latest_text_time ELSE c.latest_text_time END,
    latest_input_channel = CASE
        WHEN (a.latest_input_channel_time, a.latest_input_channel {by_code_point})
            > (c.latest_input_channel_time, c.latest_input_channel)
        THEN a.latest_input_channel ELSE c.latest_input_channel END,
    latest_input_channel_time = CASE WHEN a.latest_input_channel_time > c.latest_input_channel_time
        THEN a.latest_input_channel_time ELSE c.latest_input_channel_time END,
    model_id = CASE
        WHEN (a.model_time, a.model_id {by_code_point}, a.assistant_id {by_code_point})
            > (c.model_time, c.model_id, c.assistant_id)
        THEN a.model_id ELSE c.model_id END,
    assistant_id = CASE
        WHEN (a.model_time, a.model_id {by_code_point}, a.assistant_id {by_code_point})
            > (c.model_time, c.model_id, c.assistant_id)
        THEN a.assistant_id ELSE c.assistant_id END,
    model_time = CASE WHEN a.model_time > c.model_time THEN a.model_time ELSE c.model_time END
FROM arriving_change AS a WHERE a.conversation_id = c.id
"""


def _facets(inserted: Iterable[tuple[int, int, Envelope]]) -> Iterator[tuple[int, str, str]]:
    for _, conversation, envelope in inserted:
        for kind, value in _facets_of(envelope.event):
            if cleaned := _clean(value, NAME_LENGTH):
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


def _ensure_environments(names: set[str]) -> None:
    known = set(Environment.objects.filter(name__in=names).values_list("name", flat=True))
    if new := sorted(names - known):
        Environment.objects.bulk_create([Environment(name=name) for name in new], ignore_conflicts=True)


def link_facets(wanted: Iterable[tuple[int, str, str]]) -> set[int]:
    """Gives conversations facets, (conversation id, kind, value), and counts them; returns the changed conversations.

    Facet rows are what all workers share, so they are locked last, just before the commit.
    """
    wanted = list(wanted)
    if not wanted:
        return set()
    ids = _facet_ids({(kind, value) for _, kind, value in wanted})
    rows = sorted((conversation, ids[kind, value]) for conversation, kind, value in wanted)
    with connection.cursor() as cursor:
        _stage(cursor, "arriving_facet", rows)
        cursor.execute(
            "INSERT INTO events_conversationfacet (conversation_id, facet_id)"
            " SELECT conversation_id, facet_id FROM arriving_facet WHERE true"
            " ON CONFLICT (facet_id, conversation_id) DO NOTHING RETURNING conversation_id, facet_id"
        )
        linked = cursor.fetchall()
        count_facets(Counter(facet for _, facet in linked))
    return {conversation for conversation, _ in linked}


def unlink_facet(links: QuerySet[ConversationFacet]) -> set[int]:
    """Deletes these links of one facet, and counts; returns the changed conversations."""
    found = list(links.order_by("conversation_id").select_for_update().values_list("pk", "conversation_id", "facet_id"))
    links.model._default_manager.filter(pk__in=[pk for pk, _, _ in found]).delete()
    count_facets(Counter({facet: -n for facet, n in Counter(facet for _, _, facet in found).items()}))
    return {conversation for _, conversation, _ in found}


def count_facets(changes: Counter[int]) -> None:
    """Moves the number of conversations of each facet, in the order of their ids."""
    if not changes:
        return
    with connection.cursor() as cursor:
        _stage(cursor, "arriving_count", sorted(changes.items()))
        cursor.execute(
            "SELECT f.id FROM events_facet f"
            f" WHERE f.id IN (SELECT facet_id FROM arriving_count) ORDER BY f.id {_lock('f')}"
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


def follow(recorded: Recorded, followers: Sequence[str]) -> None:
    """Tells what was inserted to those who must know in the same transaction (the setting EVENT_FOLLOWERS)."""
    for path in followers:
        import_string(path)(recorded.inserted)


def _lock(alias: str) -> str:
    return f"FOR NO KEY UPDATE OF {alias}" if connection.vendor == "postgresql" else ""


def _stage(cursor: Any, table: str, rows: Iterable[Row]) -> None:
    """Fills the temporary table with just these rows."""
    if connection.vendor == "postgresql":
        _stage_by_copy(cursor, table, rows)
        return
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({STAGES[table]})")
    cursor.execute(f"DELETE FROM {table}")
    marks = ", ".join(["%s"] * (STAGES[table].count(",") + 1))
    cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", list(rows))


def _stage_by_copy(cursor: Any, table: str, rows: Iterable[Row]) -> None:
    # IF NOT EXISTS at every batch costs 0.1 ms, and holds behind a pooler that changes the session between two.
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({STAGES[table]}) ON COMMIT DELETE ROWS")
    cursor.execute(f"DELETE FROM {table}")
    text = "".join(["\t".join([_copied(value) for value in row]) + "\n" for row in rows])
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))


def _copied(value: Any) -> str:
    """A value in the text format of PostgreSQL's COPY."""
    if value is None:
        return "\\N"
    if not isinstance(value, str):
        return repr(value)
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")

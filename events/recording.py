"""How a batch of events becomes rows, in one transaction: the SQL behind `Conversation.objects.record()`.

The same statements run on PostgreSQL and on SQLite: each reads a temporary table that `stage` has filled. Rows are
written and locked in sorted order, so that workers cannot deadlock. ARCHITECTURE.md, "Keeping events", says what must
be true afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.utils.module_loading import import_string

from events.facets import facets_of_batch, link_facets
from events.models import NAME_LENGTH, TEXT_LENGTH, Environment, Facet, Forgotten, key_of
from events.staging import Row, lock, stage
from events.summary import Change, certainty_of, clean
from events.vocabulary import LATEST_TIMESTAMP, Envelope

Identity = tuple[str, float, int]  # sender_id, timestamp, digest


@dataclass(slots=True)
class Recorded:
    """What a batch really changed."""

    inserted: list[tuple[int, int, Envelope]]  # event id, conversation id, event; ordered by conversation and time
    repeated: int
    conversations: list[int]
    forgotten: int
    environments: dict[Identity, int] = field(default_factory=dict)  # the ids of those that the events came from

    def environment_of(self, envelope: Envelope) -> int:
        return self.environments[identity_of(envelope)]


def identity_of(envelope: Envelope) -> Identity:
    return envelope.sender_id, envelope.timestamp, envelope.digest


def record(arrivals: Sequence[tuple[Envelope, str]], followers: Sequence[str] = ()) -> Recorded:
    """Writes events, each with its environment, inside the caller's transaction. Raises what the database raises.

    Followers come before the facets, whose rows all workers share.
    """
    forgotten, came = _times_forgotten(envelope for envelope, _ in arrivals), len(arrivals)
    arrivals = [(e, name) for e, name in arrivals if e.timestamp > forgotten.get(e.sender_id, -1)]
    if not arrivals:
        return Recorded([], 0, [], came)
    envelopes = _once(envelope for envelope, _ in arrivals)
    ids = _conversation_ids(envelopes)
    if _times_forgotten(envelopes) != {sender: time for sender, time in forgotten.items() if sender in ids}:
        raise ForgottenMeanwhile("Somebody was forgotten meanwhile; the batch has to be tried again.")
    inserted = _insert_events(envelopes, ids)
    _apply_changes(inserted)
    environments = ensure_environments({name for _, name in arrivals})
    recorded = Recorded(
        inserted,
        repeated=len(arrivals) - len(inserted),
        conversations=sorted(ids.values()),
        forgotten=came - len(arrivals),
        environments={identity_of(envelope): environments[name] for envelope, name in reversed(arrivals)},
    )
    follow(recorded, followers)
    facets = {(ids[envelope.sender_id], Facet.Kind.ENVIRONMENT.value, name) for envelope, name in arrivals}
    facets.update(facets_of_batch(inserted))
    link_facets(facets)
    return recorded


class ForgottenMeanwhile(OperationalError):
    """Somebody was forgotten while we waited for their conversation's row. Nothing is wrong: try the batch again."""


def _times_forgotten(envelopes: Iterable[Envelope]) -> dict[str, float]:
    """By sender_id, the time up to which what they said is not to be kept."""
    senders = {key_of(sender_id): sender_id for sender_id in {e.sender_id for e in envelopes}}
    found = Forgotten.objects.order_by().filter(key__in=list(senders)).values_list("key", "until")
    return {senders[key]: until for key, until in found}


def _once(envelopes: Iterable[Envelope]) -> list[Envelope]:
    """Sorted by conversation and time; Python's sort is stable, so equal times keep the order in which they came."""
    unique: dict[tuple[str, float, int], Envelope] = {}
    for envelope in envelopes:
        unique.setdefault(identity_of(envelope), envelope)
    return sorted(unique.values(), key=lambda e: (e.sender_id, e.timestamp))


def _conversation_ids(envelopes: Sequence[Envelope]) -> dict[str, int]:
    """The row of each conversation, made where it is new, locked until the transaction ends.

    New rows are inserted before any row is locked, both in the order of the key: no worker waits for another in a ring.
    One that was deleted while we waited for it is not made now, with locks in hand: raises ForgottenMeanwhile.
    """
    first_times = {e.sender_id: e.timestamp for e in reversed(envelopes)}
    senders = {key_of(sender_id).hex: sender_id for sender_id in first_times}
    with connection.cursor() as cursor:
        stage(cursor, "arriving_conversation", ((key, s, first_times[s]) for key, s in sorted(senders.items())))
        ids = _make_and_lock(cursor)
    if len(ids) < len(senders):
        raise ForgottenMeanwhile("A conversation was deleted meanwhile; the batch has to be tried again.")
    return ids


def _make_and_lock(cursor: Any) -> dict[str, int]:
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
        f" WHERE c.key IN (SELECT key FROM arriving_conversation) ORDER BY c.key {lock('c')}"
    )
    return {sender_id: id_ for id_, sender_id in cursor.fetchall()}


def _insert_events(envelopes: Sequence[Envelope], ids: dict[str, int]) -> list[tuple[int, int, Envelope]]:
    by_identity = {(ids[e.sender_id], e.timestamp, e.digest): e for e in envelopes}
    with connection.cursor() as cursor:
        stage(
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
        clean(event.subject, NAME_LENGTH),
        certainty_of(event),
        clean(event.said, TEXT_LENGTH),
        envelope.data,
    )


def _apply_changes(inserted: Iterable[tuple[int, int, Envelope]]) -> None:
    changes: dict[int, Change] = {}
    for _, conversation, envelope in inserted:
        changes.setdefault(conversation, Change()).add(envelope)
    if not changes:
        return
    with connection.cursor() as cursor:
        stage(cursor, "arriving_change", (change.row(conversation) for conversation, change in changes.items()))
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


def ensure_environments(names: set[str]) -> dict[str, int]:
    """The id of each environment, made where it is new."""
    known = _environment_ids(names)
    if new := sorted(names - known.keys()):
        Environment.objects.bulk_create([Environment(name=name) for name in new], ignore_conflicts=True)
        known = _environment_ids(names)
    return known


def _environment_ids(names: set[str]) -> dict[str, int]:
    return dict(Environment.objects.filter(name__in=names).order_by().values_list("name", "pk"))


def follow(recorded: Recorded, followers: Sequence[str]) -> None:
    """Tells what was inserted to those who must know in the same transaction (the setting EVENT_FOLLOWERS)."""
    for path in followers:
        import_string(path)(recorded)


def follow_forgetting(conversations: Sequence[int]) -> None:
    """Tells those who keep something of their events (FORGETTING_FOLLOWERS), while these are still there."""
    for path in settings.FORGETTING_FOLLOWERS:
        import_string(path)(conversations)

"""New events into the inbox; one of the EVENT_FOLLOWERS, inside the transaction that keeps the events.

The same statements run on PostgreSQL and on SQLite. A follower hears only of events that were really inserted, so a
batch that comes again counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeGuard

from django.db import connection

from events.models import NAME_LENGTH, TEXT_LENGTH
from events.recording import Recorded
from events.staging import STAGES, stage
from events.summary import certainty_of, clean
from events.vocabulary import UserUttered
from rasax.training import texts

STAGES["arriving_text"] = (
    "timestamp double precision, event_id bigint, digest bigint, text text, intent text, confidence double precision,"
    " environment_id bigint"
)
NOT_WRITTEN = ("/", "EXTERNAL: ")  # how Rasa marks intents that a button or a program sent


class Said(NamedTuple):
    """A row of arriving_text."""

    timestamp: float
    event: int
    digest: int
    text: str
    intent: str
    confidence: float | None
    environment: int


def is_written(text: str | None) -> TypeGuard[str]:
    """Whether somebody wrote it."""
    return bool(text and not text.isspace() and not text.startswith(NOT_WRITTEN))


def follow(recorded: Recorded) -> None:
    take(
        Said(
            envelope.timestamp,
            pk,
            texts.digest(text),
            text,
            clean(event.subject, NAME_LENGTH) or "",
            certainty_of(event),
            recorded.environment_of(envelope),
        )
        for pk, _, envelope in recorded.inserted
        if isinstance(event := envelope.event, UserUttered) and is_written(text := clean(event.said, TEXT_LENGTH))
    )


def take(said: Iterable[Said]) -> int:
    """Counts what was said; each event must come here once. Returns how much it was."""
    rows = list(said)
    if rows:
        with connection.cursor() as cursor:
            stage(cursor, "arriving_text", rows)
            cursor.execute(_UPSERT)
            cursor.execute(_INSERT_OCCURRENCES)
    return len(rows)


# The row of an example that nobody said yet has no text, and its times and confidence say nothing.
_UPSERT = """
INSERT INTO annotation_inboxmessage AS m (digest, text, n, first_seen, last_seen, latest_event, intent, confidence,
    lowest, state, taught, added, suggested, annotated_as)
SELECT a.digest, a.text, a.n, a.first_seen, a.timestamp, a.event_id, a.intent, a.confidence, a.lowest,
    'new', FALSE, FALSE, '', ''
FROM (
    SELECT *, count(*) OVER same AS n, min(timestamp) OVER same AS first_seen,
        min(coalesce(confidence, 0)) OVER same AS lowest,
        row_number() OVER (PARTITION BY digest ORDER BY timestamp DESC, event_id DESC) AS place
    FROM arriving_text WINDOW same AS (PARTITION BY digest)
) a WHERE a.place = 1 ORDER BY a.digest
ON CONFLICT (digest) DO UPDATE SET
    text = CASE WHEN {later} THEN excluded.text ELSE m.text END,
    n = m.n + excluded.n,
    first_seen = CASE WHEN m.n = 0 OR excluded.first_seen < m.first_seen THEN excluded.first_seen ELSE m.first_seen END,
    lowest = CASE WHEN m.n = 0 OR excluded.lowest < m.lowest THEN excluded.lowest ELSE m.lowest END,
    latest_event = CASE WHEN {later} THEN excluded.latest_event ELSE m.latest_event END,
    intent = CASE WHEN {later} THEN excluded.intent ELSE m.intent END,
    confidence = CASE WHEN {later} THEN excluded.confidence ELSE m.confidence END,
    last_seen = CASE WHEN {later} THEN excluded.last_seen ELSE m.last_seen END
""".format(later="m.n = 0 OR (excluded.last_seen, excluded.latest_event) > (m.last_seen, m.latest_event)")
_INSERT_OCCURRENCES = """
INSERT INTO annotation_occurrence (event_id, message_id, environment_id, timestamp, confidence)
SELECT a.event_id, (SELECT m.id FROM annotation_inboxmessage m WHERE m.digest = a.digest),
    a.environment_id, a.timestamp, coalesce(a.confidence, 0) FROM arriving_text a
"""

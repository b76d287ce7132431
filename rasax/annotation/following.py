"""New events into the inbox; one of the EVENT_FOLLOWERS, inside the transaction that keeps the events.

The same statements run on PostgreSQL and on SQLite. A follower hears only of events that were really inserted, so a
batch that comes again counts nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeGuard

from django.db import connection

from events.models import NAME_LENGTH, TEXT_LENGTH
from events.recording import Recorded
from events.staging import STAGES, Row, copy, stage
from events.summary import certainty_of, clean
from events.vocabulary import UserUttered
from rasax.training import texts

STAGES["arriving_text"] = (
    "digest bigint, text text, n bigint, first_seen double precision, last_seen double precision, latest_event bigint,"
    " intent text, confidence double precision, lowest double precision"
)
OCCURRENCES = "event_id, message_id, environment_id, timestamp, confidence"
NOT_WRITTEN = ("/", "EXTERNAL: ")  # how Rasa marks intents that a button or a program sent


class Said(NamedTuple):
    """That an event says a text. `confidence` is None where nothing was predicted."""

    timestamp: float
    event: int
    digest: int
    text: str
    intent: str
    confidence: float | None
    environment: int

    @property
    def sure(self) -> float:
        """In hundredths: so the texts of an index that begins with it come in few places, wherever they come from."""
        return round(self.confidence or 0.0, 2)


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
            stage(cursor, "arriving_text", _by_text(rows))
            cursor.execute(_UPSERT)
            ids = dict(cursor.fetchall())
            occurrences = ((each.event, ids[each.digest], each.environment, each.timestamp, each.sure) for each in rows)
            copy(cursor, "annotation_occurrence", OCCURRENCES, occurrences)
    return len(rows)


def _by_text(rows: Iterable[Said]) -> Iterator[Row]:
    """Rows of arriving_text, in the order in which they are locked."""
    texts: dict[int, list[Said]] = defaultdict(list)
    for each in rows:
        texts[each.digest].append(each)
    for digest, same in sorted(texts.items()):
        latest = max(same)
        first, lowest = min(same).timestamp, min(each.sure for each in same)
        of_latest = (latest.timestamp, latest.event, latest.intent, latest.confidence)
        yield (digest, latest.text, len(same), first, *of_latest, lowest)


# The row of an example that nobody said yet has no text, and its times and confidence say nothing.
_UPSERT = """
INSERT INTO annotation_inboxmessage AS m (digest, text, n, first_seen, last_seen, latest_event, intent, confidence,
    lowest, state, taught, added, suggested, annotated_as)
SELECT a.digest, a.text, a.n, a.first_seen, a.last_seen, a.latest_event, a.intent, a.confidence, a.lowest,
    'new', FALSE, FALSE, '', ''
FROM arriving_text a WHERE TRUE ORDER BY a.digest
ON CONFLICT (digest) DO UPDATE SET
    text = CASE WHEN {later} THEN excluded.text ELSE m.text END,
    n = m.n + excluded.n,
    first_seen = CASE WHEN m.n = 0 OR excluded.first_seen < m.first_seen THEN excluded.first_seen ELSE m.first_seen END,
    lowest = CASE WHEN m.n = 0 OR excluded.lowest < m.lowest THEN excluded.lowest ELSE m.lowest END,
    latest_event = CASE WHEN {later} THEN excluded.latest_event ELSE m.latest_event END,
    intent = CASE WHEN {later} THEN excluded.intent ELSE m.intent END,
    confidence = CASE WHEN {later} THEN excluded.confidence ELSE m.confidence END,
    last_seen = CASE WHEN {later} THEN excluded.last_seen ELSE m.last_seen END
RETURNING digest, id
""".format(later="m.n = 0 OR (excluded.last_seen, excluded.latest_event) > (m.last_seen, m.latest_event)")

"""New events into the inbox; one of the EVENT_FOLLOWERS, inside the transaction that keeps the events.

The same statements run on PostgreSQL and on SQLite. A follower hears only of events that were really inserted, so a
batch that comes again counts nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple, TypeGuard

import msgspec
from django.db import connection
from django.db.backends.utils import CursorWrapper

from events.models import NAME_LENGTH, TEXT_LENGTH
from events.recording import Recorded
from events.summary import certainty_of, clean
from events.vocabulary import UserUttered
from rasax.annotation.inbox import bit_of
from rasax.training import texts

Values = tuple[Any, ...]
TEXT = (
    "digest bigint, text text, n bigint, first_seen double precision, last_seen double precision, latest_event bigint,"
    " intent text, confidence double precision, lowest double precision, environments bigint"
)
AS_NEW = ", 'new', FALSE, FALSE, '', ''"
OCCURRENCE = "event bigint, message bigint, environment bigint, timestamp double precision, confidence double precision"
AT_ONCE = 1_000  # rows of a statement; SQLite takes some 30,000 values
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
    """Counts what was said; each event must come here once. Returns how much it was.

    As few statements as can be: on a busy machine a batch waits longer for its turn at each of them than for the rows.
    """
    rows = list(said)
    with connection.cursor() as cursor:
        ids: dict[int, int] = dict(_write(cursor, _UPSERT, TEXT, _by_text(rows), AS_NEW))
        occurrences = [(each.event, ids[each.digest], each.environment, each.timestamp, each.sure) for each in rows]
        _write(cursor, _INSERT_OCCURRENCES, OCCURRENCE, occurrences)
    return len(rows)


def _write(
    cursor: CursorWrapper, statement: str, columns: str, rows: Sequence[Values], fixed: str = ""
) -> list[Values]:
    """What the statement returns for these rows, each with the fixed values."""
    returned: list[Values] = []
    for start in range(0, len(rows), AT_ONCE):
        source, values = SOURCES[connection.vendor](columns, rows[start : start + AT_ONCE], fixed)
        cursor.execute(statement.format(rows=source), values)
        returned += cursor.fetchall() if cursor.description else ()
    return returned


def _as_json(columns: str, rows: Sequence[Values], fixed: str) -> tuple[str, list[Any]]:
    """For PostgreSQL, which reads one JSON text faster than thousands of values."""
    names = [column.split()[0] for column in columns.split(", ")]
    text = msgspec.json.encode([dict(zip(names, row, strict=True)) for row in rows]).decode()
    return f"SELECT *{fixed} FROM json_to_recordset(%s) AS arriving({columns})", [text]


def _as_values(columns: str, rows: Sequence[Values], fixed: str) -> tuple[str, list[Any]]:
    """For SQLite, which does not read every number in JSON to the last bit."""
    row = "(" + ", ".join(["%s"] * len(columns.split(", "))) + fixed + ")"
    return "VALUES " + ", ".join([row] * len(rows)), [value for each in rows for value in each]


SOURCES = {"postgresql": _as_json, "sqlite": _as_values}


def _by_text(rows: Iterable[Said]) -> list[Values]:
    """For _UPSERT, in the order in which rows are locked."""
    same: dict[int, list[Said]] = defaultdict(list)
    for each in rows:
        same[each.digest].append(each)
    return [(digest, *_of_text(said)) for digest, said in sorted(same.items())]


def _of_text(same: Sequence[Said]) -> Values:
    latest, lowest = max(same), min(each.sure for each in same)
    of_latest = (latest.timestamp, latest.event, latest.intent, latest.confidence)
    environments = reduce(or_, (bit_of(each.environment) for each in same))
    return (latest.text, len(same), min(same).timestamp, *of_latest, lowest, environments)


# The row of an example that nobody said yet has no text, and its times and confidence say nothing.
_UPSERT = """
INSERT INTO annotation_inboxmessage AS m (digest, text, n, first_seen, last_seen, latest_event, intent, confidence,
    lowest, environments, state, taught, added, suggested, annotated_as)
{{rows}}
ON CONFLICT (digest) DO UPDATE SET
    text = CASE WHEN {later} THEN excluded.text ELSE m.text END,
    n = m.n + excluded.n,
    first_seen = CASE WHEN m.n = 0 OR excluded.first_seen < m.first_seen THEN excluded.first_seen ELSE m.first_seen END,
    lowest = CASE WHEN m.n = 0 OR excluded.lowest < m.lowest THEN excluded.lowest ELSE m.lowest END,
    environments = CASE WHEN m.n = 0 THEN excluded.environments ELSE m.environments | excluded.environments END,
    latest_event = CASE WHEN {later} THEN excluded.latest_event ELSE m.latest_event END,
    intent = CASE WHEN {later} THEN excluded.intent ELSE m.intent END,
    confidence = CASE WHEN {later} THEN excluded.confidence ELSE m.confidence END,
    last_seen = CASE WHEN {later} THEN excluded.last_seen ELSE m.last_seen END
RETURNING digest, id
""".format(later="m.n = 0 OR (excluded.last_seen, excluded.latest_event) > (m.last_seen, m.latest_event)")
_INSERT_OCCURRENCES = """
INSERT INTO annotation_occurrence (event_id, message_id, environment_id, timestamp, confidence) {rows}
"""

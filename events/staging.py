"""Temporary tables that carry a batch into the database: by COPY on PostgreSQL, row by row on SQLite."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection

Row = tuple[Any, ...]

STAGES = {
    "arriving_conversation": "key uuid, sender_id text, time double precision",
    "arriving_event": (
        "conversation_id bigint, timestamp double precision, digest bigint, type text, name text,"
        " confidence double precision, text text, data text"
    ),
    "arriving_value": "kind text, value text",
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


def lock(alias: str) -> str:
    return f"FOR NO KEY UPDATE OF {alias}" if connection.vendor == "postgresql" else ""


def stage(cursor: Any, table: str, rows: Iterable[Row]) -> None:
    """Fills the temporary table with just these rows."""
    if connection.vendor == "postgresql":
        _stage_by_copy(cursor, table, rows)
        return
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({STAGES[table]})")
    cursor.execute(f"DELETE FROM {table}")
    marks = ", ".join(["%s"] * (STAGES[table].count(",") + 1))
    cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", list(rows))


def _stage_by_copy(cursor: Any, table: str, rows: Iterable[Row]) -> None:
    # IF NOT EXISTS at every batch costs 0.1 ms, and holds behind a pooler that changes the session between two. There
    # the session outlives us, and who comes after us may be of a version whose tables have other columns.
    after = "DROP" if settings.DIRECT_DATABASE_URL else "DELETE ROWS"
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({STAGES[table]}) ON COMMIT {after}; DELETE FROM {table}"
    )
    text = "".join(["\t".join([_copied(value) for value in row]) + "\n" for row in rows])
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))


def _copied(value: Any) -> str:
    """A value in the text format of PostgreSQL's COPY."""
    if value is None:
        return "\\N"
    if not isinstance(value, str):
        return repr(value)
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")

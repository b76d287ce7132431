"""Full-text search over what user, bot and agents said: PostgreSQL's text search, or SQLite's FTS5.

The indexes are made in migration 0002.
Both split at spaces and punctuation, ignore case, and do not stem: conversations are in any language.
"""

from __future__ import annotations

import re

from django.db import connection
from django.db.models import BooleanField, Func, Q, TextField, Value
from django.db.models.expressions import RawSQL


class _Matches(Func):
    """`text` has all the words; the same expression as the index's."""

    template = "to_tsvector('simple'::regconfig, %(expressions)s)"
    arg_joiner = ") @@ websearch_to_tsquery('simple'::regconfig, "
    output_field = BooleanField()


def saying(words: str) -> Q:
    """Events whose text has all these words; "words in quotes" must follow one another."""
    if connection.vendor == "postgresql":
        return Q(_Matches("text", Value(words, output_field=TextField())), text__isnull=False)
    found = RawSQL("SELECT rowid FROM events_event_search WHERE events_event_search MATCH %s", [_fts5(words)])
    return Q(id__in=found)


def _fts5(words: str) -> str:
    """Each word in quotes, so that FTS5 takes nothing in it for an operator."""
    parts = [quoted or word for quoted, word in re.findall(r'"([^"]+)"|([^\s"]+)', words.replace("\x00", " "))]
    return " ".join(f'"{part}"' for part in parts) or '""'

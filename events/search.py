"""Full-text search over what user, bot and agents said: PostgreSQL's text search, or SQLite's FTS5.

The indexes are made in migration 0002.
Both split at spaces and punctuation, ignore case, and do not stem: conversations are in any language.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Func, Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat
from django.db.models.lookups import GreaterThanOrEqual, LessThan, StartsWith

from events.models import Event

SENDER_LENGTH = 200  # of a sender_id, as far as it is indexed


class _Beginning(Func):
    """The same expression as the index's: with its numbers as parameters SQLite would not know it."""

    template = f"substr(%(expressions)s, 1, {SENDER_LENGTH})"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template=f"left(%(expressions)s, {SENDER_LENGTH})", **extra)


class Matches(Func):
    """`text` has all the words; the same expression as the index's."""

    template = "to_tsvector('simple'::regconfig, %(expressions)s)"
    arg_joiner = ") @@ websearch_to_tsquery('simple'::regconfig, "
    output_field = BooleanField()


class _Has(Func):
    """SQLite's index has all the words in the text of the event of this id."""

    template = "EXISTS (SELECT 1 FROM events_event_search WHERE rowid = %(expressions)s)"
    arg_joiner = " AND events_event_search MATCH "
    output_field = BooleanField()


def saying(words: str) -> Q:
    """Events whose text has all these words; "words in quotes" must follow one another."""
    if connection.vendor == "postgresql":
        return Q(Matches("text", Value(words, output_field=TextField())), text__isnull=False)
    found = RawSQL("SELECT rowid FROM events_event_search WHERE events_event_search MATCH %s", [fts5(words)])
    return Q(id__in=found)


def spoken(words: str) -> Q:
    """As `saying`, for looking at one event after another: what has not the letters is left out first, since PostgreSQL
    splits each text into words for that, at 25 times the price, and SQLite looks each event up in its index."""
    if connection.vendor == "postgresql":
        # Not quite the index's expression: PostgreSQL would gather all that say it, once for each conversation.
        found = Q(Matches(Concat("text", Value("")), Value(words, output_field=TextField())), text__isnull=False)
    else:
        found = Q(_Has("id", Value(fts5(words))), text__isnull=False)
    for word in re.findall(r"[A-Za-z0-9]+", words) if words.isascii() and _PLAIN.fullmatch(words) else ():
        found &= Q(text__icontains=word)
    return found


_PLAIN = re.compile(r"[\w ]+")


def are_rare(words: str, most: int) -> bool:
    """Whether so few events say it. PostgreSQL answers from its statistics: to count the events that say a common word
    it would first gather all of them."""
    if connection.vendor == "postgresql":
        return expected(Event.objects.filter(saying(words)).order_by().values("pk")) <= most
    with connection.cursor() as cursor:
        found = "SELECT 1 FROM events_event_search WHERE events_event_search MATCH %s LIMIT %s"
        cursor.execute(f"SELECT count(*) FROM ({found})", [fts5(words), most + 1])
        return bool(cursor.fetchone()[0] <= most)


def expected(rows: QuerySet[Any]) -> int:
    """How many PostgreSQL expects from its statistics."""
    return int(json.loads(rows.explain(format="json"))[0]["Plan"]["Plan Rows"])


def sent_by(beginning: str) -> Q:
    """Conversations whose sender_id begins so, by upper and lower case."""
    sender, beginning = _Beginning("sender_id"), beginning[:SENDER_LENGTH]
    if connection.vendor == "postgresql":
        return Q(StartsWith(sender, Value(beginning)))
    # SQLite's LIKE knows no case, and searches no index.
    return Q(GreaterThanOrEqual(sender, Value(beginning))) & Q(LessThan(sender, Value(f"{beginning}\U0010ffff")))


def fts5(words: str) -> str:
    """Each word in quotes, so that FTS5 takes nothing in it for an operator."""
    parts = [quoted or word for quoted, word in re.findall(r'"([^"]+)"|([^\s"]+)', words.replace("\x00", " "))]
    return " ".join(f'"{part}"' for part in parts) or '""'

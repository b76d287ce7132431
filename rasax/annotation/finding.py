"""Which plan finds a page of the inbox.

What few texts have is gathered and sorted. What many have is looked for along the order's index, at first for a short
way: the page is mostly full then. docs/decisions/0014 has the figures behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_

from django.conf import settings
from django.db import connection
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat

from events.models import Environment
from events.search import Matches, expected, fts5
from rasax.annotation.decisions import Opinion
from rasax.annotation.filters import InboxFilters, Position
from rasax.annotation.inbox import InboxMessage, Occurrence, bit_of

RARE = 4_000  # texts that are sorted rather than looked for
WALK, LONGEST_WALK = 800, 20_000  # rows along the order's index
SEARCH = "annotation_inboxmessage_search"

Messages = QuerySet[InboxMessage]


class _Has(Func):
    """SQLite's index has all the words in the text of this id."""

    template = f"EXISTS (SELECT 1 FROM {SEARCH} WHERE rowid = %(expressions)s)"
    arg_joiner = f" AND {SEARCH} MATCH "
    output_field = BooleanField()


@dataclass
class Finding:
    """`reader` is whose opinions are left out while they wait for another's."""

    filters: InboxFilters
    reader: int
    rows: Messages = field(default_factory=InboxMessage.objects.all)

    def page(self, size: int, before: Position | None = None, offset: int = 0) -> list[InboxMessage]:
        candidates, part = self._candidates(before), slice(offset, offset + size)
        if not self._is_looked_at:
            return list(self._walked(candidates)[part])
        if self._is_led:
            return list(self._sorted(self._looked_at(candidates))[part])
        if (found := self._found_near(candidates, part)) is not None:
            return found
        nearest = self._sorted(self._looked_at(candidates)).values("pk")[part]
        return list(self._sorted(self.rows.filter(pk__in=nearest)))

    def _found_near(self, candidates: Messages, part: slice) -> list[InboxMessage] | None:
        """A full page from near by: a short walk, and longer ones while they promise enough; else None."""
        steps, size = WALK, part.stop - part.start
        for _ in range(3):
            near = self._walked(candidates).values("pk")[: steps + part.start]
            found = list(self._walked(self._looked_at(self.rows.filter(pk__in=near), one_by_one=True))[part])
            steps = 8 * steps * size // (5 * max(len(found), 1))
            if len(found) == size:
                return found
            if steps > LONGEST_WALK:
                break
        return None

    def count(self, at_most: int) -> int:
        found = self._looked_at(self._candidates(None)) if self._is_looked_at else self._candidates(None)
        return found.order_by()[:at_most].count()

    def every(self) -> list[int]:
        """The ids of all, by intent, so that whoever teaches them in this order rewrites each intent seldom."""
        found = self._looked_at(self._candidates(None)).order_by("intent", "pk")
        return list(found.values_list("pk", flat=True))

    def _candidates(self, before: Position | None) -> Messages:
        rows = self.rows.filter(waiting=True) if self.filters.is_new else _decided(self.rows, self.filters.state)
        if self.filters.intent:
            rows = rows.filter(intent=self.filters.intent)
        return rows.filter(self._beyond(before)) if before else rows

    def _beyond(self, place: Position) -> Q:
        column, falling = self.filters.ordering
        way = "lt" if falling else "gt"
        further = Q(**{f"{column}__{way}": place.value}) | Q(**{f"pk__{way}": place.pk})
        return Q(**{f"{column}__{way}e": place.value}) & further  # the bound leads the index to the place

    def _walked(self, rows: Messages) -> Messages:
        column, falling = self.filters.ordering
        return rows.order_by(f"-{column}", "-pk") if falling else rows.order_by(column, "pk")

    def _sorted(self, rows: Messages) -> Messages:
        """By a sort: "+ 0" keeps PostgreSQL from walking the index when it expects too many matches."""
        column, falling = self.filters.ordering
        if not self.filters.is_new:
            return self._walked(rows)
        value = F(column) + 0
        return rows.order_by(value.desc(), "-pk") if falling else rows.order_by(value, "pk")

    @property
    def _is_looked_at(self) -> bool:
        filters = self.filters
        return bool(filters.words or filters.intent or self._is_about_occurrences or settings.SECOND_OPINION)

    @property
    def _is_about_occurrences(self) -> bool:
        return bool(self.filters.environment or self.filters.since or self.filters.until)

    @cached_property
    def _is_led(self) -> bool:
        """Whether so few texts have one of what is asked for that they are gathered; those that were decided on are."""
        return not self.filters.is_new or self._words_are_rare or self._range_is_small or self._intent_is_rare

    @cached_property
    def _intent_is_rare(self) -> bool:
        rows = InboxMessage.objects.filter(waiting=True, intent=self.filters.intent)
        return bool(self.filters.intent) and rows.order_by()[: RARE + 1].count() <= RARE

    @cached_property
    def _range_is_small(self) -> bool:
        return self._is_about_occurrences and self._occurrences.order_by()[: RARE + 1].count() <= RARE

    @cached_property
    def _words_are_rare(self) -> bool:
        if not self.filters.words:
            return False
        if connection.vendor == "postgresql":
            rows = InboxMessage.objects.filter(Matches("text", Value(self.filters.words, output_field=TextField())))
            return expected(rows.order_by().values("pk")) <= RARE
        with connection.cursor() as cursor:
            found = f"SELECT 1 FROM {SEARCH} WHERE {SEARCH} MATCH %s LIMIT %s"
            cursor.execute(f"SELECT count(*) FROM ({found})", [fts5(self.filters.words), RARE + 1])
            return bool(cursor.fetchone()[0] <= RARE)

    @cached_property
    def _environments(self) -> list[int]:
        """The ids of what is asked for, of which nearly always there is one; none where nothing is."""
        asked = Environment.objects.order_by().filter(name=self.filters.environment)
        return list(asked.values_list("pk", flat=True)) if self.filters.environment else []

    @cached_property
    def _occurrences(self) -> QuerySet[Occurrence]:
        """Of all environments by their ids, so that the index by environment and time serves."""
        every = Environment.objects.order_by().values_list("pk", flat=True)
        environments = self._environments if self.filters.environment else list(every)
        rows = Occurrence.objects.filter(environment__in=environments)
        if (earliest := self.filters.earliest) is not None:
            rows = rows.filter(timestamp__gte=earliest)
        if (end := self.filters.end) is not None:
            rows = rows.filter(timestamp__lt=end)
        return rows

    def _looked_at(self, rows: Messages, one_by_one: bool = False) -> Messages:
        """`one_by_one` where they are few: of an EXISTS PostgreSQL may make a join that reads every text there is."""
        if self.filters.words:
            rows = rows.filter(self._words())
        if self._environments:
            bits = reduce(or_, map(bit_of, self._environments), 0)
            rows = rows.alias(bits=F("environments").bitand(bits)).exclude(bits=0)
        if self._is_about_occurrences and self._range_is_small:
            rows = rows.filter(pk__in=Subquery(self._occurrences.values("message")))
        elif self._is_about_occurrences:
            said = self._occurrences.filter(message=OuterRef("pk"))
            found = Subquery(said.order_by().values("pk")[:1])
            rows = rows.alias(said=found).filter(said__isnull=False) if one_by_one else rows.filter(Exists(said))
        return rows.filter(self._wants_an_opinion()) if settings.SECOND_OPINION and self.filters.is_new else rows

    def _words(self) -> Q:
        words = Value(self.filters.words, output_field=TextField())
        if connection.vendor == "postgresql":
            # Not the index's expression where each row is looked at: it would gather all that say it.
            return Q(Matches("text" if self._words_are_rare else Concat("text", Value("")), words))
        if not self._words_are_rare:
            return Q(_Has("id", Value(fts5(self.filters.words))))
        found = RawSQL(
            "SELECT rowid FROM annotation_inboxmessage_search WHERE annotation_inboxmessage_search MATCH %s",
            [fts5(self.filters.words)],
        )
        return Q(pk__in=found)

    def _wants_an_opinion(self) -> Q:
        """The reader's, or one more where two do not agree."""
        opinions = Opinion.objects.filter(message=OuterRef("pk"))
        return ~Exists(opinions.filter(by=self.reader)) | Exists(opinions.exclude(by=self.reader))


def _decided(rows: Messages, state: str) -> Messages:
    return rows.filter(waiting=False, state=state)

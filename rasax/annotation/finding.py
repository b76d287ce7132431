"""Which plan finds a page of the inbox.

What few texts have is gathered and sorted. What many have is looked for along the order's index, at first for a short
way: the page is mostly full then. docs/decisions/0014 has the figures behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat

from events.search import Matches, expected, fts5
from rasax.annotation.decisions import Opinion
from rasax.annotation.filters import InboxFilters, Position
from rasax.annotation.inbox import InboxMessage
from rasax.annotation.ranges import Messages, Range

RARE = 4_000  # texts that are sorted rather than looked for
WALK, LONGEST_WALK = 800, 20_000  # rows along the order's index
NEAREST, LONGEST_NEAR_KEPT = 50_000, 4_000  # texts that are compared with them, and that are looked at before that
SAMPLE, ENOUGH = 500, 3  # occurrences, and how many of them near by promise a full page
SEARCH = "annotation_inboxmessage_search"


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
        if self._range.is_kept and (found := self._found_nearest(candidates, part)) is not None:
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
            if steps > (LONGEST_NEAR_KEPT if self._range.is_kept else LONGEST_WALK):
                break
        return None

    def _found_nearest(self, candidates: Messages, part: slice) -> list[InboxMessage] | None:
        """A full page along the order's index, compared with the texts of the range, which are read once; else None."""
        near = self._range.in_environments(self._nearest(candidates))
        sample = self._range.gathered(near.order_by(), self._range.messages[:SAMPLE])
        if sample[:ENOUGH].count() < ENOUGH:
            return None
        kept = Case(When(pk__in=self._range.messages, then=True), default=False)
        rows = self._without_range(near).alias(kept=kept).filter(kept=True)
        found = list(self._walked(rows)[part])
        return found if len(found) == part.stop - part.start else None

    def _nearest(self, candidates: Messages) -> Messages:
        column, falling = self.filters.ordering
        end = self._walked(candidates).values_list(column, flat=True)[NEAREST : NEAREST + 1].first()
        return candidates if end is None else candidates.filter(**{f"{column}__{'gte' if falling else 'lte'}": end})

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

    @cached_property
    def _range(self) -> Range:
        return Range(self.filters)

    @property
    def _is_looked_at(self) -> bool:
        filters = self.filters
        return bool(filters.words or filters.intent or self._range.is_asked or settings.SECOND_OPINION)

    @cached_property
    def _is_led(self) -> bool:
        """Whether so few texts have one of what is asked for that they are gathered; those that were decided on are."""
        return not self.filters.is_new or self._words_are_rare or self._range.is_small or self._intent_is_rare

    @cached_property
    def _intent_is_rare(self) -> bool:
        rows = InboxMessage.objects.filter(waiting=True, intent=self.filters.intent)
        return bool(self.filters.intent) and rows.order_by()[: RARE + 1].count() <= RARE

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

    def _looked_at(self, rows: Messages, one_by_one: bool = False) -> Messages:
        """`one_by_one` where they are few: of an EXISTS PostgreSQL may make a join that reads every text there is."""
        rows = self._range.in_environments(self._without_range(rows))
        if self._range.is_small or (not one_by_one and self._range.is_gathered):
            rows = self._range.gathered(rows, self._range.messages)
        elif self._range.is_asked:
            said = self._range.occurrences.filter(message=OuterRef("pk"))
            found = Subquery(said.order_by().values("pk")[:1])
            rows = rows.alias(said=found).filter(said__isnull=False) if one_by_one else rows.filter(Exists(said))
        return rows

    def _without_range(self, rows: Messages) -> Messages:
        rows = rows.filter(self._words()) if self.filters.words else rows
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

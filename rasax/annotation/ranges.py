"""The environment and the days in which texts were said, as the inbox's filters ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet

from events.models import Environment
from events.search import expected
from rasax.annotation.filters import InboxFilters
from rasax.annotation.inbox import InboxMessage, Occurrence, bit_of

SMALL = {"postgresql": 20_000, "sqlite": 4_000}  # occurrences whose texts are looked up one after the other
GATHERED = 100_000  # the same, where no walk fills the page
KEPT = 200_000  # occurrences that PostgreSQL's work_mem holds

Messages = QuerySet[InboxMessage]


class _OneOf(Func):
    """Looked up by the primary key, where PostgreSQL would make a join that reads every text there is."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


@dataclass
class Range:
    filters: InboxFilters

    @property
    def is_asked(self) -> bool:
        filters = self.filters
        return bool(filters.environment or filters.since or filters.until)

    @cached_property
    def occurrences(self) -> QuerySet[Occurrence]:
        """Of all environments by their ids, so that the index by environment and time serves."""
        every = Environment.objects.order_by().values_list("pk", flat=True)
        environments = self._environments if self.filters.environment else list(every)
        rows = Occurrence.objects.filter(environment__in=environments)
        if (earliest := self.filters.earliest) is not None:
            rows = rows.filter(timestamp__gte=earliest)
        if (end := self.filters.end) is not None:
            rows = rows.filter(timestamp__lt=end)
        return rows

    @property
    def messages(self) -> Any:
        """The ids of the texts that were said."""
        return self.occurrences.order_by().values("message")

    @cached_property
    def is_small(self) -> bool:
        small = SMALL[connection.vendor]
        return self.is_asked and self.occurrences.order_by()[: small + 1].count() <= small

    @property
    def is_gathered(self) -> bool:
        return self.is_asked and self._expected <= GATHERED

    @property
    def is_kept(self) -> bool:
        return self.is_asked and self._expected <= KEPT

    @cached_property
    def _expected(self) -> int:
        """How many, by PostgreSQL's statistics, whose word it takes itself; SQLite counts."""
        if connection.vendor == "postgresql":
            return expected(self.messages)
        return self.occurrences.order_by()[: KEPT + 1].count()

    @cached_property
    def _environments(self) -> list[int]:
        """The ids of what is asked for, of which nearly always there is one; none where nothing is."""
        asked = Environment.objects.order_by().filter(name=self.filters.environment)
        return list(asked.values_list("pk", flat=True)) if self.filters.environment else []

    def in_environments(self, rows: Messages) -> Messages:
        """As far as their bits tell."""
        if not self._environments:
            return rows
        bits = reduce(or_, map(bit_of, self._environments), 0)
        return rows.alias(bits=F("environments").bitand(bits)).filter(Q(environments=None) | Q(bits__gt=0))

    def gathered(self, rows: Messages, said: Any) -> Messages:
        is_one = _OneOf("pk", ArraySubquery(said)) if connection.vendor == "postgresql" else Q(pk__in=said)
        return rows.filter(is_one)

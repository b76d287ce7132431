"""The values that the list can be filtered by, with their numbers: most from the DB cache, marks as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from events import db_cache
from events.models import Facet
from rasax.conversations.filters import MARKS, Filters

LONGEST = 100  # values of one kind in a menu; others are still found by their URL
LOOKED_AT = 2_000  # values of one slot
AS_THEY_ARE = MARKS | {Facet.Kind.ENVIRONMENT}  # few, and shown in the rows, which are as they are, too
MENUS = set(Facet.Kind) - AS_THEY_ARE - {Facet.Kind.SLOT_VALUE}  # of the last there may be any number
Row = tuple[str, int, str, int, str | None]  # kind, and a Choice


class Choice(NamedTuple):
    pk: int
    value: str
    n_conversations: int
    color: str | None


@dataclass(frozen=True)
class Menus:
    choices: dict[str, list[Choice]]

    @classmethod
    def load(cls, filters: Filters) -> Self:
        choices: dict[str, list[Choice]] = defaultdict(list)
        for kind, *choice in db_cache.answer("menus", None, _most_frequent):
            choices[kind].append(Choice(*choice))
        menus = cls(choices)
        for kind, *choice in _few_and(menus._missing(filters)):
            choices[kind].append(Choice(*choice))
        return menus

    def _missing(self, filters: Filters) -> Q:
        """What is asked for and not among the most frequent."""
        missing = Q()
        for kind in filters.facets.keys() - AS_THEY_ARE:
            known = {choice.value for choice in self.of(kind)}
            if values := set(filters.chosen(kind)) - known:
                missing |= Q(kind=kind, value__in=values)
        return missing

    def of(self, kind: str) -> list[Choice]:
        return self.choices.get(kind, [])

    def chosen(self, kind: str, values: Iterable[str]) -> list[Choice]:
        wanted = set(values)
        return [choice for choice in self.of(kind) if choice.value in wanted]

    @property
    def tags(self) -> list[Choice]:
        return sorted(self.of(Facet.Kind.TAG), key=lambda choice: choice.value.casefold())

    @property
    def hours(self) -> list[int]:
        """The conversations in which the user wrote, by hour of the day in the site's time zone, at today's offset."""
        counts = {choice.value: choice.n_conversations for choice in self.of(Facet.Kind.HOUR)}
        return [counts.get(Filters(hours=(hour, hour + 1)).utc_hours[0], 0) for hour in range(24)]

    @property
    def marks(self) -> dict[int, tuple[str, Choice]]:
        """Kind and value by id: of what people put on conversations and, where there are several, of environments."""
        several = len(self.of(Facet.Kind.ENVIRONMENT)) > 1
        kinds = (*MARKS, Facet.Kind.ENVIRONMENT) if several else MARKS
        return {choice.pk: (kind.value, choice) for kind in kinds for choice in self.of(kind)}


def most_frequent_values(slot: str, most: int = 20) -> list[Choice]:
    """Of a slot, as the filter `slot_value` takes them; of one with more than a few thousand values, of some."""
    rows = db_cache.answer("values of a slot", [slot, most], lambda: _values(slot, most))
    return [Choice(*row) for row in rows]


def _values(slot: str, most: int) -> list[Choice]:
    facets = Facet.objects.filter(kind=Facet.Kind.SLOT_VALUE, value__startswith=f"{slot}=", n_conversations__gt=0)
    some = facets.order_by()[:LOOKED_AT].values_list("pk", "value", "n_conversations")
    return sorted((Choice(*row, None) for row in some), key=lambda choice: (-choice.n_conversations, choice.value))[
        :most
    ]


def _most_frequent() -> list[Row]:
    """The values of each kind that events have."""
    rank = Window(RowNumber(), partition_by=F("kind"), order_by=[F("n_conversations").desc(), F("value")])
    facets = Facet.objects.filter(kind__in=MENUS, n_conversations__gt=0).annotate(rank=rank).filter(rank__lte=LONGEST)
    return _rows(facets)


def _few_and(others: Q) -> list[Row]:
    return _rows(Facet.objects.filter(Q(kind__in=AS_THEY_ARE) | others))


def _rows(facets: QuerySet[Facet]) -> list[Row]:
    ordered = facets.order_by("kind", "-n_conversations", "value")
    return list(ordered.values_list("kind", "pk", "value", "n_conversations", "tag__color"))

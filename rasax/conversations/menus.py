"""The values that the list can be filtered by, with their numbers: one query, whatever the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from events.models import Facet
from rasax.conversations.filters import Filters

LONGEST = 100  # values of one kind in a menu; others are still found by their URL
LOOKED_AT = 2_000  # values of one slot
MARKS = (Facet.Kind.TAG, Facet.Kind.FLAG, Facet.Kind.REVIEW, Facet.Kind.ASSIGNEE, Facet.Kind.ANNOTATION)
MENUS = tuple(kind for kind in Facet.Kind if kind != Facet.Kind.SLOT_VALUE)  # of those there may be any number


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
        for kind, pk, value, n_conversations, color in _rows(filters):
            choices[kind].append(Choice(pk, value, n_conversations, color))
        return cls(choices)

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
    facets = Facet.objects.filter(kind=Facet.Kind.SLOT_VALUE, value__startswith=f"{slot}=", n_conversations__gt=0)
    some = facets.order_by()[:LOOKED_AT].values_list("pk", "value", "n_conversations")
    return sorted((Choice(*row, None) for row in some), key=lambda choice: (-choice.n_conversations, choice.value))[
        :most
    ]


def _rows(filters: Filters) -> Iterable[tuple[str, int, str, int, str | None]]:
    asked = Q()
    for kind, values in filters.facets.items():
        asked |= Q(kind=kind, value__in=values)
    rank = Window(RowNumber(), partition_by=F("kind"), order_by=[F("n_conversations").desc(), F("value")])
    return (
        Facet.objects.filter(Q(kind__in=MENUS) | asked)
        .annotate(rank=rank)
        .filter(Q(rank__lte=LONGEST, n_conversations__gt=0) | Q(kind__in=MARKS) | asked)
        .order_by("kind", "-n_conversations", "value")
        .values_list("kind", "pk", "value", "n_conversations", "tag__color")
    )

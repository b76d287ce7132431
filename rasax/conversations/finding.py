"""Finds a page of conversations, in one of three orders, among millions.

No one plan is fast for every filter. Walking the order's index and looking at each conversation is, when what is
asked for is common, and takes seconds when it is rare; intersecting the sets is the reverse. Facets know how many
conversations have them, and what words, numbers and names have is counted as far as "rare" goes. So: what is rare
leads; else the nearest few hundred are looked at, then few thousand, and the sets are intersected only if those did
not fill the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from events import db_cache
from events.models import Conversation, ConversationFacet, Event, Facet
from events.search import are_rare, saying, sent_by, spoken
from rasax.conversations.filters import CONFIDENCE, NONE, OLDEST, Filters, Position
from rasax.conversations.menus import Menus
from rasax.conversations.models import FLAGGED, Review

RARE = 5_000  # conversations; so many are looked up and sorted in some 20 ms
WALKS = (500, 5_000)  # conversations; so many are looked at, nearest first, before the sets are intersected
OFTEN = 10  # one in so many

Conversations = QuerySet[Conversation]


@dataclass(frozen=True, slots=True)
class Order:
    """By a column, then by id, as an index has them."""

    column: str
    descending: bool

    @classmethod
    def of(cls, filters: Filters) -> Order:
        if filters.order == CONFIDENCE:
            return cls("minimum_intent_confidence", descending=False)
        return cls("latest_event_time", descending=filters.order != OLDEST)

    def reversed(self) -> Order:
        return Order(self.column, not self.descending)

    def place(self, conversation: Conversation) -> Position:
        return Position(getattr(conversation, self.column), conversation.pk)

    def beyond(self, place: Position) -> Q:
        """What comes after a place. The first comparison is what the index is searched by; the second settles ties."""
        than = "lt" if self.descending else "gt"
        ties = Q(**{f"{self.column}__{than}": place.time}) | Q(**{f"pk__{than}": place.tie})
        return ties & Q(**{f"{self.column}__{than}e": place.time})

    def until(self, value: Any) -> Q:
        return Q(**{f"{self.column}__{'gte' if self.descending else 'lte'}": value})

    def walked(self, rows: Conversations) -> Conversations:
        sign = "-" if self.descending else ""
        return rows.order_by(f"{sign}{self.column}", f"{sign}pk")

    def sorted(self, rows: Conversations) -> Conversations:
        """By a sort: "+ 0" keeps PostgreSQL from walking the index when it expects too many matches."""
        value = F(self.column) + 0.0
        return rows.order_by(value.desc(), "-pk") if self.descending else rows.order_by(value, "pk")


@dataclass
class Finding:
    """Of `rows`, those with one of each of these sets of facets, none of the `unwanted`, and the filters' words."""

    rows: Conversations
    filters: Filters
    sets: list[tuple[int, list[int]]] = field(default_factory=list)  # number of conversations, facets
    unwanted: list[int] = field(default_factory=list)
    scalars: list[Q] = field(default_factory=list)

    @classmethod
    def plan(cls, filters: Filters, menus: Menus, rows: Conversations | None = None) -> Finding | None:
        """None if nothing can match."""
        finding = cls(Conversation.objects.all() if rows is None else rows, filters, scalars=_scalars(filters))
        for kind, values in _wanted(filters, finding, menus).items():
            chosen = menus.chosen(kind, values)
            if not chosen:
                return None
            finding.sets.append((sum(choice.n_conversations for choice in chosen), [choice.pk for choice in chosen]))
        finding.sets.sort()
        return finding

    def page(
        self, size: int, before: Position | None = None, after: Position | None = None, offset: int = 0
    ) -> list[Conversation]:
        """The next `size` conversations of the order beyond `before`, or the nearest ones on the other side of
        `after`, nearest first."""
        order = Order.of(self.filters)
        order = order.reversed() if after else order
        place, part = before or after, slice(offset, offset + size)
        candidates = self._candidates(order, place)
        if not self._is_looked_at():
            return list(order.walked(candidates)[part])
        if (led := self._led_by_the_rare(candidates)) is not None:
            return list(order.sorted(led)[part])
        for steps in WALKS:
            found = list(order.walked(self._walk(candidates, order, steps))[part])
            if len(found) == size:
                return found
            if len(found) * WALKS[-1] < size * steps:  # and so the longer walk would hardly fill the page
                break
        # By their keys first: for that PostgreSQL reads the order's index, and the few wide rows afterwards.
        nearest = order.sorted(self._intersection(candidates)).values("pk")[part]
        return list(order.sorted(self.rows.filter(pk__in=nearest)))

    def count(self, at_most: int | None = None) -> int:
        """How many there are; the number of more than `at_most` is `at_most`."""
        if (known := self._known_count()) is not None:
            return known if at_most is None else min(known, at_most)
        if at_most is None:
            return self._all().count()
        rows = self._in_order()
        found = self._led_by_the_rare(rows)
        if found is None:
            near = self._walk(rows, Order.of(self.filters), WALKS[0]).count()
            # Of what is common, enough are soon found by looking.
            often = near * OFTEN >= WALKS[0]
            found = self._looked_at(rows) if often else self._intersection(rows)
        return found[:at_most].count()

    def chunks(self, size: int = 1000) -> Iterator[list[int]]:
        """The ids of all, read at once, so that each comes once however the rows change meanwhile."""
        ids = list(self._all().order_by("pk").values_list("pk", flat=True))
        return (ids[start : start + size] for start in range(0, len(ids), size))

    def _known_count(self) -> int | None:
        """Where one facet is all that is asked for, it knows."""
        alone = len(self.sets) == 1 and len(self.sets[0][1]) == 1
        others = (
            self.unwanted or self.scalars or self.filters.words or self._times() or self.filters.order == CONFIDENCE
        )
        return self.sets[0][0] if alone and not others and not self.rows.query.where else None

    def _is_looked_at(self) -> bool:
        return bool(self.sets or self.unwanted or self.scalars or self.filters.words)

    def _times(self) -> Q:
        times = Q()
        if (earliest := self.filters.earliest) is not None:
            times &= Q(latest_event_time__gte=earliest)
        if (end := self.filters.end) is not None:
            times &= Q(latest_event_time__lt=end)
        return times

    def _all(self) -> Conversations:
        rows = self._in_order()
        led = self._led_by_the_rare(rows)
        return self._intersection(rows) if led is None else led

    def _in_order(self) -> Conversations:
        """Those that the order has a place for, still in none."""
        rows = self.rows.filter(self._times()).order_by()
        return rows.filter(minimum_intent_confidence__isnull=False) if self.filters.order == CONFIDENCE else rows

    def _candidates(self, order: Order, place: Position | None) -> Conversations:
        rows = self._in_order()
        return rows.filter(order.beyond(place)) if place else rows

    def _led_by_the_rare(self, candidates: Conversations) -> Conversations | None:
        """By a rare facet, a rare number or name, or rare words; None if there is none."""
        if self.sets and self.sets[0][0] <= RARE:
            return self._intersection(candidates)
        for condition in self.scalars:
            if Conversation.objects.filter(condition).order_by()[: RARE + 1].count() <= RARE:
                return self._looked_at(candidates)
        if self.filters.words and are_rare(self.filters.words, RARE):
            return self._intersection(candidates)
        return None

    def _intersection(self, candidates: Conversations) -> Conversations:
        if self.filters.words:
            said = Event.objects.filter(saying(self.filters.words)).order_by()
            candidates = candidates.filter(pk__in=said.values("conversation"))
        for _, facets in self.sets:
            candidates = candidates.filter(
                pk__in=ConversationFacet.objects.filter(facet__in=facets).values("conversation")
            )
        if self.unwanted:
            candidates = candidates.filter(~Exists(_OF_IT.filter(facet__in=self.unwanted)))
        return candidates.filter(*self.scalars)

    def _walk(self, candidates: Conversations, order: Order, steps: int) -> Conversations:
        """Those of the nearest few thousand that match."""
        last = order.walked(candidates).values(order.column)[steps : steps + 1]
        end = -1.0 if order.descending else 1e12
        return self._looked_at(candidates.filter(order.until(Coalesce(Subquery(last), end))))

    def _looked_at(self, candidates: Conversations) -> Conversations:
        """Those that match, looked up one after the other."""
        for _, facets in self.sets:
            candidates = candidates.filter(_is_there(_OF_IT.filter(facet__in=facets)))
        if self.unwanted:
            candidates = candidates.filter(~_is_there(_OF_IT.filter(facet__in=self.unwanted)))
        candidates = candidates.filter(*self.scalars)
        if not self.filters.words:
            return candidates
        return candidates.filter(
            _is_there(Event.objects.filter(spoken(self.filters.words), conversation=OuterRef("pk")))
        )


def counted(filters: Filters, at_most: int | None = None, menus: Menus | None = None) -> int:
    """How many there are, or were a few seconds ago; "me" must be resolved."""

    def count() -> int:
        finding = Finding.plan(filters, menus or Menus.load(filters))
        return finding.count(at_most) if finding else 0

    return int(db_cache.answer("count", [filters.query, at_most], count, of_marks=filters.are_of_marks))


_OF_IT = ConversationFacet.objects.filter(conversation=OuterRef("pk"))


def _is_there(rows: QuerySet[Any]) -> Q:
    """Whether a subquery has a row, asked for one conversation after the other: EXISTS may become a join that reads
    all there is, where the planner expects that more conversations will be looked at than there will."""
    return Q(Exact(Coalesce(Subquery(rows.order_by().values(one=Value(1))[:1]), 0), 1))


def _wanted(filters: Filters, finding: Finding, menus: Menus) -> dict[str, tuple[str, ...]]:
    """The values of each kind of which a conversation must have one; those that it must not have go to `unwanted`."""
    wanted = dict(filters.facets)
    if filters.flagged:
        wanted[Facet.Kind.FLAG.value] = (FLAGGED,)
    if filters.hours:
        wanted[Facet.Kind.HOUR.value] = filters.utc_hours
    for kind, value, nothing in (
        (Facet.Kind.REVIEW.value, filters.status, Review.Status.UNREAD.value),
        (Facet.Kind.ANNOTATION.value, filters.annotation, NONE),
        (Facet.Kind.ASSIGNEE.value, "".join(filters.chosen(Facet.Kind.ASSIGNEE)), NONE),
    ):
        if value == nothing:
            wanted.pop(kind, None)
            finding.unwanted += [choice.pk for choice in menus.of(kind)]
        elif value and kind not in wanted:
            wanted[kind] = (value,)
    return wanted


def _scalars(filters: Filters) -> list[Q]:
    bounds = {
        "n_user_messages__gte": filters.messages_min,
        "n_user_messages__lte": filters.messages_max,
        "minimum_intent_confidence__lte": filters.confidence,
        "minimum_intent_confidence__gte": filters.confidence_min,
    }
    conditions = [Q(**{name: value}) for name, value in bounds.items() if value is not None]
    return [*conditions, sent_by(filters.sender)] if filters.sender else conditions

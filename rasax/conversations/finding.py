"""Finds a page of conversations, newest first, among millions.

No one plan is fast for every filter. Walking the newest-first index and looking at each conversation is, when what is
asked for is common, and takes seconds when it is rare; intersecting the sets is the reverse. Facets know how many
conversations have them, so: the rarest facet leads if it is rare; else the newest few thousand are looked at, and the
sets are intersected only if those did not fill the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from events.models import Conversation, ConversationFacet, Event, Facet
from events.search import saying
from rasax.conversations.filters import Filters, Position
from rasax.conversations.menus import Menus
from rasax.conversations.models import FLAGGED, Review

RARE = 5_000  # conversations; so many are looked up and sorted in some 20 ms
WALK = 5_000  # conversations; so many are looked at, newest first, before the sets are intersected

Conversations = QuerySet[Conversation]


@dataclass
class Finding:
    """Of `rows`, those with one of each of these sets of facets, none of the `unwanted`, and the filters' words."""

    rows: Conversations
    filters: Filters
    sets: list[tuple[int, list[int]]] = field(default_factory=list)  # number of conversations, facets
    unwanted: list[int] = field(default_factory=list)

    @classmethod
    def plan(cls, filters: Filters, menus: Menus, rows: Conversations | None = None) -> Finding | None:
        """None if nothing can match."""
        finding = cls(Conversation.objects.all() if rows is None else rows, filters)
        wanted = dict(filters.facets)
        if filters.flagged:
            wanted[Facet.Kind.FLAG.value] = (FLAGGED,)
        if filters.status == Review.Status.UNREAD:
            finding.unwanted = [choice.pk for choice in menus.of(Facet.Kind.REVIEW)]
        elif filters.status:
            wanted[Facet.Kind.REVIEW.value] = (filters.status,)
        for kind, values in wanted.items():
            chosen = menus.chosen(kind, values)
            if not chosen:
                return None
            finding.sets.append((sum(choice.n_conversations for choice in chosen), [choice.pk for choice in chosen]))
        finding.sets.sort()
        return finding

    def page(self, size: int, before: Position | None = None, after: Position | None = None) -> list[Conversation]:
        """The next `size` conversations older than `before`, or the nearest ones newer than `after`, nearest first."""
        candidates = self._candidates(before, after)
        if not self.sets and not self.unwanted and not self.filters.words and self.filters.confidence is None:
            return list(_near(candidates, after)[:size])
        rare_words = bool(self.filters.words) and self._words_are_rare()
        if rare_words or (self.sets and self.sets[0][0] <= RARE):
            return list(_sorted(self._intersection(candidates), after)[:size])
        found = list(_near(self._walk(candidates, after), after)[:size])
        if len(found) < size:
            found = list(_sorted(self._intersection(candidates), after)[:size])
        return found

    def _candidates(self, before: Position | None, after: Position | None) -> Conversations:
        rows = self.rows
        if (earliest := self.filters.earliest) is not None:
            rows = rows.filter(latest_event_time__gte=earliest)
        if (end := self.filters.end) is not None:
            rows = rows.filter(latest_event_time__lt=end)
        # The first comparison is what the index is searched by; the second settles equal times.
        if before:
            later = Q(latest_event_time__lt=before.time) | Q(pk__lt=before.tie)
            rows = rows.filter(later, latest_event_time__lte=before.time)
        if after:
            earlier = Q(latest_event_time__gt=after.time) | Q(pk__gt=after.tie)
            rows = rows.filter(earlier, latest_event_time__gte=after.time)
        return rows

    def _words_are_rare(self) -> bool:
        return Event.objects.filter(saying(self.filters.words)).order_by()[: RARE + 1].count() <= RARE

    def _intersection(self, candidates: Conversations) -> Conversations:
        if self.filters.words:
            spoken = Event.objects.filter(saying(self.filters.words)).order_by()
            candidates = candidates.filter(pk__in=spoken.values("conversation"))
        if self.sets:
            led = ConversationFacet.objects.filter(facet__in=self.sets[0][1])
            candidates = candidates.filter(pk__in=led.values("conversation"))
        return self._looked_at(candidates, self.sets[1:])

    def _walk(self, candidates: Conversations, after: Position | None) -> Conversations:
        """Those of the nearest few thousand that match."""
        time = _near(candidates, after).values("latest_event_time")[WALK : WALK + 1]
        if after:
            candidates = candidates.filter(latest_event_time__lte=Coalesce(Subquery(time), float("1e12")))
        else:
            candidates = candidates.filter(latest_event_time__gte=Coalesce(Subquery(time), 0.0))
        if self.filters.words:
            spoken = Event.objects.filter(saying(self.filters.words), conversation=OuterRef("pk"))
            candidates = candidates.filter(Exists(spoken))
        return self._looked_at(candidates, self.sets)

    def _looked_at(self, candidates: Conversations, sets: list[tuple[int, list[int]]]) -> Conversations:
        """The conditions that are looked up for each candidate."""
        of_it = ConversationFacet.objects.filter(conversation=OuterRef("pk"))
        for _, facets in sets:
            candidates = candidates.filter(Exists(of_it.filter(facet__in=facets)))
        if self.unwanted:
            candidates = candidates.filter(~Exists(of_it.filter(facet__in=self.unwanted)))
        if self.filters.confidence is not None:
            candidates = candidates.filter(minimum_intent_confidence__lte=self.filters.confidence)
        return candidates


def _near(rows: Conversations, after: Position | None) -> Conversations:
    return rows.order_by("latest_event_time", "pk") if after else rows.order_by("-latest_event_time", "-pk")


def _sorted(rows: Conversations, after: Position | None) -> Conversations:
    """As `_near`, but by a sort: "+ 0" keeps PostgreSQL from walking the index when it expects too many matches."""
    time = F("latest_event_time") + 0.0
    return rows.order_by(time, "pk") if after else rows.order_by(time.desc(), "-pk")

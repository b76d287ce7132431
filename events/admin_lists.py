"""The lists under /admin stay fast at millions of rows: they count to 10,000 and no further, begin with the newest, and
sort and filter only by what an index or a bounded look can answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from events.models import ConversationFacet, Event, Facet
from events.search import saying
from events.vocabulary import VOCABULARY

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    QuerySetPaginator = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    QuerySetPaginator = Paginator

SHOWN_AT_MOST = 10_000
FEW = 5_000  # up to here a set of ids is looked up; beyond, walking the list newest first meets them soon enough
NEWEST_EVENTS = 100_000
CHOICES_AT_MOST = 50
OTHER = "other"
ONE_CONVERSATION = "conversation__id__exact"  # the parameter by which the list of events shows one conversation


class NewestPaginator(QuerySetPaginator):
    """Counting a million rows takes half a second, and an OFFSET among them longer: pages end at the first 10,000."""

    @cached_property
    def _reached(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: SHOWN_AT_MOST + 1].count()

    @property
    def count(self) -> int:
        return min(self._reached, SHOWN_AT_MOST)

    @property
    def has_more(self) -> bool:
        """Whether rows lie beyond the last page."""
        return self._reached > SHOWN_AT_MOST


class Bounded(ModelAdmin):
    paginator = NewestPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_max_show_all = 0
    sortable_by: ClassVar[tuple[str, ...]] = ()


class ReadOnly(Bounded):
    deletable = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)


class ActivityFilter(admin.SimpleListFilter):
    title = _("last activity")
    parameter_name = "active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Past 24 hours")), ("7", _("Past 7 days")), ("30", _("Past 30 days")), ("365", _("Past year"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"1", "7", "30", "365"}:
            return queryset
        since = timezone.now() - timedelta(days=int(self.value() or 0))
        return queryset.filter(latest_event_time__gte=since.timestamp())


class FacetFilter(admin.SimpleListFilter):
    """Conversations that have a facet; chooses by its count between looking them up and walking the list."""

    kind: Facet.Kind

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        commonest = Facet.objects.of(self.kind)[:CHOICES_AT_MOST]
        return [(str(f.pk), f"{Truncator(f.value).chars(40)} ({f.n_conversations})") for f in commonest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        facet = Facet.objects.filter(kind=self.kind, pk=value).first() if value.isdecimal() else None
        return queryset.filter(having(facet)) if facet else queryset.none()


def having(facet: Facet) -> Q:
    links = ConversationFacet.objects.filter(facet=facet)
    if facet.n_conversations <= FEW:
        return Q(pk__in=list(links.values_list("conversation_id", flat=True)))
    return Q(Exists(links.filter(conversation=OuterRef("pk"))))


def filter_of(kind: Facet.Kind) -> type[FacetFilter]:
    """The filter menu of one kind of facet."""
    return type(
        f"{kind.value}_filter", (FacetFilter,), {"kind": kind, "title": kind.label, "parameter_name": kind.value}
    )


class EventTypeFilter(admin.SimpleListFilter):
    """No index begins with the type: a bounded look at the newest, or at one conversation."""

    title = _("type, among the newest 100,000")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*((name, name) for name in sorted(VOCABULARY)), (OTHER, _("Other types"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {*VOCABULARY, OTHER}:
            return queryset
        if ONE_CONVERSATION not in request.GET:
            newest = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
            queryset = queryset.filter(id__gt=newest - NEWEST_EVENTS)
        return queryset.exclude(type__in=VOCABULARY) if self.value() == OTHER else queryset.filter(type=self.value())


def talking_of(words: str) -> Q:
    """Conversations in which somebody said these words."""
    found = Event.objects.filter(saying(words)).order_by()
    conversations = list(found.values_list("conversation_id", flat=True)[: FEW + 1])
    if len(conversations) <= FEW:
        return Q(pk__in=set(conversations))
    return Q(Exists(found.filter(conversation=OuterRef("pk"))))


def with_words(words: str) -> Q:
    """Events with these words."""
    ids = list(Event.objects.filter(saying(words)).order_by().values_list("pk", flat=True)[: FEW + 1])
    return Q(pk__in=ids) if len(ids) <= FEW else saying(words)

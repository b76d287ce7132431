"""Numbers of conversations: all there are, and by time."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Sum
from django.db.models.functions import Floor
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events import db_cache
from events.models import Conversation, Facet
from rasax.accounts.api.fields import Seconds, Strict
from rasax.accounts.api.operations import Reading, operation
from rasax.conversations.api.listing import READ

HOUR, DAY = 3_600, 86_400
BINS = {"hour": HOUR, "day": DAY}
MOST_BINS = 750  # a month of hours, two years of days
TOP = 20
SHOWN = {
    "intents": Facet.Kind.INTENT,
    "actions": Facet.Kind.ACTION,
    "entities": Facet.Kind.ENTITY,
    "channels": Facet.Kind.CHANNEL,
    "environments": Facet.Kind.ENVIRONMENT,
}


class RangeQuery(Strict):
    start = Seconds(required=False, help_text="The latest event is not before")
    end = Seconds(required=False, help_text="The latest event is not after")


class BinsQuery(RangeQuery):
    window = serializers.ChoiceField(choices=list(BINS), default="day", help_text=f"At most {MOST_BINS} of them")


class Counted(serializers.Serializer[Any]):
    name = serializers.CharField()
    conversations = serializers.IntegerField()


class Totals(serializers.Serializer[Any]):
    conversations = serializers.IntegerField()
    user_messages = serializers.IntegerField()
    events = serializers.IntegerField()


class Statistics(Totals):
    intents = Counted(many=True, help_text="Those that most conversations have, of all time; so the others")
    actions = Counted(many=True)
    entities = Counted(many=True)
    channels = Counted(many=True)
    environments = Counted(many=True)
    tags = Counted(many=True)


class Bin(Totals):
    start = serializers.FloatField(help_text="Seconds since 1970")


class Analytics(serializers.Serializer[Any]):
    window = serializers.IntegerField(help_text="In seconds")
    start = serializers.FloatField()
    end = serializers.FloatField()
    bins = Bin(many=True, help_text="Those that are not empty")


class StatisticsOf(Reading):
    @operation(Statistics, needs=READ, query=RangeQuery)
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """How much there is, of conversations that were last active in a range of time."""
        answer = db_cache.answer("statistics", query, lambda: {**_totals(query), **_top()})
        return Response({**answer, "tags": _most(Facet.Kind.TAG)})


class AnalyticsOf(Reading):
    @operation(Analytics, needs=READ, query=BinsQuery)
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Conversations by the hour or day in which they were last active.

        Of a longer range the latest 750 hours or days.
        """
        size = BINS[query["window"]]
        last = int(min(query.get("end", timezone.now().timestamp()), timezone.now().timestamp() + DAY) // size)
        first = max(int(query.get("start", 0) // size), last - MOST_BINS + 1)
        start, end = max(query.get("start", 0.0), first * size), query.get("end", (last + 1.0) * size)
        bins = db_cache.answer("analytics", [size, start, end], lambda: _bins(size, start, end))
        return Response({"window": size, "start": first * float(size), "end": end, "bins": bins})


def _within(query: dict[str, Any]) -> Any:
    rows = Conversation.objects.order_by()
    if "start" in query:
        rows = rows.filter(latest_event_time__gte=query["start"])
    return rows.filter(latest_event_time__lte=query["end"]) if "end" in query else rows


SUMS = {"conversations": Count("pk"), "user_messages": Sum("n_user_messages"), "events": Sum("n_events")}


def _totals(query: dict[str, Any]) -> dict[str, int]:
    return {name: number or 0 for name, number in _within(query).aggregate(**SUMS).items()}


def _top() -> dict[str, list[dict[str, Any]]]:
    return {name: _most(kind) for name, kind in SHOWN.items()}


def _most(kind: Facet.Kind) -> list[dict[str, Any]]:
    rows = Facet.objects.of(kind).values_list("value", "n_conversations")[:TOP]
    return [{"name": name, "conversations": number} for name, number in rows]


def _bins(size: int, start: float, end: float) -> list[dict[str, Any]]:
    rows = _within({"start": start, "end": end}).annotate(bin=Floor(F("latest_event_time") / float(size)))
    counted = rows.values("bin").annotate(**SUMS).order_by("bin")
    return [{**row, "start": row.pop("bin") * float(size)} for row in counted]

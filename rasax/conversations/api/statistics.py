"""Numbers of conversations: all there are, and by time."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Sum
from django.db.models.functions import Floor
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import Conversation, Facet
from rasax.accounts.api.fields import Seconds, Strict
from rasax.accounts.api.operations import Reading, operation
from rasax.conversations.api.listing import READ

HOUR, DAY = 3_600, 86_400
BINS = {"hour": HOUR, "day": DAY}
MOST_BINS = 750  # a month of hours, two years of days
KEPT = 60  # seconds that an answer is good for: the sums read every conversation of the range
TOP = 20
SHOWN = {
    "intents": Facet.Kind.INTENT,
    "actions": Facet.Kind.ACTION,
    "entities": Facet.Kind.ENTITY,
    "channels": Facet.Kind.CHANNEL,
    "environments": Facet.Kind.ENVIRONMENT,
    "tags": Facet.Kind.TAG,
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
        return Response(_kept("statistics", query, lambda: {**_totals(query), **_top()}))


class AnalyticsOf(Reading):
    @operation(Analytics, needs=READ, query=BinsQuery)
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Conversations by the hour or day in which they were last active.

        Of a longer range the latest 750 hours or days.
        """
        return Response(_kept("analytics", query, lambda: _analytics(query)))


def _kept(name: str, query: dict[str, Any], make: Any) -> Any:
    asked = ":".join(f"{key}={value}" for key, value in sorted(query.items()))
    return cache.get_or_set(f"{name}:{asked}", make, KEPT)


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


def _analytics(query: dict[str, Any]) -> dict[str, Any]:
    size = BINS[query["window"]]
    last = int(min(query.get("end", timezone.now().timestamp()), timezone.now().timestamp() + DAY) // size)
    first = max(int(query.get("start", 0) // size), last - MOST_BINS + 1)
    end = query.get("end", (last + 1.0) * size)
    rows = _within({"start": max(query.get("start", 0.0), first * size), "end": end})
    counted = (
        rows.annotate(bin=Floor(F("latest_event_time") / float(size))).values("bin").annotate(**SUMS).order_by("bin")
    )
    bins = [{**row, "start": row.pop("bin") * float(size)} for row in counted]
    return {"window": size, "start": first * float(size), "end": end, "bins": bins}

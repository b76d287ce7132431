"""When conversations were last active, by the hour and by the day: a plot of what arrives.

Counting events by time would need an index that every event pays for; conversations have one on their latest event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format

from rasax.conversations.wording import moment

COUNTED = 200_000  # the newest; walked along their index in a twentieth of a second
HOURS, DAYS = 48, 30
HEIGHT = 96  # of the plot, in its own units


class Bar(NamedTuple):
    label: str
    n: int
    x: int
    y: int
    height: int


class Plot(NamedTuple):
    bars: list[Bar]
    most: int
    first: str
    last: str


class Activity(NamedTuple):
    hours: Plot
    days: Plot
    counted: int
    cut: bool


def activity(now: datetime | None = None) -> Activity:
    now = timezone.localtime(now)
    first_day = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    by_hour = _by_hour(first_day.timestamp(), now.timestamp())
    counted = sum(by_hour.values())
    hours = [now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=n) for n in reversed(range(HOURS))]
    days = [first_day.date() + timedelta(days=n) for n in range(DAYS)]
    by_day = Counter[object]()
    for hour, count in by_hour.items():
        by_day[moment(hour * 3600).date()] += count
    return Activity(
        _plot([(_hour_label(hour), by_hour[int(hour.timestamp() // 3600)]) for hour in hours]),
        _plot([(date_format(day, "SHORT_DATE_FORMAT"), by_day[day]) for day in days]),
        counted,
        counted >= COUNTED,
    )


def _by_hour(since: float, until: float) -> Counter[int]:
    """Hours since 1970 and how many conversations were last active in each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CAST(t AS bigint) / 3600, count(*) FROM (SELECT latest_event_time AS t FROM events_conversation"
            " WHERE latest_event_time BETWEEN %s AND %s ORDER BY latest_event_time DESC LIMIT %s) AS newest GROUP BY 1",
            [since, until, COUNTED],
        )
        return Counter(dict(cursor.fetchall()))


def _hour_label(hour: datetime) -> str:
    return f"{date_format(hour, 'SHORT_DATE_FORMAT')} {date_format(hour, 'TIME_FORMAT')}"


def _plot(counts: list[tuple[str, int]]) -> Plot:
    most = max(count for _, count in counts)
    height: Callable[[int], int] = lambda count: -(-count * HEIGHT // most) if most else 0  # noqa: E731
    bars = [
        Bar(label, count, at * 10, HEIGHT - height(count), height(count)) for at, (label, count) in enumerate(counts)
    ]
    return Plot(bars, most, counts[0][0], counts[-1][0])

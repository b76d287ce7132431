"""That something changed, told to browsers: topic names, never content. The page then fetches its own fragment again.

With Redis a notice goes over the channel layer; without, it is a row that the web process watches for. Either way it
goes out only if the transaction commits. Losing one is harmless: pages also look again on their own now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from threading import Event as Flag
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.core import signing
from django.db import Error, connection, transaction
from django.utils import timezone

from events.monitoring import metrics
from events.outage import Outage

GROUP = "live"
CONVERSATIONS = "conversations"
WATCH_EVERY = 0.2  # seconds
REMEMBERED = timedelta(seconds=10)
SENT_WITHIN = 1.0  # seconds
REDIS = Outage("Redis, for live updates,")
TICKETS, TICKET_COUNTS = "events.live", timedelta(hours=24)

log = structlog.get_logger(__name__)


def conversation_topic(pk: int) -> str:
    return f"conversation:{pk}"


def ticket(topic: str) -> str:
    """Lets whoever shows it hear of this topic, and of no other."""
    return signing.dumps(topic, salt=TICKETS)


def topic_of(ticket: str) -> str | None:
    try:
        topic = signing.loads(ticket, salt=TICKETS, max_age=TICKET_COUNTS)
    except signing.BadSignature:
        return None
    return str(topic)


def announce(topics: Iterable[str]) -> None:
    """Tells the browsers that watch one of these topics that it changed, once the transaction commits."""
    names = sorted(topics)
    if settings.REDIS_URL:
        transaction.on_commit(partial(_send, names))
    else:
        _leave_notice(names)


def _send(topics: list[str]) -> None:
    """In vain while Redis does not answer: what was kept is kept, and who kept it must not wait for that."""
    if REDIS.lasts():
        metrics.NOTICES_LOST.inc()
        return
    notice = {"type": "changed", "topics": topics}
    try:
        async_to_sync(_send_soon)(notice)
    except Exception as error:  # noqa: BLE001 - whatever Redis's driver raises
        metrics.NOTICES_LOST.inc()
        REDIS.began(str(error) or type(error).__name__)
    else:
        REDIS.ended()


async def _send_soon(notice: dict[str, Any]) -> None:
    await asyncio.wait_for(get_channel_layer().group_send(GROUP, notice), SENT_WITHIN)


def try_out() -> None:
    """Raises what the channel layer raises where nothing can be told over it."""

    async def there_and_back() -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel("doctor")
        await layer.send(channel, {"type": "changed", "topics": []})
        await layer.receive(channel)

    async_to_sync(there_and_back)()


def _leave_notice(topics: list[str]) -> None:
    from events.models import Notice

    Notice.objects.filter(at__lt=timezone.now() - 6 * REMEMBERED).delete()
    Notice.objects.create(topics=topics)


async def listen(tell: Callable[[list[str]], None]) -> None:
    """Calls `tell` with the topics of every notice that comes over the channel layer, until cancelled."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    try:
        while True:
            message = await layer.receive(channel)
            tell(message["topics"])
    finally:
        await layer.group_discard(GROUP, channel)


def watch(tell: Callable[[list[str]], None], stop: Flag) -> None:
    """Calls `tell` with the topics of every notice that another process leaves in the database, until `stop`; at first
    also of those of the last seconds, since the browser for which this begins may have looked before they came."""
    seen: set[int] = set()
    version: int | None = None
    while not stop.wait(WATCH_EVERY):
        try:
            before, version = version, _data_version()
            if version is not None and version == before:
                continue
            notices = _notices()
        except Error as error:
            log.warning("live updates pause: the database does not answer", error=error)
            connection.close()
            continue
        for pk in sorted(notices.keys() - seen):
            tell(notices[pk])
        seen = set(notices)
    connection.close()


def _data_version() -> int | None:
    """A number that SQLite changes when another connection commits; elsewhere None: look each time."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def _notices() -> dict[int, list[str]]:
    """By id, those of the last seconds. Not "id greater than the last": ids are taken before the commit."""
    from events.models import Notice

    return dict(Notice.objects.filter(at__gt=timezone.now() - REMEMBERED).values_list("pk", "topics"))

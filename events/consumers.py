"""The WebSocket at /api/ws: a browser names topics, and hears their names again when they change."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings

from events import live
from events.monitoring import metrics

MAX_TOPICS = 200
NOT_ALLOWED = 4403


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """In: `{"subscribe": ["conversations", "conversation:7"]}`. Out: `{"changed": ["conversation:7"]}`.

    Who may not read conversations hears of the one topic for which they show a ticket (`?ticket=`).
    """

    channel_layer_alias = ""  # none: the switchboard listens once for all, and a socket outlives Redis
    topics: frozenset[str] = frozenset()
    only: frozenset[str] | None = None  # None: whatever is asked for

    async def connect(self) -> None:
        ticket = parse_qs(self.scope["query_string"].decode(errors="replace")).get("ticket", [""])[0]
        topic = live.topic_of(ticket) if ticket else None
        user = self.scope["user"]
        if topic:
            self.only = frozenset({topic})
        elif not await database_sync_to_async(user.has_perm)("events.view_conversation"):
            await self.close(NOT_ALLOWED)
            return
        await self.accept()
        switchboard().add(self)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        topics = content.get("subscribe") if isinstance(content, dict) else None
        if isinstance(topics, list):
            asked = frozenset(topic for topic in topics[:MAX_TOPICS] if isinstance(topic, str))
            self.topics = asked if self.only is None else asked & self.only

    async def disconnect(self, code: int) -> None:
        switchboard().remove(self)

    async def changed(self, topics: frozenset[str]) -> None:
        if mine := topics & self.topics:
            await self.send_json({"changed": sorted(mine)})

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        try:
            return await super().decode_json(text_data)
        except ValueError:
            return None


class Switchboard:
    """Hears every notice once a process and passes it to the sockets that asked for its topics."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.sockets: set[LiveConsumer] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        if settings.REDIS_URL:
            self._keep(self._listen())
        else:
            threading.Thread(target=live.watch, args=(self._tell_from_thread, threading.Event()), daemon=True).start()

    def add(self, socket: LiveConsumer) -> None:
        self.sockets.add(socket)
        metrics.SOCKETS.set(len(self.sockets))

    def remove(self, socket: LiveConsumer) -> None:
        self.sockets.discard(socket)
        metrics.SOCKETS.set(len(self.sockets))

    def tell(self, topics: list[str]) -> None:
        changed = frozenset(topics)
        for socket in list(self.sockets):
            if changed & socket.topics:
                self._keep(socket.changed(changed))

    def _tell_from_thread(self, topics: list[str]) -> None:
        self.loop.call_soon_threadsafe(self.tell, topics)

    async def _listen(self) -> None:
        while True:
            try:
                await live.listen(self.tell)
            except Exception as error:  # noqa: BLE001 - whatever its driver raises, live updates must come back
                live.log.warning("live updates pause: Redis does not answer", error=error)
                await asyncio.sleep(1)

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)  # the event loop itself holds tasks weakly
        task.add_done_callback(self.tasks.discard)


_switchboards: dict[asyncio.AbstractEventLoop, Switchboard] = {}


def switchboard() -> Switchboard:
    loop = asyncio.get_running_loop()
    if loop not in _switchboards:
        _switchboards[loop] = Switchboard()
    return _switchboards[loop]

"""Goes on in memory while a tracker store fails, and says so; Rasa's documentation, "Tracker Stores"."""

from __future__ import annotations

import logging
from itertools import chain, islice
from typing import Any, Callable, Iterable, Iterator, Sequence

from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import PAGE_SIZE, Page, Stored, TrackerStore
from trackers.stores.memory import InMemoryTrackerStore

logger = logging.getLogger(__name__)


class FailSafeTrackerStore(TrackerStore):
    """Wraps `store`. What was said during an outage is kept in `fallback`, and saved to `store` once it works again.

    `on_tracker_store_error` is called with each error instead of logging it.
    """

    def __init__(
        self,
        store: AppendingTrackerStore,
        on_tracker_store_error: Callable[[Exception], None] | None = None,
        fallback: AppendingTrackerStore | None = None,
    ) -> None:
        self.store = store
        self.fallback = fallback or InMemoryTrackerStore()
        self._tell = on_tracker_store_error or self._log
        super().__init__(store.domain, store.event_broker)

    @property
    def domain(self) -> Any:
        return self.store.domain

    @domain.setter
    def domain(self, domain: Any) -> None:
        self.store.domain = domain
        self.fallback.domain = domain

    async def save(self, tracker: Any) -> None:
        try:
            await self.store.save(tracker)
        except Exception as error:  # noqa: BLE001 - whatever the store raises, the conversation goes on
            self._tell(error)
            await self.fallback.save(tracker)

    async def retrieve(self, sender_id: str) -> Any:
        try:
            await self._bring_home(sender_id)
            return await self.store.retrieve(sender_id)
        except Exception as error:  # noqa: BLE001
            self._tell(error)
            return await self.fallback.retrieve(sender_id)

    async def retrieve_full_tracker(self, sender_id: str) -> Any:
        try:
            await self._bring_home(sender_id)
            return await self.store.retrieve_full_tracker(sender_id)
        except Exception as error:  # noqa: BLE001
            self._tell(error)
            return await self.fallback.retrieve_full_tracker(sender_id)

    async def exists(self, sender_id: str) -> bool:
        return await self.retrieve(sender_id) is not None

    async def delete(self, sender_id: str) -> bool:
        """Raises what the store raises: nobody may believe that a conversation is gone while it is not."""
        there = await self.fallback.delete(sender_id)
        return await self.store.delete(sender_id) or there

    async def keys(self) -> Iterable[str]:
        try:
            keys = iter(await self.store.keys())
            return chain(list(islice(keys, 1)), keys)  # a lazy one fails when the first is asked for
        except Exception as error:  # noqa: BLE001
            self._tell(error)
            return await self.fallback.keys()

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        return self.store.pages(after, size)

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        return self.store.read(sender_ids)

    def close(self) -> None:
        self.store.close()

    async def _bring_home(self, sender_id: str) -> None:
        tracker = await self.fallback.retrieve_full_tracker(sender_id)
        if tracker is not None:
            await self.store.save(tracker)
            await self.fallback.delete(sender_id)

    def _log(self, error: Exception) -> None:
        logger.error(
            "%s failed (%s). Conversations are kept by %s until it works again; mend it soon.",
            type(self.store).__name__, error, type(self.fallback).__name__,
        )  # fmt: skip

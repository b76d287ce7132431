"""A store that fails: the conversation goes on in memory, and comes home."""

import asyncio
from typing import Any

import pytest

from events.brokers.memory import InMemoryEventBroker
from tests.trackers.conversations import user
from trackers.stores import TrackerStoreUnavailable
from trackers.stores.failsafe import FailSafeTrackerStore
from trackers.stores.memory import InMemoryTrackerStore


class Flaky(InMemoryTrackerStore):
    fails = False

    def _maybe_fail(self) -> None:
        if self.fails:
            raise TrackerStoreUnavailable("Redis at db.example: connection refused")

    def read(self, sender_ids: Any) -> Any:
        self._maybe_fail()
        return super().read(sender_ids)

    def append(self, tracker: Any, events: Any, version: Any) -> Any:
        self._maybe_fail()
        return super().append(tracker, events, version)

    def pages(self, *args: Any, **kwargs: Any) -> Any:
        self._maybe_fail()
        return super().pages(*args, **kwargs)


async def say(store: FailSafeTrackerStore, text: str, at: float) -> None:
    tracker = await store.get_or_create_tracker("ann", append_action_listen=False)
    tracker.update(user(text, timestamp=at))
    await store.save(tracker)


def texts(store: Any) -> list[str]:
    return [event["text"] for event in store.sync.retrieve_full_tracker("ann").events]


def test_a_conversation_survives_an_outage_and_comes_home(caplog: Any) -> None:
    flaky = Flaky()
    store = FailSafeTrackerStore(flaky)

    async def talk() -> None:
        await say(store, "before", 1.0)
        flaky.fails = True
        await say(store, "during", 2.0)
        await say(store, "still", 3.0)
        assert (await store.retrieve("ann")).latest_message["text"] == "still"
        flaky.fails = False
        await say(store, "after", 4.0)

    asyncio.run(talk())
    assert texts(flaky) == ["before", "during", "still", "after"]
    assert list(store.fallback.sync.keys()) == []  # type: ignore[attr-defined]
    assert "Flaky failed (Redis at db.example: connection refused)" in caplog.text
    assert "kept by InMemoryTrackerStore until it works again" in caplog.text


def test_a_save_that_fails_in_the_middle_of_a_turn_loses_nothing() -> None:
    flaky = Flaky()
    store = FailSafeTrackerStore(flaky)

    async def talk() -> None:
        tracker = await store.create_tracker("ann", append_action_listen=False)
        for number in range(6):
            flaky.fails = number in (2, 3)
            tracker.update(user(f"{number}", timestamp=float(number)))
            await store.save(tracker)
        await store.retrieve("ann")

    asyncio.run(talk())
    assert sorted(texts(flaky)) == [f"{number}" for number in range(6)]


def test_the_error_can_be_told_to_somebody_else() -> None:
    flaky = Flaky()
    flaky.fails = True
    told: list[Exception] = []
    store = FailSafeTrackerStore(flaky, told.append)
    asyncio.run(say(store, "hi", 1.0))
    assert isinstance(told[0], TrackerStoreUnavailable)


def test_keys_fall_back_as_well() -> None:
    flaky = Flaky()
    store = FailSafeTrackerStore(flaky, lambda error: None)

    async def keys() -> list[str]:
        return list(await store.keys())

    asyncio.run(say(store, "hi", 1.0))
    assert asyncio.run(keys()) == ["ann"]
    flaky.fails = True
    assert asyncio.run(keys()) == []


def test_deleting_never_pretends() -> None:
    flaky = Flaky()
    store = FailSafeTrackerStore(flaky, lambda error: None)
    asyncio.run(say(store, "hi", 1.0))
    assert asyncio.run(store.delete("ann"))
    assert not asyncio.run(store.exists("ann"))
    flaky.remove = flaky.read  # type: ignore[method-assign,assignment]
    flaky.fails = True
    with pytest.raises(TrackerStoreUnavailable):
        asyncio.run(store.delete("ann"))


def test_events_are_published_though_the_store_fails() -> None:
    broker = InMemoryEventBroker()
    flaky = Flaky(event_broker=broker)
    store = FailSafeTrackerStore(flaky, lambda error: None)

    async def talk() -> None:
        await say(store, "before", 1.0)
        tracker = await store.retrieve("ann")
        tracker.update(user("during", timestamp=2.0))
        flaky.fails = True
        await store.save(tracker)

    asyncio.run(talk())
    assert len(broker.receive()) == 2

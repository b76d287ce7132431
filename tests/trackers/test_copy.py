"""`manage.py copy_tracker_store`: any tracker store to any other, without writing anything twice."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.core.management.base import CommandError

from events.endpoints import read_endpoints
from events.models import BrokerPosition, Conversation, Event
from tests.rasa import recorded
from tests.servers.mongo import MongoMock
from tests.servers.sharing import shared_server
from tests.trackers.conftest import add_rows, run
from tests.trackers.conversations import recorded_conversations, recorded_rows, user
from tests.trackers.test_import import OwnTrackerStore
from trackers import stores
from trackers.stores import ConversationTooLarge, TrackerStoreUnavailable
from trackers.stores.memory import InMemoryTrackerStore
from trackers.tracker import DialogueStateTracker

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "tests.trackers.test_copy."


def copy(source: Path, target: Path, *options: str) -> str:
    told, _ = run("copy_tracker_store", source, target, *options)
    return told


def open_store(path: Path) -> Any:
    section = read_endpoints(path).tracker_store
    assert section is not None
    return stores.create(section)


def all_events(path: Path) -> dict[str, list[Any]]:
    store = open_store(path)
    ids = [sender_id for page in store.pages() for sender_id in page.sender_ids]
    found = {stored.sender_id: stored.events for stored in store.read(ids)}
    store.close()
    return found


class KeepingTrackerStore(InMemoryTrackerStore):
    """Conversations that outlive the object; it notes what is written."""

    kept: ClassVar[dict[str, list[str]]] = {}
    written: ClassVar[list[tuple[str, int]]] = []

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._texts = self.kept

    def append(self, tracker: Any, events: Any, version: Any) -> Any:
        self.written.append((tracker.sender_id, len(events)))
        return super().append(tracker, events, version)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    KeepingTrackerStore.kept.clear()
    KeepingTrackerStore.written.clear()
    SavingTrackerStore.saved.clear()


@pytest.fixture
def keeping(endpoints: Any) -> Path:
    return endpoints(type=HERE + "KeepingTrackerStore")


@pytest.fixture
def mongo(server_addresses: Path, endpoints: Any) -> Iterator[Path]:
    with shared_server(MongoMock, server_addresses) as server:
        yield endpoints(type="mongod", url=server.url, db=f"copies_{uuid4().hex[:8]}")


@pytest.mark.parametrize("kind", ["sqlite", "redis", "mongo", "keeping"])
def test_a_copy_has_the_same_events_in_the_same_order(
    kind: str, request: Any, sqlite_store: Any, endpoints: Any, tmp_path: Path
) -> None:
    if kind == "sqlite":
        target = endpoints(type="SQL", db=str(tmp_path / "copy.db"))
    elif kind == "redis":
        target = endpoints(**request.getfixturevalue("redis_section"))
    else:
        target = request.getfixturevalue(kind)
    assert "Copied 246 events of 6 conversations" in copy(sqlite_store[0], target)
    assert all_events(target) == recorded_conversations()
    assert "Copied 0 events of 6 conversations" in (told := copy(sqlite_store[0], target))
    assert "246 were there already" in told
    assert all_events(target) == recorded_conversations()
    back = endpoints(type="SQL", db=str(tmp_path / "back.db"))
    copy(target, back)
    assert all_events(back) == recorded_conversations()


def test_a_copy_from_table_to_table_has_the_same_texts(sqlite_store: Any, endpoints: Any, tmp_path: Path) -> None:
    copy(sqlite_store[0], endpoints(type="SQL", db=str(tmp_path / "copy.db")))
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        rows = connection.execute("SELECT sender_id, data FROM events ORDER BY sender_id, id").fetchall()
    assert rows == sorted(recorded_rows(), key=lambda row: row[0])


def test_mongo_gets_the_state_that_the_events_lead_to(sqlite_store: Any, mongo: Path) -> None:
    copy(sqlite_store[0], mongo)
    document = open_store(mongo)._conversations.find_one({"sender_id": "v3pika-form"})
    tracker = DialogueStateTracker.from_events("v3pika-form", recorded_conversations()["v3pika-form"])
    assert document["slots"] == tracker.current_slot_values()


def test_only_what_is_missing_is_written_and_nothing_is_changed(sqlite_store: Any, keeping: Path) -> None:
    copy(sqlite_store[0], keeping, "--conversation-ids=v3pika-form")
    texts = KeepingTrackerStore.kept["v3pika-form"]
    own = json.dumps(user("only here", timestamp=1.0))
    texts[:] = [*texts[:3], own, *texts[5:]]
    KeepingTrackerStore.written.clear()
    copy(sqlite_store[0], keeping)
    assert dict(KeepingTrackerStore.written)["v3pika-form"] == 2
    assert len(KeepingTrackerStore.written) == 6
    assert texts[3] == own


def test_rasax_is_a_source(endpoints: Any, keeping: Path) -> None:
    Conversation.objects.record(recorded())
    copy(endpoints(type="rasax"), keeping, "--threads=1")
    for sender_id, events in recorded_conversations().items():
        in_order = sorted(events, key=lambda event: event["timestamp"])
        assert [json.loads(text) for text in KeepingTrackerStore.kept[sender_id]] == in_order


def test_rasax_is_a_target(sqlite_store: Any, endpoints: Any) -> None:
    assert "Copied 246 events" in copy(sqlite_store[0], endpoints(type="rasax"), "--threads=1")
    assert sorted(Event.objects.values_list("data", flat=True)) == sorted(m.body.decode() for m in recorded())
    assert "Copied 0 events" in copy(sqlite_store[0], endpoints(type="rasax"), "--threads=1")


def test_threads_write_to_rasax_beside_each_other(sqlite_store: Any, endpoints: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("trackers.moving.selection.PAGE_SIZE", 1)
    assert "Copied 246 events" in copy(sqlite_store[0], endpoints(type="rasax"), "--threads=3")
    assert Event.objects.count() == 246


class SavingTrackerStore(OwnTrackerStore):
    """Somebody's own, which can only save a whole tracker."""

    saved: ClassVar[dict[str, Any]] = {}

    async def keys(self) -> list[str]:
        return list(self.saved)

    async def retrieve(self, sender_id: str) -> Any:
        return self.saved.get(sender_id)

    async def save(self, tracker: Any) -> None:
        assert tracker.sender_id not in self.saved
        self.saved[tracker.sender_id] = tracker


def test_a_store_of_somebody_s_own_is_saved_to_once(sqlite_store: Any, endpoints: Any) -> None:
    own = endpoints(type=HERE + "SavingTrackerStore")
    for _ in range(2):
        copy(sqlite_store[0], own)
    assert {
        name: list(tracker.events) for name, tracker in SavingTrackerStore.saved.items()
    } == recorded_conversations()


class RefusingTrackerStore(KeepingTrackerStore):
    broken: ClassVar[bool] = False

    def append(self, tracker: Any, events: Any, version: Any) -> Any:
        if tracker.sender_id == "v3pika-rem":
            raise ConversationTooLarge("the conversation 'v3pika-rem' would be larger than 16 MB")
        if self.broken and tracker.sender_id == "v3pika-stopform":
            raise TrackerStoreUnavailable("MongoDB at example: gone")
        return super().append(tracker, events, version)


def test_conversations_that_cannot_be_read_or_kept_are_named(sqlite_store: Any, endpoints: Any) -> None:
    path, database = sqlite_store
    add_rows(database, [("broken", "{")])
    told = copy(path, endpoints(type=HERE + "RefusingTrackerStore"))
    assert "of 7 conversations" in told
    assert "Skipped 2 conversations:\n" in told
    assert "  v3pika-rem: the conversation 'v3pika-rem' would be larger than 16 MB\n" in told
    assert "  broken: the conversation 'broken': event 1 is not JSON" in told
    assert len(KeepingTrackerStore.kept) == 5


def test_a_copy_that_failed_goes_on_where_it_was(sqlite_store: Any, endpoints: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("trackers.moving.selection.PAGE_SIZE", 1)
    monkeypatch.setattr(RefusingTrackerStore, "broken", True)
    target = endpoints(type=HERE + "RefusingTrackerStore")
    with pytest.raises(CommandError, match=r"The copy stopped: MongoDB at example: gone\. Run the same command"):
        copy(sqlite_store[0], target, "--threads=1")
    monkeypatch.setattr(RefusingTrackerStore, "broken", False)
    KeepingTrackerStore.written.clear()
    told, meanwhile = run("copy_tracker_store", sqlite_store[0], target)
    assert "Going on after 4 conversations" in meanwhile
    assert "v3pika-rem: " in told  # of the first run
    assert sorted(name for name, _ in KeepingTrackerStore.written) == ["v3pika-stopform", "v3pika-trig"]
    assert not BrokerPosition.objects.exists()


def test_since_and_until_choose_events(sqlite_store: Any, keeping: Path) -> None:
    copy(sqlite_store[0], keeping, "--until=1600000000")
    events = [json.loads(text) for texts in KeepingTrackerStore.kept.values() for text in texts]
    assert events
    assert all(event["timestamp"] < 1_600_000_000 for event in events)
    assert all(KeepingTrackerStore.kept.values())


def test_a_store_is_not_copied_to_itself(sqlite_store: Any) -> None:
    with pytest.raises(CommandError, match="the same tracker store"):
        copy(sqlite_store[0], sqlite_store[0])


def test_threads_below_one_are_refused(sqlite_store: Any, keeping: Path) -> None:
    with pytest.raises(CommandError, match="at least 1"):
        copy(sqlite_store[0], keeping, "--threads=0")

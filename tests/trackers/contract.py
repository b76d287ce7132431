"""What every tracker store must do. A backend's test is a short subclass that says how to open it."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.brokers.memory import InMemoryEventBroker
from tests.trackers.conversations import action, bot, recorded_conversations, session, slot, user
from trackers.stores.base import ConversationUnreadable, Event
from trackers.tracker import DialogueStateTracker

CONTENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENTS = st.lists(
    st.one_of(
        st.builds(slot, st.sampled_from(["city", "size"]), CONTENTS),
        st.builds(user, st.text(st.characters(exclude_categories=["Cs"]), max_size=10)),
        st.builds(bot, st.text(st.characters(exclude_categories=["Cs"]), max_size=10)),
        st.builds(action, st.sampled_from(["utter_x", "action_listen", "action_session_start"])),
        st.sampled_from(["session_started", "restart", "rewind", "undo", "pause", "flow_started"]).map(
            lambda name: {"event": name}
        ),
    ),
    max_size=25,
)


def stamped(events: list[Event]) -> list[Event]:
    """Two of the same second are told apart by their content or, like here, by their time."""
    return [
        {
            "event": event["event"],
            "timestamp": 1795312549.25 + number / 4,
            **{k: v for k, v in event.items() if k not in ("event", "timestamp")},
        }
        for number, event in enumerate(events)
    ]


class TrackerStoreContract:
    """`open_store(**overrides)` is a new store object on the same data each time."""

    @pytest.fixture
    def open_store(self) -> Any:
        raise NotImplementedError

    @pytest.fixture
    def store(self, open_store: Any) -> Any:
        return open_store()

    def test_an_unknown_conversation_is_none(self, store: Any) -> None:
        assert store.sync.retrieve("nobody") is None
        assert store.sync.retrieve_full_tracker("nobody") is None
        assert not store.sync.exists("nobody")

    def test_a_recorded_conversation_comes_back(self, store: Any) -> None:
        for sender_id, events in recorded_conversations().items():
            store.sync.save(DialogueStateTracker.from_events(sender_id, events))
        for sender_id, events in recorded_conversations().items():
            found = store.sync.retrieve_full_tracker(sender_id)
            assert [store.identity(event) for event in found.events] == [store.identity(event) for event in events]
            assert found.sender_id == sender_id

    def test_another_process_reads_what_one_wrote(self, open_store: Any) -> None:
        open_store().sync.save(DialogueStateTracker.from_events("ann", [user("hi")]))
        assert [event["text"] for event in open_store().sync.retrieve("ann").events] == ["hi"]

    def test_retrieve_gives_the_latest_session(self, store: Any) -> None:
        events = stamped([*session(), user("one"), *session(), user("two"), bot("three")])
        store.sync.save(DialogueStateTracker.from_events("ann", events))
        assert list(store.sync.retrieve("ann").events) == events[3:]
        assert list(store.sync.retrieve_full_tracker("ann").events) == events

    def test_a_save_writes_what_is_new_and_reads_nothing(self, store: Any, monkeypatch: Any) -> None:
        store.sync.save(DialogueStateTracker.from_events("ann", stamped([*session(), user("hi")])))
        tracker = store.sync.retrieve("ann")
        reads, appended = _watch(store, monkeypatch)
        for number in range(3):
            tracker.update(slot("n", number, timestamp=1795312600.0 + number))
            store.sync.save(tracker)
        assert reads == []
        assert [[event["value"] for event in events] for events in appended] == [[0], [1], [2]]

    def test_saving_twice_writes_once(self, store: Any) -> None:
        tracker = DialogueStateTracker.from_events("ann", stamped([user("a"), user("b")]))
        store.sync.save(tracker)
        store.sync.save(tracker)
        assert _texts(store) == ["a", "b"]

    def test_a_tracker_made_anew_adds_only_what_is_missing(self, store: Any) -> None:
        events = stamped([user("a"), user("b"), user("c")])
        store.sync.save(DialogueStateTracker.from_events("ann", events[:2]))
        store.sync.save(DialogueStateTracker.from_events("ann", events))
        assert _texts(store) == ["a", "b", "c"]

    def test_a_tracker_of_one_store_is_new_to_another(self, open_store: Any) -> None:
        events = stamped([user("a"), user("b")])
        first, second = open_store(), open_store()
        first.sync.save(DialogueStateTracker.from_events("ann", events))
        second.sync.save(first.sync.retrieve("ann"))
        assert _texts(first) == ["a", "b"]

    def test_two_writers_lose_nothing_and_repeat_nothing(self, open_store: Any) -> None:
        one, two = open_store(), open_store()
        one.sync.save(DialogueStateTracker.from_events("ann", stamped([user("start")])))
        mine, yours = one.sync.retrieve("ann"), two.sync.retrieve("ann")
        both = user("both", timestamp=1795312560.0)
        mine.update_with_events([both, user("mine", timestamp=1795312561.0)], override_timestamp=False)
        yours.update_with_events([dict(both), user("yours", timestamp=1795312562.0)], override_timestamp=False)
        one.sync.save(mine)
        two.sync.save(yours)
        assert _texts(one) == ["start", "both", "mine", "yours"]

    def test_eight_writers_at_once_lose_nothing_and_repeat_nothing(self, open_store: Any) -> None:
        open_store().sync.save(DialogueStateTracker.from_events("ann", stamped([user("start")])))

        stores = [open_store() for _ in range(8)]
        trackers = [store.sync.retrieve("ann") for store in stores]

        def write(writer: int) -> None:
            store, tracker = stores[writer], trackers[writer]
            for number in range(6):
                tracker.update(user(f"{writer}.{number}", timestamp=1795312600.0 + writer + number / 100))
                tracker.update(user(f"all.{number}", timestamp=1795312700.0 + number))
                store.sync.save(tracker)
            store.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        expected = ["start", *(f"{w}.{n}" for w in [*range(8), "all"] for n in range(6))]
        assert sorted(_texts(open_store())) == sorted(expected)

    def test_eight_first_writers_make_one_conversation(self, open_store: Any) -> None:
        def write(writer: int) -> None:
            store = open_store()
            store.sync.save(DialogueStateTracker.from_events("new", stamped([user("all"), user(f"{writer}")])))
            store.close()

        open_store().sync.exists("new")  # so that the table is there
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert sorted(_texts(open_store(), "new")) == sorted(["all", *map(str, range(8))])

    def test_a_deleted_conversation_is_gone_and_can_begin_again(self, store: Any) -> None:
        tracker = DialogueStateTracker.from_events("ann", stamped([user("a")]))
        store.sync.save(tracker)
        assert store.sync.delete("ann")
        assert not store.sync.delete("ann")
        assert not store.sync.exists("ann")
        tracker.update(user("b", timestamp=1795312600.0))
        store.sync.save(tracker)
        assert _texts(store) == ["b"]

    def test_keys_gives_every_conversation_and_goes_on_from_a_position(self, store: Any) -> None:
        names = {f"user {number} ü" for number in range(25)}
        for name in names:
            store.sync.save(DialogueStateTracker.from_events(name, [user("hi")]))
        assert set(store.sync.keys()) == names
        pages = list(store.pages(size=4))
        assert set().union(*(page.sender_ids for page in pages)) == names
        for number in range(1, len(pages) + 1):
            rest = {key for page in store.pages(pages[number - 1].position, 4) for key in page.sender_ids}
            assert rest == set().union(*(page.sender_ids for page in pages[number:]))

    def test_many_conversations_are_read_at_once(self, store: Any) -> None:
        for number in range(120):
            store.sync.save(DialogueStateTracker.from_events(f"u{number}", stamped([user(f"{number}"), bot("ok")])))
        found = {stored.sender_id: stored for stored in store.read([f"u{n}" for n in range(130)])}
        assert len(found) == 120
        assert [event["text"] for event in found["u77"].events] == ["77", "ok"]
        assert [json.loads(text) for text in found["u77"].texts] == found["u77"].events

    def test_new_events_go_to_the_event_broker_once(self, open_store: Any) -> None:
        broker = InMemoryEventBroker()
        store = open_store(event_broker=broker)
        tracker = store.sync.create_tracker("ann")
        tracker.update(user("hi", timestamp=1795312600.0))
        store.sync.save(tracker)
        store.sync.save(tracker)
        bodies = [json.loads(message.body) for message in broker.receive()]
        assert [(body["sender_id"], body["event"]) for body in bodies] == [("ann", "action"), ("ann", "user")]
        assert next(iter(bodies[0])) == "sender_id"

    def test_a_new_conversation_listens(self, store: Any) -> None:
        tracker = store.sync.get_or_create_tracker("ann")
        assert tracker.latest_action_name == "action_listen"
        assert len(store.sync.get_or_create_tracker("ann").events) == 1

    def test_slots_come_from_the_domain(self, open_store: Any) -> None:
        store = open_store(domain={"slots": {"city": {"type": "text", "initial_value": "Bonn"}}})
        tracker = store.sync.get_or_create_tracker("ann")
        tracker.update(slot("unknown", 1, timestamp=1795312600.0))
        store.sync.save(tracker)
        assert store.sync.retrieve("ann").get_slot("city") == "Bonn"
        assert "unknown" not in store.sync.retrieve("ann").slots

    def test_a_tracker_may_keep_only_its_last_events(self, open_store: Any) -> None:
        store = open_store()
        store.sync.save(DialogueStateTracker.from_events("ann", stamped([user(f"{n}") for n in range(10)])))
        tracker = store.sync.get_or_create_tracker("ann", max_event_history=3)
        assert [event["text"] for event in tracker.events] == ["7", "8", "9"]
        for number in range(10, 15):
            tracker.update(user(f"{number}", timestamp=1795312600.0 + number))
            if number % 2:
                store.sync.save(tracker)
        store.sync.save(tracker)
        assert _texts(open_store()) == [f"{n}" for n in range(15)]

    def test_the_asynchronous_face_is_rasas(self, open_store: Any) -> None:
        async def talk() -> None:
            store = open_store()
            tracker = await store.get_or_create_tracker("ann")
            tracker.update(user("hi", timestamp=1795312600.0))
            await store.save(tracker)
            await asyncio.gather(*(store.get_or_create_tracker(f"u{number}") for number in range(20)))
            assert await store.exists("ann")
            assert (await store.retrieve("ann")).latest_message["text"] == "hi"
            assert len((await store.retrieve_full_tracker("ann")).events) == 2
            assert len(list(await store.keys())) == 21
            assert await store.delete("ann")
            assert not await store.exists("ann")

        asyncio.run(talk())

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(events=EVENTS.map(stamped), cuts=st.lists(st.integers(0, 25), max_size=4), again=st.booleans())
    def test_any_events_in_any_split_come_back(
        self, store: Any, events: list[Event], cuts: list[int], again: bool
    ) -> None:
        sender_id = f"any {uuid4()}"
        tracker = store.init_tracker(sender_id)
        edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
        for start, end in pairwise(edges):
            tracker.update_with_events(events[start:end], override_timestamp=False)
            store.sync.save(tracker)
            tracker = store.sync.retrieve(sender_id) if again else tracker
        found = store.sync.retrieve_full_tracker(sender_id)
        expected = DialogueStateTracker.from_events(sender_id, events)
        assert (list(found.events) if found else []) == events
        assert not found or found.current_state() == expected.current_state()

    def test_a_broken_conversation_is_named_and_the_others_are_read(self, store: Any, break_conversation: Any) -> None:
        for name in ("before", "broken", "later"):
            store.sync.save(DialogueStateTracker.from_events(name, [user(name)]))
        break_conversation("broken")
        read, failed = [], []
        for stored in store.read(["before", "broken", "later"]):
            try:
                read.append(stored.events[0]["text"])
            except ConversationUnreadable as error:
                failed.append(str(error))
        assert sorted(read) == ["before", "later"]
        assert len(failed) == 1
        assert "broken" in failed[0]

    @pytest.fixture
    def break_conversation(self) -> Any:
        pytest.fail("say how this store's data is broken behind its back")


def _texts(store: Any, sender_id: str = "ann") -> list[str]:
    return [event["text"] for event in store.sync.retrieve_full_tracker(sender_id).events]


def _watch(store: Any, monkeypatch: Any) -> tuple[list[Any], list[list[Event]]]:
    """What is read and what is appended from now on."""
    reads: list[Any] = []
    appended: list[list[Event]] = []
    append = store.append
    monkeypatch.setattr(store, "read", lambda sender_ids: reads.append(sender_ids) or iter(()))
    monkeypatch.setattr(store, "read_latest", reads.append)
    monkeypatch.setattr(
        store, "append", lambda tracker, events, version: appended.append(events) or append(tracker, events, version)
    )
    return reads, appended

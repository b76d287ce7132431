import asyncio
import gc
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from events.brokers.base import Message
from events.endpoints import EndpointConfig
from events.models import Conversation, ConversationFacet, Event, Facet, Notice
from rasax.conversations.models import Flag, Note, Review, Tag
from tests.rasa import message, recorded, replied, said
from tests.trackers.contract import TrackerStoreContract
from tests.trackers.conversations import bot, recorded_conversations, recorded_rows, user
from trackers import stores
from trackers.stores import TrackerStoreUnavailable
from trackers.stores.django import DjangoTrackerStore
from trackers.tracker import DialogueStateTracker

# Threads have connections of their own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_connections_of_threads_that_ended() -> Iterator[None]:
    """Python finds them some time later; the test's database is to be dropped before."""
    yield
    gc.collect()


class TestDjangoTrackerStore(TrackerStoreContract):
    @pytest.fixture
    def open_store(self) -> Any:
        return DjangoTrackerStore

    @pytest.fixture
    def break_conversation(self) -> Any:
        return lambda sender_id: Event.objects.filter(conversation__sender_id=sender_id).update(data='{"event": ')

    def test_a_recorded_conversation_comes_back(self, store: Any) -> None:
        """In the order of its times, as rasax keeps it."""
        for sender_id, events in recorded_conversations().items():
            store.sync.save(DialogueStateTracker.from_events(sender_id, events))
            found = store.sync.retrieve_full_tracker(sender_id)
            assert list(found.events) == sorted(events, key=lambda event: event["timestamp"])


def test_endpoints_yml_names_it_rasax() -> None:
    assert isinstance(stores.create(EndpointConfig("rasax")), DjangoTrackerStore)


def test_live_events_are_a_tracker_to_the_byte_as_the_tracker_store_keeps_them() -> None:
    Conversation.objects.record(recorded())
    store = DjangoTrackerStore()
    found = {stored.sender_id: sorted(stored.texts) for stored in store.read([row[0] for row in recorded_rows()])}
    for sender_id, texts in found.items():
        assert texts == sorted(text for owner, text in recorded_rows() if owner == sender_id)
    assert len(found) == 6


@pytest.mark.parametrize(
    "body",
    [
        '{"sender_id": "a\\u00fc", "event": "slot", "timestamp": 1.0, "name": "x", "value": {"sender_id": "aü"}}',
        '{"event": "slot", "timestamp": 1.0, "name": "x", "value": {"sender_id": "aü"}, "sender_id": "a\\u00fc"}',
        '{"event": "slot", "sender_id": "aü", "timestamp": 1.0, "name": "x", "value": {"sender_id": "aü"}}',
        '{ "sender_id":"aü","event":"slot","timestamp":1.0,"name":"x","value":{"sender_id":"aü"}}\n',
    ],
)
def test_a_sender_id_is_taken_off_wherever_it_stands(body: str) -> None:
    Conversation.objects.record([Message(body.encode())])
    [stored] = DjangoTrackerStore().read(["aü"])
    assert stored.events == [{"event": "slot", "timestamp": 1.0, "name": "x", "value": {"sender_id": "aü"}}]
    assert [json.loads(text) for text in stored.texts] == stored.events


def test_a_number_as_sender_id_is_taken_off() -> None:
    Conversation.objects.record([Message(b'{"sender_id": 7, "event": "restart", "timestamp": 1}')])
    [stored] = DjangoTrackerStore().read(["7"])
    assert stored.events == [{"event": "restart", "timestamp": 1}]


def test_an_append_has_the_environment_that_the_store_was_given() -> None:
    DjangoTrackerStore(environment="staging").sync.save(DialogueStateTracker.from_events("ann", [user("hi")]))
    assert list(Facet.objects.filter(kind="environment").values_list("value", flat=True)) == ["staging"]


def test_a_live_event_that_rasa_also_saves_is_kept_once() -> None:
    event = user("hi")
    Conversation.objects.record([Message(json.dumps({"sender_id": "ann", **event}).encode())])
    DjangoTrackerStore().sync.save(DialogueStateTracker.from_events("ann", [event, bot("yes", 1795312550.0)]))
    assert list(Event.objects.in_order().values_list("type", flat=True)) == ["user", "bot"]


def test_the_caller_s_transaction_is_left_open() -> None:
    with transaction.atomic():
        Conversation.objects.record(recorded())
        store = DjangoTrackerStore()
        assert len(list(store.sync.keys())) == 6
        store.close()
        assert Event.objects.count() == 246


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="A file has no server that could end a connection")
def test_an_executor_thread_survives_the_death_of_its_connection() -> None:
    store = DjangoTrackerStore()

    async def talk() -> None:
        await store.save(DialogueStateTracker.from_events("ann", [user("hi")]))
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
        await asyncio.get_running_loop().run_in_executor(None, _execute, f"{kill} AND datname = current_database()")
        for _ in range(3):
            try:
                assert await store.exists("ann")
                return
            except TrackerStoreUnavailable:
                pass
        pytest.fail("the store stays with the dead connection")

    asyncio.run(talk())


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("others", [[], ["b"]])
def test_forgetting_leaves_what_there_would_be_without_these_conversations(alice: Any, others: list[str]) -> None:
    for name in ["a", *others]:
        record_all_kinds(name)
    expected = counts()
    for name in "xy":
        record_all_kinds(name)
        annotate(name, alice)
    notices = Notice.objects.count()
    assert Conversation.objects.filter(sender_id__in="xyz").forget() == 2
    assert {key: n for key, n in counts().items() if n} == expected
    assert not Conversation.objects.filter(sender_id__in="xy").exists()
    assert Event.objects.count() == 4 * (1 + len(others))
    assert ConversationFacet.objects.count() == sum(expected.values())
    assert not (Review.objects.exists() or Flag.objects.exists() or Note.objects.exists())
    assert Notice.objects.count() == notices + 1


def record_all_kinds(name: str) -> None:
    Conversation.objects.record(
        [
            said("hi", sender_id=name, timestamp=1.0, entities=[{"entity": "city"}]),
            replied("hello", sender_id=name, metadata={"model_id": "m"}),
            message(name, "slot", 3.0, name="city", value="Rome"),
            message(name, "action", 4.0, name="utter_greet", policy="RulePolicy"),
        ]
    )


def annotate(name: str, by: Any) -> None:
    conversations = Conversation.objects.filter(sender_id=name)
    conversation = conversations.get()
    Tag.objects.called("billing").put_on(conversations, by)
    Review.objects.mark(conversations, "reviewed", by)
    Flag.objects.put_on(conversation.events.in_order()[0], by)
    Note.objects.write(conversation, "look", by, conversation.events.in_order()[0])


def counts() -> dict[tuple[str, str], int]:
    return {(kind, value): n for kind, value, n in Facet.objects.values_list("kind", "value", "n_conversations")}


def test_an_event_that_comes_while_its_conversation_is_forgotten_begins_it_anew() -> None:
    Conversation.objects.record([said("old", sender_id=name) for name in "abc"])
    recorder = threading.Thread(
        target=record_and_close, args=([said("new", sender_id=n, timestamp=9.0) for n in "abc"],)
    )
    with transaction.atomic():
        Conversation.objects.filter(sender_id="b").forget()
        recorder.start()
        recorder.join(0.5)
        assert recorder.is_alive()  # it waits for the row
    recorder.join(10)
    assert [stored.events[0]["text"] for stored in DjangoTrackerStore().read(["b"])] == ["new"]
    assert Facet.objects.get(kind="intent", value="greet").n_conversations == 3


def record_and_close(messages: list[Message]) -> None:
    Conversation.objects.record(messages)
    connection.close()

"""With TEST_MONGODB_URL on that server, in databases of its own; else on mongomock behind the real driver."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from bson.objectid import ObjectId

from tests.rasa import PAYLOADS
from tests.servers.mongo import MongoMock
from tests.servers.sharing import shared_server
from tests.trackers.contract import TrackerStoreContract, stamped
from tests.trackers.conversations import bot, session, slot, user
from trackers.stores import (
    ConversationTooLarge,
    ConversationUnreadable,
    TrackerStoreMisconfigured,
    TrackerStoreUnavailable,
)
from trackers.stores.mongo import LATEST, MongoTrackerStore
from trackers.tracker import DialogueStateTracker

RECORDED = json.loads((PAYLOADS / "rasa_3_6_mongo_store.json").read_text())
SLOTS = {
    name: {"type": "any", "initial_value": value}
    for name, value in RECORDED["saves"][0]["state"]["slots"].items()
    if name != "session_started_metadata"
}


@pytest.fixture(scope="session")
def mongo_url(server_addresses: Path) -> Iterator[str]:
    if "TEST_MONGODB_URL" in os.environ:
        yield os.environ["TEST_MONGODB_URL"]
    else:
        with shared_server(MongoMock, server_addresses) as server:
            yield server.url


@pytest.fixture
def database(mongo_url: str) -> Iterator[Any]:
    with pymongo.MongoClient[Any](mongo_url) as client:
        name = f"test_{uuid4().hex[:12]}"
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def documents(database: Any) -> Any:
    return database["conversations"]


@pytest.fixture
def open_store(mongo_url: str, database: Any) -> Iterator[Any]:
    opened = []

    def open_store(**overrides: Any) -> MongoTrackerStore:
        opened.append(MongoTrackerStore(**{"host": mongo_url, "db": database.name, **overrides}))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


class TestMongoTrackerStore(TrackerStoreContract):
    @pytest.fixture
    def open_store(self, open_store: Any) -> Any:
        return open_store

    @pytest.fixture
    def break_conversation(self, documents: Any) -> Any:
        return lambda sender_id: documents.update_one({"sender_id": sender_id}, {"$set": {"events": "none"}})


def tracker(sender_id: str, *texts: str) -> Any:
    return DialogueStateTracker.from_events(sender_id, stamped([user(text) for text in texts]))


def texts(store: Any, sender_id: str) -> list[str]:
    return [event["text"] for event in store.sync.retrieve_full_tracker(sender_id).events]


def without_id(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "_id"}


def test_a_recorded_store_is_read_to_the_same_events(documents: Any, open_store: Any) -> None:
    for document in RECORDED["documents"]:
        documents.insert_one({**without_id(document), "_id": ObjectId(document["_id"]["$oid"])})
    store = open_store()
    keys = list(store.sync.keys())
    assert keys == sorted(document["sender_id"] for document in RECORDED["documents"])
    read = {stored.sender_id: list(stored.texts) for stored in store.read(keys)}
    for document in RECORDED["documents"]:
        assert read[document["sender_id"]] == [json.dumps(event) for event in document["events"]]


def test_every_save_writes_what_rasas_wrote(documents: Any, open_store: Any) -> None:
    store = open_store(domain={"slots": SLOTS})
    trackers: dict[str, Any] = {}
    recorded = {document["sender_id"]: document for document in RECORDED["documents"]}
    for save in RECORDED["saves"]:
        sender_id = save["sender_id"]
        mine = trackers.setdefault(sender_id, store.init_tracker(sender_id))
        known = len(mine.events)
        events = recorded[sender_id]["events"][: known + save["events"]]
        mine.update_with_events(events[known:], override_timestamp=False)
        store.sync.save(mine)
        assert without_id(documents.find_one({"sender_id": sender_id})) == {**save["state"], "events": events}
    assert sorted(map(without_id, documents.find()), key=str) == sorted(map(without_id, recorded.values()), key=str)


def test_the_index_is_rasas(documents: Any, open_store: Any) -> None:
    open_store().sync.save(tracker("ann", "hi"))
    made = {name: dict(index["key"]) for name, index in documents.index_information().items()}
    assert made == {index["name"]: index["key"] for index in RECORDED["indexes"]}


def test_a_conversation_that_rasa_began_goes_on_in_its_own_document(documents: Any, open_store: Any) -> None:
    name = documents.insert_one({"sender_id": "ann", "events": [user("a")], "note": "kept"}).inserted_id
    store = open_store()
    mine = store.sync.retrieve("ann")
    mine.update(user("b", timestamp=1795312600.0))
    store.sync.save(mine)
    [document] = documents.find()
    assert (document["_id"], document["note"], len(document["events"])) == (name, "kept", 2)


@pytest.mark.parametrize("kept", [{}, {"events": []}])
def test_a_conversation_without_events_goes_on(documents: Any, open_store: Any, kept: dict[str, Any]) -> None:
    documents.insert_one({"sender_id": "ann", **kept})
    open_store().sync.save(tracker("ann", "a", "b"))
    assert documents.count_documents({}) == 1
    assert texts(open_store(), "ann") == ["a", "b"]


def test_a_sender_id_that_was_a_number_is_found_and_becomes_text(documents: Any, open_store: Any) -> None:
    documents.insert_one({"sender_id": 900719925474099312, "events": [user("a")]})
    documents.insert_one({"sender_id": 7.0, "events": [user("seven")]})
    store = open_store()
    assert [page.sender_ids for page in store.pages(size=1)] == [["7"], ["900719925474099312"]]
    assert store.sync.retrieve("007") is None
    mine = store.sync.retrieve("900719925474099312")
    mine.update(user("b", timestamp=1795312600.0))
    store.sync.save(mine)
    assert texts(store, "900719925474099312") == ["a", "b"]
    assert documents.count_documents({"sender_id": "900719925474099312"}) == 1
    pages = list(store.pages(size=1))
    assert [page.sender_ids for page in store.pages(pages[0].position)] == [["900719925474099312"]]
    store.sync.save(tracker("7", "more"))
    assert texts(store, "7") == ["seven", "more"]
    assert store.sync.delete("7")
    assert documents.count_documents({}) == 1


def test_of_two_documents_for_one_sender_id_the_first_goes_on(documents: Any, open_store: Any) -> None:
    documents.insert_many(
        [{"sender_id": "ann", "events": [user("first")]}, {"sender_id": "ann", "events": [user("2")]}]
    )
    store = open_store()
    assert [page.sender_ids for page in store.pages()] == [["ann"]]
    mine = store.sync.retrieve("ann")
    mine.update(user("b", timestamp=1795312600.0))
    store.sync.save(mine)
    assert texts(store, "ann") == ["first", "b"]
    assert [len(stored.events) for stored in store.read(["ann"])] == [2]
    assert store.sync.delete("ann")
    assert not store.sync.exists("ann")


def test_a_sender_id_is_free_again_when_its_document_was_given_another(documents: Any, open_store: Any) -> None:
    store = open_store()
    store.sync.save(tracker("ann", "a"))
    documents.update_one({"sender_id": "ann"}, {"$set": {"sender_id": "pseudonym"}})
    store.sync.save(tracker("ann", "b"))
    assert (texts(store, "ann"), texts(store, "pseudonym")) == (["b"], ["a"])


@pytest.mark.parametrize("later", [1, LATEST - 2, LATEST - 1, LATEST, LATEST + 50])
def test_the_latest_session_is_found_however_long_it_is(open_store: Any, later: int) -> None:
    events = stamped([user("old"), *session(), *(bot(f"{number}") for number in range(later))])
    open_store().sync.save(DialogueStateTracker.from_events("ann", events))
    store = open_store()
    mine = store.sync.retrieve("ann")
    assert list(mine.events) == events[1:]
    mine.update(user("new", timestamp=1795319999.0))
    store.sync.save(mine)
    assert len(store.sync.retrieve_full_tracker("ann").events) == len(events) + 1


def test_numbers_come_back_as_plain_numbers(open_store: Any) -> None:
    values = [1, 2**53 + 1, -(2**63), 2.5, 1e-7, float("inf"), True, None]
    store = open_store()
    store.sync.save(DialogueStateTracker.from_events("ann", [slot("n", values)]))
    found = store.sync.retrieve("ann").events[0]["value"]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


def test_an_integer_of_more_than_64_bits_becomes_a_float_and_is_known_again(open_store: Any) -> None:
    event = slot("n", [2**64 + 1])
    for _ in range(2):
        open_store().sync.save(DialogueStateTracker.from_events("ann", [event]))
    assert [event["value"] for event in open_store().sync.retrieve("ann").events] == [[float(2**64)]]


@pytest.mark.parametrize("value", ["\ud83d", 10**400, {"\0": 1}])
def test_what_bson_cannot_hold_is_told(open_store: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="the conversation 'ann' holds what MongoDB cannot keep: "):
        open_store().sync.save(DialogueStateTracker.from_events("ann", [slot("n", value)]))


@pytest.mark.parametrize("megabytes", [[9, 9], [17]])
def test_a_conversation_of_more_than_16_mb_is_refused_by_name(open_store: Any, megabytes: list[int]) -> None:
    store = open_store()
    mine = tracker("ann", "a")
    with pytest.raises(ConversationTooLarge, match=r"'ann' would be larger than the 16 MB .* another tracker store"):
        for number, size in enumerate(megabytes):
            mine.update(bot("x" * size * 1024 * 1024, timestamp=1795312600.0 + number))
            store.sync.save(mine)


@pytest.mark.parametrize("events", ["none", {"0": user("a")}, None, [user("a"), "b"], [{"name": "no event"}]])
def test_a_broken_document_is_named_and_never_written_to(documents: Any, open_store: Any, events: Any) -> None:
    documents.insert_one({"sender_id": "ann", "events": events})
    store = open_store()
    for use in (
        store.sync.retrieve,
        store.sync.retrieve_full_tracker,
        lambda name: store.sync.save(tracker(name, "x")),
    ):
        with pytest.raises(ConversationUnreadable, match="the conversation 'ann' in MongoDB at"):
            use("ann")
    assert documents.find_one()["events"] == events


def test_an_event_with_a_value_that_is_no_json_is_named(documents: Any, open_store: Any) -> None:
    documents.insert_one({"sender_id": "ann", "events": [{"event": "slot", "value": ObjectId()}]})
    with pytest.raises(ConversationUnreadable, match=r"'ann' in MongoDB at .* not JSON"):
        next(open_store().read(["ann"])).texts  # noqa: B018


def test_a_wrong_password_is_told_without_the_password(open_store: Any) -> None:
    with pytest.raises(TrackerStoreUnavailable) as raised:
        open_store(username="ann", password="secret").sync.retrieve("ann")
    assert "Authentication failed; check username, password and auth_source" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_server_that_is_not_there_is_named_without_the_password(open_store: Any) -> None:
    store = open_store(host="mongodb://ann:secret@127.0.0.1:1/?serverSelectionTimeoutMS=200", db="rasa")
    with pytest.raises(TrackerStoreUnavailable) as raised:
        store.sync.retrieve("ann")
    assert str(raised.value).startswith("MongoDB at 127.0.0.1:1/rasa: 127.0.0.1:1: [Errno 111] Connection refused")
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "host", ["mongodb://ann:sec/ret@host", "mongodb://ann:secret@host:x", "mongodb://ann:se@ret@host"]
)
def test_an_url_that_is_none_is_told_without_the_password(host: str) -> None:
    with pytest.raises(TrackerStoreMisconfigured, match=r"MongoDB at host.*/rasa: the url is not valid") as raised:
        MongoTrackerStore(host=host)
    assert "sec" not in str(raised.value)


def test_a_store_is_usable_again_after_close(open_store: Any) -> None:
    store = open_store()
    store.sync.save(tracker("ann", "hi"))
    store.close()
    assert texts(store, "ann") == ["hi"]

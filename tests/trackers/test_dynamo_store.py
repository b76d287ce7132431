import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from tests.rasa import PAYLOADS
from tests.servers.dynamo import DynamoMock
from tests.servers.sharing import shared_server
from tests.trackers.contract import TrackerStoreContract, stamped
from tests.trackers.conversations import bot, slot, user
from trackers.stores import (
    ConversationTooLarge,
    ConversationUnreadable,
    TrackerStoreMisconfigured,
    TrackerStoreUnavailable,
)
from trackers.stores.dynamo import DynamoTrackerStore
from trackers.tracker import DialogueStateTracker

RECORDED = json.loads((PAYLOADS / "rasa_3_6_dynamo_store.json").read_text())


@pytest.fixture(scope="session")
def dynamo(server_addresses: Path) -> Iterator[DynamoMock]:
    with shared_server(DynamoMock, server_addresses) as server:
        yield server


@pytest.fixture(autouse=True)
def account(monkeypatch: Any, tmp_path: Path) -> None:
    """One that exists nowhere, and nothing of the account of the person who runs the tests."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


@pytest.fixture(scope="session")
def client(dynamo: DynamoMock) -> Any:
    return boto3.session.Session("nobody", "nothing").client("dynamodb", "us-east-1", endpoint_url=dynamo.url)


@pytest.fixture
def table(client: Any) -> Iterator[str]:
    name = f"states-{uuid4().hex[:12]}"
    yield name
    if name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)


@pytest.fixture
def open_store(dynamo: DynamoMock, table: str) -> Any:
    return lambda **overrides: DynamoTrackerStore(**{"host": dynamo.url, "table_name": table, **overrides})


@pytest.fixture
def put(client: Any, table: str, open_store: Any) -> Any:
    """Puts an item behind the store's back."""
    open_store().sync.exists("nobody")  # so that the table is there
    return lambda item: client.put_item(TableName=table, Item=item)


class TestDynamoTrackerStore(TrackerStoreContract):
    @pytest.fixture
    def open_store(self, open_store: Any) -> Any:
        return open_store

    @pytest.fixture
    def break_conversation(self, put: Any) -> Any:
        return lambda sender_id: put({"sender_id": {"S": sender_id}, "events": {"S": "none"}})


def tracker(*events: Any) -> Any:
    return DialogueStateTracker.from_events("ann", list(events))


def items(client: Any, table: str) -> list[Any]:
    return sorted(client.scan(TableName=table)["Items"], key=lambda item: str(item["sender_id"]))


def unwired(wire: dict[str, Any], number: Any = float) -> Any:
    """As Rasa reads it: every number becomes a float, nothing else changes."""
    [(kind, value)] = wire.items()
    if kind == "M":
        return {name: unwired(item, number) for name, item in value.items()}
    if kind == "L":
        return [unwired(item, number) for item in value]
    return {"N": number, "NULL": lambda _: None}.get(kind, lambda found: found)(value)


def number_before(text: str) -> Any:
    """What Rasa had before it wrote: a float was given nine places."""
    return int(text) if text.isdigit() else float(text)


def test_a_recorded_store_is_read_as_rasa_reads_it(open_store: Any, put: Any) -> None:
    for item in RECORDED["items"]:
        put(item)
    store = open_store()
    assert set(store.sync.keys()) == {item["sender_id"]["S"] for item in RECORDED["items"]}
    for stored in store.read(list(store.sync.keys())):
        [item] = [item for item in RECORDED["items"] if item["sender_id"]["S"] == stored.sender_id]
        assert list(stored.texts) == [json.dumps(event) for event in unwired(item["events"])]


@pytest.mark.parametrize("turn", [4, 1000])
def test_what_is_written_is_what_rasa_wrote(client: Any, table: str, open_store: Any, turn: int) -> None:
    store = open_store()
    for item in RECORDED["items"]:
        events = unwired(item["events"], number_before)
        mine = store.init_tracker(item["sender_id"]["S"])
        for start in range(0, len(events) or 1, turn):
            mine.update_with_events(events[start : start + turn], override_timestamp=False)
            store.sync.save(mine)
    assert items(client, table) == sorted(RECORDED["items"], key=lambda item: str(item["sender_id"]))


def test_the_table_is_made_as_rasa_makes_it(client: Any, table: str, open_store: Any) -> None:
    open_store().sync.save(tracker(user("a")))
    made = client.describe_table(TableName=table)["Table"]
    assert made["KeySchema"] == RECORDED["table"]["KeySchema"]
    assert made["AttributeDefinitions"] == RECORDED["table"]["AttributeDefinitions"]
    assert (
        made["ProvisionedThroughput"]["ReadCapacityUnits"],
        made["ProvisionedThroughput"]["WriteCapacityUnits"],
    ) == (5, 5)


def test_a_table_with_another_key_is_refused(client: Any, table: str, open_store: Any) -> None:
    key = [{"AttributeName": "sender_id", "KeyType": "HASH"}, {"AttributeName": "session_date", "KeyType": "RANGE"}]
    types = [{"AttributeName": item["AttributeName"], "AttributeType": "S"} for item in key]
    client.create_table(TableName=table, KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    with pytest.raises(TrackerStoreMisconfigured, match=f"{table} .*has another key than sender_id alone"):
        open_store().sync.retrieve("ann")


KEPT = [
    (3, 3.0),
    (2**53 + 1, 2**53 + 1),
    (-(2**63), -float(2**63)),
    (10**37 + 1, 10**37 + 1),
    (0.7934336713138247, 0.793433671),
    (1795313106.6733236, 1795313106.6733236),
    (1e-7, 1e-7),
    (1.4e-9, 1e-9),
    (1e-10, 0.0),
    (-0.0, 0.0),
    (1e20, 1e20),
    (1.5e100, 1.5e100),
    ("", ""),
    ("漢字 😀 \0", "漢字 😀 \0"),
    ({"x": [[], {}, [None, True, {"a": [False]}]]}, {"x": [[], {}, [None, True, {"a": [False]}]]}),
]


def test_values_come_back_as_far_as_dynamodb_keeps_them_and_are_known_again(open_store: Any) -> None:
    given = stamped([slot("n", value) for value, _ in KEPT])
    store = open_store()
    store.sync.save(tracker(*given))
    found = store.sync.retrieve("ann").events
    for event, (_, kept) in zip(found, KEPT, strict=True):
        assert (event["value"], type(event["value"])) == (kept, type(kept))
    assert [*map(store.identity, found)] == [*map(store.identity, given)]
    open_store().sync.save(tracker(*given, user("b")))
    assert len(store.sync.retrieve("ann").events) == len(given) + 1


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**39 + 1, 1e200, 1e300 * 10])
def test_a_number_that_dynamodb_cannot_keep_is_told(open_store: Any, value: float) -> None:
    with pytest.raises(ValueError, match=r"the conversation 'ann' holds what DynamoDB cannot keep: .*number"):
        open_store().sync.save(tracker(slot("n", value)))


@pytest.mark.parametrize("kilobytes", [[250, 250], [450]])
def test_a_conversation_of_more_than_400_kb_is_refused_by_name(open_store: Any, kilobytes: list[int]) -> None:
    store = open_store()
    mine = tracker(user("a"))
    with pytest.raises(ConversationTooLarge, match=r"'ann' would be larger than the 400 kB .* another tracker store"):
        for number, size in enumerate(kilobytes):
            mine.update(bot("x" * size * 1024, timestamp=1795312600.0 + number))
            store.sync.save(mine)


@pytest.mark.parametrize("kept", [{}, {"events": {"L": []}}])
def test_a_conversation_without_events_goes_on(open_store: Any, put: Any, kept: dict[str, Any]) -> None:
    put({"sender_id": {"S": "ann"}, "note": {"S": "kept"}, **kept})
    open_store().sync.save(tracker(*stamped([user("a"), user("b")])))
    assert [event["text"] for event in open_store().sync.retrieve("ann").events] == ["a", "b"]


@pytest.mark.parametrize(
    "events", [{"S": "none"}, {"M": {}}, {"NULL": True}, {"L": [{"S": "x"}]}, {"L": [{"M": {"event": {"SS": ["x"]}}}]}]
)
def test_a_broken_item_is_named_and_never_written_to(
    client: Any, table: str, open_store: Any, put: Any, events: Any
) -> None:
    put({"sender_id": {"S": "ann"}, "events": events})
    store = open_store()
    for use in (store.sync.retrieve, store.sync.retrieve_full_tracker, lambda _: store.sync.save(tracker(user("x")))):
        with pytest.raises(ConversationUnreadable, match=f"the conversation 'ann' in the DynamoDB table {table}"):
            use("ann")
    assert items(client, table)[0]["events"] == events


@pytest.mark.parametrize("sender_id", ["", "x" * 2049])
def test_a_sender_id_that_cannot_be_a_key_is_of_no_conversation(open_store: Any, sender_id: str) -> None:
    store = open_store()
    assert store.sync.retrieve(sender_id) is None
    assert not store.sync.exists(sender_id)
    assert not store.sync.delete(sender_id)
    with pytest.raises(ValueError, match="holds what DynamoDB cannot keep"):
        store.sync.save(DialogueStateTracker.from_events(sender_id, [user("a")]))


def test_what_a_busy_table_left_out_is_asked_for_again(open_store: Any, monkeypatch: Any) -> None:
    store = open_store()
    for number in range(3):
        store.sync.save(DialogueStateTracker.from_events(f"u{number}", [user("hi")]))
    answer, calls = store._client.batch_get_item, []

    def busy(**asked: Any) -> Any:
        calls.append(len(keys := asked["RequestItems"][store._table]["Keys"]))
        served, left = (keys[:1], keys[1:]) if len(calls) % 2 else ([], keys)
        found = answer(RequestItems={store._table: {"Keys": served}}) if served else {"Responses": {}}
        return {**found, "UnprocessedKeys": {store._table: {"Keys": left}} if left else {}}

    monkeypatch.setattr(store._client, "batch_get_item", busy)
    assert {stored.sender_id for stored in store.read(["u0", "u1", "u2"])} == {"u0", "u1", "u2"}
    assert calls == [3, 2, 2, 1, 1]


def test_a_table_that_stays_busy_is_told(open_store: Any, monkeypatch: Any) -> None:
    store = open_store()
    monkeypatch.setattr("trackers.stores.dynamo.LAST_WAIT", 0.1)
    monkeypatch.setattr(store._client, "batch_get_item", lambda **asked: {"UnprocessedKeys": asked["RequestItems"]})
    with pytest.raises(TrackerStoreUnavailable, match="its read capacity is exceeded"):
        list(store.read(["ann"]))


def test_missing_credentials_are_told(open_store: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(TrackerStoreMisconfigured, match="Unable to locate credentials; set AWS_ACCESS_KEY_ID and"):
        open_store().sync.retrieve("ann")


def test_a_server_that_is_not_there_is_named(open_store: Any) -> None:
    with pytest.raises(
        TrackerStoreUnavailable, match=r"the DynamoDB table .* at http://127.0.0.1:1: Could not connect"
    ):
        open_store(host="http://127.0.0.1:1").sync.retrieve("ann")


@pytest.mark.parametrize("parameters", [{"host": "localhost"}, {"host": None, "region": "no region"}])
def test_parameters_that_cannot_work_are_told(open_store: Any, parameters: dict[str, Any]) -> None:
    with pytest.raises(TrackerStoreMisconfigured, match="correct url and region"):
        open_store(**parameters).sync.retrieve("ann")


def test_a_store_is_usable_again_after_close(open_store: Any) -> None:
    store = open_store()
    store.sync.save(tracker(user("hi")))
    store.close()
    assert len(store.sync.retrieve("ann").events) == 1

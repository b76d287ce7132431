"""The table of Rasa's DynamoTrackerStore: one item a conversation; Rasa's documentation, "DynamoTrackerStore".

The version of a conversation is the number of its events. What comes back is not always what was given, just as with
Rasa's own store: floats are kept with nine places (so 1e-10 is 0.0) and integers come back as floats. But an integer
that no float equals comes back as it was: a chat's id of 64 bits, for example.
"""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager, suppress
from decimal import Decimal, DecimalException
from threading import Lock
from typing import Any, Iterator, Sequence

from boto3.dynamodb.types import TypeSerializer
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from trackers.stores import encoding
from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import (
    PAGE_SIZE,
    ConversationRefused,
    ConversationTooLarge,
    ConversationUnreadable,
    Event,
    Page,
    Stored,
    TrackerStoreMisconfigured,
    TrackerStoreUnavailable,
)

ITEMS_AT_ONCE = 100  # DynamoDB's limit, as those of a key
LONGEST_KEY = 2048
PLACES = Decimal("1e-9")
# From here on a float has no places, and nine zeros would exceed the 28 digits of Python's decimals.
NO_PLACES = 10**19
FIRST_WAIT, LAST_WAIT = 0.05, 3.2
KEY_SCHEMA = [{"AttributeName": "sender_id", "KeyType": "HASH"}]
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})


class DynamoTrackerStore(AppendingTrackerStore):
    """The parameters are Rasa's; `host` is the endpoint of another server that speaks DynamoDB's protocol.

    Credentials are found where every AWS client looks: the environment, ~/.aws, the machine's role.
    """

    def __init__(
        self,
        domain: Any = None,
        *,
        host: str | None = None,
        table_name: str = "states",
        region: str = "us-east-1",
        event_broker: Any = None,
    ) -> None:
        super().__init__(domain, event_broker)
        self._table = table_name
        self._parameters = {"region_name": region, "endpoint_url": host or None}
        at = f" at {host.rpartition('@')[2]}" if host else ""
        self._where = f"the DynamoDB table {table_name} in {region}{at}"
        self._connected: Any = None
        self._lock = Lock()

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._connected is None:
                try:
                    client = Session().client("dynamodb", config=CONFIG, **self._parameters)
                except ValueError as error:
                    raise TrackerStoreMisconfigured(f"{self._where}: {error}; correct url and region") from error
                self._ensure_table(client)
                self._connected = client
            return self._connected

    def _ensure_table(self, client: Any) -> None:
        try:
            table = client.describe_table(TableName=self._table)["Table"]
        except client.exceptions.ResourceNotFoundException:
            table = self._created(client)
        if table["KeySchema"] != KEY_SCHEMA:
            raise TrackerStoreMisconfigured(
                f"{self._where} has another key than sender_id alone; set `table_name` to one of Rasa 2 or 3"
            )
        if table["TableStatus"] == "CREATING":
            client.get_waiter("table_exists").wait(TableName=self._table, WaiterConfig={"Delay": 1, "MaxAttempts": 120})

    def _created(self, client: Any) -> Any:
        with suppress(client.exceptions.ResourceInUseException):  # another process was faster
            client.create_table(
                TableName=self._table,
                KeySchema=KEY_SCHEMA,
                AttributeDefinitions=[{"AttributeName": "sender_id", "AttributeType": "S"}],
                ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            )
        return {"KeySchema": KEY_SCHEMA, "TableStatus": "CREATING"}

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        possible = list(dict.fromkeys(filter(_can_be_key, sender_ids)))
        for start in range(0, len(possible), ITEMS_AT_ONCE):
            yield from self._read([_key(sender_id) for sender_id in possible[start : start + ITEMS_AT_ONCE]])

    def _read(self, keys: list[Any]) -> Iterator[Stored]:
        """Asks again for what a full answer or a busy table left out."""
        wait = FIRST_WAIT
        while keys:
            with self._talking():
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            items = answer.get("Responses", {}).get(self._table, ())
            yield from (Item(item, self._where) for item in items)
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if keys and not items:
                if wait > LAST_WAIT:
                    raise TrackerStoreUnavailable(f"{self._where}: its read capacity is exceeded; raise it")
                time.sleep(wait * random.uniform(0.5, 1))
                wait *= 2

    def holds(self, sender_id: str) -> bool:
        if not _can_be_key(sender_id):
            return False
        asked = {"TableName": self._table, "Key": _key(sender_id), "ConsistentRead": True}
        with self._talking():
            return "Item" in self._client.get_item(ProjectionExpression="sender_id", **asked)

    def append(self, tracker: Any, events: list[Event], version: int | None) -> int | None:
        sender_id = tracker.sender_id
        if not _can_be_key(sender_id):
            raise _refusal(sender_id, f"a sender_id must have 1 to {LONGEST_KEY} bytes")
        unchanged, after = "attribute_exists(#events) AND size(#events) = :version", "list_append(#events, :new)"
        if not version:
            unchanged, after = "attribute_not_exists(#events) OR size(#events) = :version", ":new"
        values = {":new": _wire(sender_id, events), ":name": {"S": sender_id}, ":version": {"N": str(version or 0)}}
        update = {
            "UpdateExpression": f"SET #events = {after}, #name = :name",
            "ConditionExpression": unchanged,
            "ExpressionAttributeNames": {"#events": "events", "#name": "name"},
            "ExpressionAttributeValues": values,
        }
        return (version or 0) + len(events) if self._did("update_item", sender_id, **update) else None

    def remove(self, sender_id: str) -> bool:
        exists = "attribute_exists(sender_id)"
        return _can_be_key(sender_id) and self._did("delete_item", sender_id, ConditionExpression=exists)

    def _did(self, operation: str, sender_id: str, **arguments: Any) -> bool:
        """Whether the condition held, and so it was done."""
        with self._talking(sender_id):
            try:
                getattr(self._client, operation)(TableName=self._table, Key=_key(sender_id), **arguments)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        """In DynamoDB's own order."""
        asked = {"TableName": self._table, "ProjectionExpression": "sender_id", "Limit": size, "ConsistentRead": True}
        start = {"ExclusiveStartKey": _key(after)} if after else {}
        while True:
            with self._talking():
                answer = self._client.scan(**asked, **start)
            sender_ids = [item["sender_id"]["S"] for item in answer["Items"]]
            if sender_ids:
                yield Page(sender_ids, sender_ids[-1])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def identity(self, event: Event) -> str:
        return super().identity(_value(_wire("", event)))

    def close(self) -> None:
        with self._lock:
            if self._connected is not None:
                self._connected.close()
            self._connected = None

    @contextmanager
    def _talking(self, sender_id: str = "") -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            # A proxy may answer with a whole page.
            reason = " ".join(error.response["Error"].get("Message", "").split())[:300]
            if sender_id and code in ("ValidationException", "SerializationException"):
                raise _refusal(sender_id, reason) from error
            raise TrackerStoreUnavailable(f"{self._where}: {code}: {reason}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise TrackerStoreMisconfigured(
                f"{self._where}: {error}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            ) from error
        except BotoCoreError as error:
            raise TrackerStoreUnavailable(f"{self._where}: {error}") from error


class Item(Stored):
    """One item in DynamoDB's own notation."""

    def __init__(self, item: dict[str, Any], where: str) -> None:
        self._found = item.get("events", {"L": []})
        sender_id = item["sender_id"]["S"]
        self._name = f"the conversation {sender_id!r} in {where}"
        super().__init__(sender_id, len(self._found.get("L", ())))

    def _decoded(self) -> list[Event]:
        try:
            return encoding.as_events(_value(self._found))
        except ValueError as error:
            raise ConversationUnreadable(f"{self._name}: {error}") from error


def _key(sender_id: str) -> dict[str, Any]:
    return {"sender_id": {"S": sender_id}}


def _can_be_key(sender_id: str) -> bool:
    return 0 < len(sender_id.encode(errors="replace")) <= LONGEST_KEY


def _refusal(sender_id: str, reason: str) -> ConversationRefused:
    if "size" in reason.lower() and "exceed" in reason:
        return ConversationTooLarge(
            f"the conversation {sender_id!r} would be larger than the 400 kB of a DynamoDB item;"
            " begin it anew under another sender_id, or use another tracker store"
        )
    return ConversationRefused(f"the conversation {sender_id!r} holds what DynamoDB cannot keep: {reason}")


def _wire(sender_id: str, value: Any) -> Any:
    """By way of JSON, as Rasa does it, so that exactly what Rasa calls a float becomes a decimal of nine places."""
    try:
        rounded = json.loads(json.dumps(value), parse_float=_decimal, parse_constant=_refused)
        return TypeSerializer().serialize(rounded)
    except DecimalException as error:
        raise _refusal(sender_id, "a number of more than 38 digits or above 1e126") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(sender_id, str(error)) from error


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    return number.quantize(PLACES) if abs(number) < NO_PLACES else number


def _refused(constant: str) -> Any:
    raise ValueError(f"the number {constant}")


def _value(wire: dict[str, Any]) -> Any:
    [(kind, value)] = wire.items()
    if kind in ("S", "BOOL"):
        return value
    if kind == "N":
        return _number(value)
    if kind == "L":
        return [_value(item) for item in value]
    if kind == "M":
        return {name: _value(item) for name, item in value.items()}
    if kind != "NULL":
        raise ValueError(f"a value of DynamoDB's type {kind}, which Rasa never writes")
    return None


def _number(text: str) -> Any:
    number = float(text)
    if text.lstrip("-").isdigit() and int(text) != number:
        return int(text)
    return number

"""The collection of Rasa's MongoTrackerStore: one document a conversation; Rasa's documentation, "MongoTrackerStore".

The version of a conversation is its document's `_id` with the number of its events. What is kept is not always what
was given: BSON's integers have 64 bits, so a larger one becomes a float, which has 53 bits of precision.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, NamedTuple, Sequence

from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.errors import BSONError
from bson.int64 import Int64
from bson.objectid import ObjectId
from pymongo import MongoClient, ReadPreference
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, OperationFailure, PyMongoError

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

DOCUMENTS_AT_ONCE = 50  # fewer than a cursor's first answer holds, so no cursor times out under a slow reader
LATEST = 200  # events; most sessions are shorter
MILLISECONDS = {"serverSelectionTimeoutMS": 5000, "connectTimeoutMS": 5000, "socketTimeoutMS": 30000}
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
TOO_LARGE = {10334, 17280, 17419, 17420}


class Version(NamedTuple):
    """With the `_id`, for Rasa's index is not unique: two of its servers can make two documents for one sender_id."""

    document: Any
    events: int


class _Integers(TypeDecoder):
    """Plain ints: the driver's own class says where one came from, which not every encoder takes."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> int:
        return int(value)


OPTIONS: Any = CodecOptions(type_registry=TypeRegistry([_Integers()]), unicode_decode_error_handler="replace")


class MongoTrackerStore(AppendingTrackerStore):
    """The parameters are Rasa's; `host` is a mongodb:// URL, whose options are the driver's, or host:port."""

    def __init__(  # noqa: PLR0913 - Rasa's parameters
        self,
        domain: Any = None,
        *,
        host: str = "mongodb://localhost:27017",
        db: str = "rasa",
        username: str | None = None,
        password: str | None = None,
        auth_source: str | None = "admin",
        collection: str = "conversations",
        event_broker: Any = None,
    ) -> None:
        super().__init__(domain, event_broker)
        self._host, self._db, self._collection = str(host), str(db), str(collection)
        self._login = {"username": username, "password": password, "authSource": auth_source}
        self._where = f"MongoDB at {_hosts(self._host)}/{db}"
        self._open()

    def _open(self) -> None:
        """Connects to nothing before the first use, so that a server may fork after this."""
        timeouts = {name: value for name, value in MILLISECONDS.items() if name.lower() not in self._host.lower()}
        try:
            self._client: Any = MongoClient(self._host, connect=False, **self._login, **timeouts)  # type: ignore[arg-type]
            # From the primary, whatever the URL says: a secondary may not have what was saved a moment ago.
            self._conversations: Any = self._client[self._db].get_collection(
                self._collection, codec_options=OPTIONS, read_preference=ReadPreference.PRIMARY
            )
        except (PyMongoError, ValueError, TypeError) as error:
            reason = _reason(error)
            if "@" in self._host:  # the driver's own words may hold a part of a password
                reason = "the url is not valid; percent-encode its login, or set username and password"
            raise TrackerStoreMisconfigured(f"{self._where}: {reason}") from error
        self._has_index = False

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        for start in range(0, len(sender_ids), DOCUMENTS_AT_ONCE):
            missing = dict.fromkeys(sender_ids[start : start + DOCUMENTS_AT_ONCE])
            yield from self._read(list(missing), missing)
            yield from self._read(_numbers(missing), missing)

    def _read(self, keys: list[Any], missing: dict[str, None]) -> Iterator[Stored]:
        """Takes from `missing` what it finds. Of two documents for one sender_id the first, as Rasa does."""
        if not keys:
            return
        with self._talking():
            for document in self._conversations.find({"sender_id": {"$in": keys}}):
                sender_id = _text(document["sender_id"])
                if sender_id in missing:
                    del missing[sender_id]
                    yield Document(sender_id, document, self._where)

    def read_latest(self, sender_id: str) -> Stored | None:
        """Asks for the last events only, and for all if the session began before them."""
        pipeline = [
            {"$match": {"sender_id": sender_id, "events": {"$type": "array"}}},
            {"$limit": 1},
            {"$project": {"size": {"$size": "$events"}, "events": {"$slice": ["$events", -LATEST]}}},
        ]
        with self._talking():
            found = next(iter(self._conversations.aggregate(pipeline)), None)
        # From the second on, for before the session_started may be the action that caused it.
        names = [event.get("event") for event in found["events"][1:] if isinstance(event, dict)] if found else []
        if found and (found["size"] <= LATEST or "session_started" in names):
            return Document(sender_id, found, self._where, found["size"])
        return super().read_latest(sender_id)

    def holds(self, sender_id: str) -> bool:
        with self._talking():
            return self._conversations.find_one(_of(sender_id), {"_id": 1}) is not None

    def append(self, tracker: Any, events: list[Event], version: Version | None) -> Version | None:
        state = {**self.state_of(tracker), "sender_id": tracker.sender_id}
        with self._talking(tracker.sender_id):
            if not self._has_index:  # not made before the first write: whoever only reads may have no right to
                self._conversations.create_index("sender_id")
                self._has_index = True
            try:
                return self._append(state, events, version)
            except OverflowError:
                return self._append(_narrowed(state), _narrowed(events), version)

    def _append(self, state: dict[str, Any], events: list[Event], version: Version | None) -> Version | None:
        if version is None:
            return self._insert(state, events, state["sender_id"])
        # A list of no events may be missing.
        unchanged = {"events": {"$size": version.events}} if version.events else {"events.0": {"$exists": False}}
        result = self._conversations.update_one(
            {"_id": version.document, **_of(state["sender_id"]), **unchanged},
            {"$set": state, "$push": {"events": {"$each": events}}},
        )
        return Version(version.document, version.events + len(events)) if result.matched_count else None

    def _insert(self, state: dict[str, Any], events: list[Event], name: Any) -> Version | None:
        """An upsert that changes nothing where there is a document.

        Of two upserts at once that find none, each inserts. With the sender_id as `_id` the second fails, for that
        index is always unique: no number of our writers makes two documents. Rasa's own store gives another `_id`; if
        it inserts in this very moment, there are two, as with two Rasa servers.
        """
        new = {"$setOnInsert": {**state, "_id": name, "events": events}}
        try:
            result = self._conversations.update_one(_of(state["sender_id"]), new, upsert=True)
        except DuplicateKeyError:
            # Or the document was given to another sender_id since, for example to a pseudonym.
            return None if self.holds(state["sender_id"]) else self._insert(state, events, ObjectId())
        return None if result.upserted_id is None else Version(result.upserted_id, len(events))

    def remove(self, sender_id: str) -> bool:
        with self._talking():
            return self._conversations.delete_many(_of(sender_id)).deleted_count > 0  # type: ignore[no-any-return]

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        """By sender_id; first the numbers, as in the server's own order, which compares only within a type."""
        condition = {"$gt": encoding.decode(after)} if after else {"$gte": MIN_INTEGER}
        while True:
            with self._talking():
                cursor = self._conversations.find({"sender_id": condition}, {"sender_id": 1, "_id": 0})
                found = [document["sender_id"] for document in cursor.sort("sender_id", 1).limit(size)]
            if found:
                yield Page(list(dict.fromkeys(map(_text, found))), encoding.encode(found[-1]))
                condition = {"$gt": found[-1]}
            elif isinstance(next(iter(condition.values())), str):
                return
            else:
                condition = {"$gte": ""}

    def close(self) -> None:
        self._client.close()
        self._open()

    @contextmanager
    def _talking(self, sender_id: str = "") -> Iterator[None]:
        try:
            yield
        except (PyMongoError, DocumentTooLarge) as error:
            if isinstance(error, DocumentTooLarge) or getattr(error, "code", None) in TOO_LARGE:
                raise ConversationTooLarge(
                    f"the conversation {sender_id!r} would be larger than the 16 MB of a MongoDB document;"
                    " begin it anew under another sender_id, or use another tracker store"
                ) from error
            raise TrackerStoreUnavailable(f"{self._where}: {_reason(error)}") from error
        except (BSONError, OverflowError, UnicodeEncodeError) as error:
            raise ConversationRefused(
                f"the conversation {sender_id!r} holds what MongoDB cannot keep: {error}"
            ) from error

    def identity(self, event: Event) -> str:
        return super().identity(_narrowed(event))


class Document(Stored):
    """All events of one document, or the last ones of `size`."""

    def __init__(self, sender_id: str, document: dict[str, Any], where: str, size: int | None = None) -> None:
        self._found = document.get("events", [])
        self._name = f"the conversation {sender_id!r} in {where}"
        if size is None:
            size = len(self._found) if isinstance(self._found, list) else 0
        super().__init__(sender_id, Version(document["_id"], size))

    @property
    def texts(self) -> Sequence[str]:
        try:
            return super().texts
        except TypeError as error:  # a date, for example
            raise ConversationUnreadable(f"{self._name}: its events are not JSON ({error})") from error

    def _decoded(self) -> list[Event]:
        try:
            return encoding.as_events(self._found)
        except ValueError as error:
            raise ConversationUnreadable(f"{self._name}: {error}") from error


def _of(sender_id: str) -> dict[str, Any]:
    return {"sender_id": {"$in": [sender_id, *_numbers([sender_id])]}}


def _numbers(sender_ids: Iterable[str]) -> list[int]:
    """These sender_ids as Rasa once kept them, those that are numbers."""
    digits = [int(sender_id) for sender_id in sender_ids if re.fullmatch("0|[1-9][0-9]{0,18}", sender_id)]
    return [number for number in digits if number <= MAX_INTEGER]


def _text(sender_id: Any) -> str:
    return sender_id if isinstance(sender_id, str) else str(int(sender_id))  # a shell makes floats of numbers


def _narrowed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrowed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_narrowed(item) for item in value]
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        return float(value)
    return value


def _hosts(url: str) -> str:
    after_login = (url.partition("://")[2] or url).rpartition("@")[2]
    return re.split("[/?]", after_login)[0]


def _reason(error: Exception) -> str:
    """The driver's first words; behind them are all servers' states, and the timeouts."""
    text = re.split(r" \(configured timeouts|, Timeout: |, full error: ", " ".join(str(error).split()))[0]
    if isinstance(error, OperationFailure) and "auth" in text.lower():
        return f"{text.rstrip('.')}; check username, password and auth_source"
    return text

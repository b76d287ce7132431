"""Rasa's RedisTrackerStore: one JSON text a conversation; Rasa's documentation, "RedisTrackerStore".

New events are spliced into the text on the server, which then is what Rasa's own `json.dumps` would have written. The
version is the text's length in bytes: it only grows.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import Any, Iterator, Sequence

import redis
from redis.exceptions import RedisError, ResponseError

from trackers.stores import encoding
from trackers.stores.appending import AppendingTrackerStore
from trackers.stores.base import PAGE_SIZE, ConversationUnreadable, Event, Page, Stored, TrackerStoreUnavailable

logger = logging.getLogger(__name__)

KEYS_AT_ONCE = 50  # a conversation may be megabytes
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
PICKLE = b"\x80"
CHANGED, OTHER_SHAPE = -1, -2

# KEYS: the conversation's. ARGV: its length as we know it, the text's end, the new events, milliseconds to live.
_EXPIRE = """
if ARGV[#ARGV] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[#ARGV]) end
return redis.call('STRLEN', KEYS[1])
"""
_SPLICE = (
    """
local length = redis.call('STRLEN', KEYS[1])
if length ~= tonumber(ARGV[1]) then return -1 end
if length == 0 then
    redis.call('SET', KEYS[1], '{"events": [' .. ARGV[3] .. ARGV[2])
else
    local at = length - #ARGV[2]
    if redis.call('GETRANGE', KEYS[1], at, -1) ~= ARGV[2] then return -2 end
    local comma = redis.call('GETRANGE', KEYS[1], at - 1, at - 1) == '[' and '' or ', '
    redis.call('SETRANGE', KEYS[1], at, comma .. ARGV[3] .. ARGV[2])
end
"""
    + _EXPIRE
)
# ARGV: the whole text as we know it, the text to put in its place, milliseconds to live.
_REPLACE = (
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[1], ARGV[2])
"""
    + _EXPIRE
)


class RedisTrackerStore(AppendingTrackerStore):
    """The parameters are Rasa's; `record_exp` is in seconds and counts anew at each save."""

    def __init__(  # noqa: PLR0913 - Rasa's parameters
        self,
        domain: Any = None,
        *,
        host: str = "localhost",
        port: Any = 6379,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        event_broker: Any = None,
        record_exp: float | None = None,
        key_prefix: str | None = None,
        use_ssl: bool = False,
        ssl_keyfile: str | None = None,
        ssl_certfile: str | None = None,
        ssl_ca_certs: str | None = None,
    ) -> None:
        super().__init__(domain, event_broker)
        tls: Any = {"ssl_keyfile": ssl_keyfile, "ssl_certfile": ssl_certfile, "ssl_ca_certs": ssl_ca_certs}
        self._redis: Any = redis.Redis(
            host=host,
            port=int(port),
            db=db,
            username=username,
            password=password,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            ssl=use_ssl,
            **(tls if use_ssl else {}),
        )
        self._where = f"Redis at {host}:{port}/{db}"
        self._lifetime = str(int(record_exp * 1000)) if record_exp else ""
        self._prefix = _prefix(key_prefix)
        self._splice = self._redis.register_script(_SPLICE)
        self._replace = self._redis.register_script(_REPLACE)

    def read(self, sender_ids: Sequence[str]) -> Iterator[Stored]:
        for start in range(0, len(sender_ids), KEYS_AT_ONCE):
            some = sender_ids[start : start + KEYS_AT_ONCE]
            with self._talking():
                found = self._redis.mget([self._prefix + sender_id for sender_id in some])
            for sender_id, raw in zip(some, found):
                if raw:
                    yield Document(sender_id, self._prefix + sender_id, raw)

    def append(self, tracker: Any, events: list[Event], version: int | None) -> int | None:
        key = self._prefix + tracker.sender_id
        new = ", ".join(map(encoding.encode, events))
        with self._talking(key):
            length = self._splice([key], [version or 0, _end(tracker.sender_id), new, self._lifetime])
            if length == OTHER_SHAPE:
                length = self._rewrite(tracker.sender_id, key, events)
        return None if length == CHANGED else int(length)

    def _rewrite(self, sender_id: str, key: str, events: list[Event]) -> int:
        """For a text that is laid out in another way than Rasa's."""
        raw = self._redis.get(key) or b""
        all_events = Document(sender_id, key, raw).events + events
        text = '{"events": [' + ", ".join(map(encoding.encode, all_events)) + _end(sender_id)
        return int(self._replace([key], [raw, text, self._lifetime]))

    def remove(self, sender_id: str) -> bool:
        with self._talking():
            return bool(self._redis.delete(self._prefix + sender_id))

    def holds(self, sender_id: str) -> bool:
        with self._talking():
            return bool(self._redis.exists(self._prefix + sender_id))

    def touch(self, sender_id: str) -> None:
        if self._lifetime:
            with self._talking():
                self._redis.pexpire(self._prefix + sender_id, self._lifetime)

    def pages(self, after: str | None = None, size: int = PAGE_SIZE) -> Iterator[Page]:
        """By SCAN: a conversation that is there all the time is given at least once, in rare cases twice.

        A cursor means nothing to a Redis that was started since; then all are given again.
        """
        run = self._run()
        place, _, of_run = (after or "").partition(" ")
        if place == "0":
            return
        cursor = int(place) if place and of_run == run else 0
        while True:
            with self._talking():
                cursor, keys = self._redis.scan(cursor, match=f"{self._prefix}*", count=size)
            if keys:
                names = [key.decode(errors="replace")[len(self._prefix) :] for key in keys]
                yield Page(names, f"{cursor} {run}")
            if cursor == 0:
                return

    def _run(self) -> str:
        """What names the server's process; nothing where INFO is not allowed."""
        with self._talking():
            try:
                return str(self._redis.info("server").get("run_id", ""))
            except ResponseError:
                return ""

    def close(self) -> None:
        self._redis.close()

    @contextmanager
    def _talking(self, key: str = "") -> Iterator[None]:
        try:
            yield
        except ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise ConversationUnreadable(f"the key {key} is no string, so no conversation of Rasa's") from error
            raise TrackerStoreUnavailable(f"{self._where}: {error}") from error
        except RedisError as error:
            raise TrackerStoreUnavailable(f"{self._where}: {error}") from error


class Document(Stored):
    """The text of one key."""

    def __init__(self, sender_id: str, key: str, raw: bytes) -> None:
        super().__init__(sender_id, len(raw))
        self._key = key
        self._raw = raw

    @property
    def texts(self) -> Sequence[str]:
        if self._texts is None:
            self._texts = encoding.slices(self._raw, "events")
        return super().texts

    def _decoded(self) -> list[Event]:
        try:
            if self._raw.startswith(PICKLE):
                raise ValueError("a pickle of Rasa 1, which is never loaded; export it with that Rasa")
            found = encoding.decode(self._raw)
            return encoding.as_events(found.get("events") if isinstance(found, dict) else None)
        except ValueError as error:
            raise ConversationUnreadable(f"the key {self._key} is {error}") from error


def _prefix(key_prefix: str | None) -> str:
    if key_prefix and not str(key_prefix).isalnum():
        # Rasa leaves such a prefix out, so its conversations are found without it.
        logger.warning("key_prefix %r is not alphanumeric, so it is left out, as Rasa does.", key_prefix)
        key_prefix = None
    return f"{key_prefix}:tracker:" if key_prefix else "tracker:"


def _end(sender_id: str) -> str:
    return '], "name": ' + encoding.encode(sender_id) + "}"

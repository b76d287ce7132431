"""rasax → an event broker, as `rasa export` sends a tracker store's events; and → lines of JSON, as they were sent."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from events.brokers.base import EventBroker
from events.models import Event, key_of
from trackers.moving.selection import Selection
from trackers.moving.tally import Tally
from trackers.wire import as_exported, on_one_line

CONVERSATIONS_AT_ONCE = 20
Send = Callable[[str, str], Any]


class Exporter:
    """`send` gets each event's sender_id and its text as it was sent, in the order of its conversation."""

    def __init__(self, send: Send, selection: Selection) -> None:
        self._send = send
        self._selection = selection

    def take(self, sender_ids: list[str]) -> Tally:
        tally = Tally()
        found: set[str] = set()
        for sender_id, texts in _conversations(sender_ids):
            found.add(sender_id)
            tally.conversations += 1
            for timestamp, data in texts:
                if self._selection.takes(timestamp):
                    self._send(sender_id, data)
                    tally.stored += 1
        for sender_id in self._selection.missing(sender_ids, found):
            tally.skip(sender_id, "rasax has no such conversation")
        return tally

    def close(self) -> None:
        pass


def _conversations(sender_ids: list[str]) -> Iterator[tuple[str, list[tuple[float, str]]]]:
    for start in range(0, len(sender_ids), CONVERSATIONS_AT_ONCE):
        keys = map(key_of, sender_ids[start : start + CONVERSATIONS_AT_ONCE])
        events = Event.objects.filter(conversation__key__in=keys).order_by("conversation_id", "timestamp", "id")
        rows = list(events.values_list("conversation__sender_id", "timestamp", "data"))
        for sender_id, own in groupby(rows, key=lambda row: row[0]):
            yield sender_id, [(timestamp, data) for _, timestamp, data in own]


def to_broker(broker: EventBroker, environment: str | None = None) -> Send:
    broker.export_id = uuid4().hex

    def send(sender_id: str, data: str) -> None:
        broker.publish(as_exported(sender_id, data).encode(), environment)

    return send


@contextmanager
def to_lines(path: str, stdout: Any) -> Iterator[Send]:
    """A file appears under its name only when it is whole; `-` is the standard output."""
    if path == "-":
        yield _writer(stdout)
        stdout.flush()
        return
    unfinished = Path(f"{path}.unfinished")
    try:
        with _opened(unfinished, compressed=path.endswith(".gz")) as file:
            yield _writer(file)
            file.flush()
        unfinished.replace(path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


@contextmanager
def _opened(path: Path, *, compressed: bool) -> Iterator[IO[str]]:
    # What people said is for nobody else on this machine.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        content: Any = gzip.GzipFile(fileobj=raw, mode="wb") if compressed else raw
        with io.TextIOWrapper(content, encoding="utf-8", newline="") as file:
            yield file


def _writer(file: Any) -> Send:
    return lambda _, data: file.write(on_one_line(data) + "\n")

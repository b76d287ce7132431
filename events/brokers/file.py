"""The file that Rasa's `type: file` appends to; Rasa's documentation, "Event Brokers": one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic, sleep
from typing import BinaryIO

from events.brokers.base import (
    BrokerUnavailable,
    EventBroker,
    Message,
    Position,
    PositionInMemory,
)

DEFAULT_PATH = "rasa_event.log"
HEAD_BYTES = 1024  # the first event's conversation and time stand in it
READ_SIZE = 1 << 20
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class _Place:
    """An offset, and what tells that it is still the same file: an inode number is given away again too soon."""

    offset: int
    head_bytes: int
    head: str

    def text(self) -> str:
        return json.dumps({"offset": self.offset, "head_bytes": self.head_bytes, "head": self.head})

    def is_in(self, file: BinaryIO) -> bool:
        return os.fstat(file.fileno()).st_size >= self.offset and _digest(file, self.head_bytes) == self.head


class FileEventBroker(EventBroker):
    """Reads whole lines; a line without its end waits until it has one.

    A file that was renamed away is read to its end before the new one is begun. A file that was truncated or replaced
    while nobody read is received from its start.
    """

    def __init__(self, path: str | None = None, *, position: Position | None = None) -> None:
        self.path = path or DEFAULT_PATH
        self._position = position or PositionInMemory()
        self._file: BinaryIO | None = None
        self._offset = 0

    def publish(self, body: bytes, environment: str | None = None) -> None:  # noqa: ARG002 - a line has no place for it
        if b"\n" in body:
            raise ValueError("the file event broker keeps one message a line; this one holds a line break")
        line = body + b"\n"
        with self._accessing():
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                if os.write(descriptor, line) != len(line):  # one write, so that lines of several writers stay whole
                    raise OSError("only a part of the line was written; is the disk full?")
            finally:
                os.close(descriptor)

    def receive(self, *, limit: int = 1000, max_bytes: int = 8_000_000, wait: float = 0.05) -> list[Message]:  # noqa: ARG002
        deadline = monotonic() + 1.0
        while True:
            with self._accessing():
                messages = self._lines(limit, max_bytes)
            if messages or monotonic() >= deadline:
                return messages
            sleep(POLL_SECONDS)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        if messages:
            self._position.save(messages[-1].receipt.text())

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _lines(self, limit: int, max_bytes: int) -> list[Message]:
        file = self._file or self._open()
        if file is None:
            return []
        if os.fstat(file.fileno()).st_size < self._offset:
            self._offset = 0
        messages = self._whole_lines(file, limit, max_bytes)
        if not messages and self._replaced(file):
            self.close()
        return messages

    def _open(self) -> BinaryIO | None:
        try:
            file = open(self.path, "rb", buffering=READ_SIZE)  # noqa: PTH123, SIM115 - open until close()
        except FileNotFoundError:
            return None  # Rasa has not started yet
        saved = self._position.load()
        place = _Place(**json.loads(saved)) if saved else None
        self._file = file
        self._offset = place.offset if place and place.is_in(file) else 0
        return file

    def _replaced(self, file: BinaryIO) -> bool:
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False

    def _whole_lines(self, file: BinaryIO, limit: int, max_bytes: int) -> list[Message]:
        messages: list[Message] = []
        head_bytes = min(HEAD_BYTES, os.fstat(file.fileno()).st_size)
        head = _digest(file, head_bytes)
        file.seek(self._offset)
        size = 0
        while len(messages) < limit and (line := file.readline()).endswith(b"\n"):
            body = line[:-1]
            size += len(body)
            if messages and size > max_bytes:
                break
            self._offset += len(line)
            if body:
                messages.append(Message(body, None, _Place(self._offset, head_bytes, head)))
        return messages

    @contextmanager
    def _accessing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.close()
            raise BrokerUnavailable(f"the event file {self.path}: {error.strerror or error}") from error


def _digest(file: BinaryIO, count: int) -> str:
    return blake2b(os.pread(file.fileno(), count, 0), digest_size=8).hexdigest()

"""The file that Rasa's `type: file` appends to; Rasa's documentation, "Event Brokers": one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

from events.brokers.base import BrokerUnavailable, Message, Position
from events.brokers.polled import PolledEventBroker

DEFAULT_PATH = "rasa_event.log"
HEAD_BYTES = 1024  # the first event's conversation and time stand in it
READ_SIZE = 262_144


@dataclass(frozen=True, slots=True)
class _Place:
    """An offset, and what tells whether it is still the same file: inode numbers are given away again at once."""

    offset: int = 0
    head_bytes: int = 0
    head: str = blake2b(digest_size=8).hexdigest()

    def text(self) -> str:
        return json.dumps(asdict(self))

    def is_in(self, file: int) -> bool:
        return os.fstat(file).st_size >= self.offset and _digest(file, self.head_bytes) == self.head


class FileEventBroker(PolledEventBroker):
    """Reads whole lines; a line without its end waits until it has one.

    A file that was renamed away is read to its end before the new one is begun. A file that was truncated, or replaced
    while nobody read, is received from its start: recording is idempotent, so that is harmless.
    """

    poll_seconds = 0.05

    def __init__(self, path: str | None = None, *, position: Position | None = None) -> None:
        self.path = path or DEFAULT_PATH
        super().__init__(position)
        self._file: int | None = None
        self._place = _Place()

    def publish(self, body: bytes, environment: str | None = None) -> None:
        if b"\n" in body:
            raise ValueError("the file event broker keeps one message a line; this one holds a line break")
        line = body + b"\n"
        with self._accessing():
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                if os.write(file, line) != len(line):  # one write, so that the lines of several writers stay whole
                    raise OSError("only a part of the line was written; is the disk full?")
            finally:
                os.close(file)

    def close(self) -> None:
        self._generation += 1
        self._let_go()

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _look(self, limit: int, max_bytes: int) -> list[Message]:
        with self._accessing():
            return self._read(limit, max_bytes)

    def _read(self, limit: int, max_bytes: int) -> list[Message]:
        file = self._open() if self._file is None else self._file
        if file is None:
            return []
        if not self._place.is_in(file):
            self._place = _Place()
        messages = self._messages(file, limit, max_bytes)
        if not messages and self._replaced(file):
            self._let_go()
        return messages

    def _open(self) -> int | None:
        try:
            self._file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None  # Rasa has not started yet
        saved = self._position.load()
        self._place = _Place(**json.loads(saved)) if saved else _Place()
        return self._file

    def _replaced(self, file: int) -> bool:
        try:
            return not os.path.samestat(Path(self.path).stat(), os.fstat(file))
        except FileNotFoundError:
            return False

    def _messages(self, file: int, limit: int, max_bytes: int) -> list[Message]:
        messages: list[Message] = []
        head_bytes = min(HEAD_BYTES, os.fstat(file).st_size)
        place = _Place(self._place.offset, head_bytes, _digest(file, head_bytes))
        size = 0
        *lines, _unfinished = _read_lines(file, place.offset, limit, max_bytes).split(b"\n", limit)
        for line in lines:
            size += len(line)
            if messages and size > max_bytes:
                break
            place = replace(place, offset=place.offset + len(line) + 1)
            if line:
                messages.append(Message(line, None, (self._generation, place)))
        self._place = place
        return messages

    @contextmanager
    def _accessing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.close()
            raise BrokerUnavailable(f"the event file {self.path}: {error.strerror or error}") from error


def _read_lines(file: int, at: int, limit: int, max_bytes: int) -> bytes:
    """Enough for a batch; however long the first line is, its end too if it has one."""
    parts: list[bytes] = []
    size = lines = 0
    while (lines < limit and (size < max_bytes or not lines)) and (part := os.pread(file, READ_SIZE, at + size)):
        parts.append(part)
        size += len(part)
        lines += part.count(b"\n")
    return b"".join(parts)


def _digest(file: int, count: int) -> str:
    return blake2b(os.pread(file, count, 0), digest_size=8).hexdigest()

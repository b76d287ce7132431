"""RabbitMQ's deliveries straight from the frames: the path that every event takes.

py-amqp reads each of a message's three frames with three system calls and two changes of the socket's timeout, then
makes a message object and decodes every property. Here one read brings many frames, and of each message only the body,
the delivery tag and `app_id` are looked at. Every other frame (a heartbeat, close, cancel, an answer) is py-amqp's.
The frames are those of the AMQP 0-9-1 specification, sections 2.3.5 and 4.2.6.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from struct import Struct
from time import monotonic
from typing import Any

from amqp.exceptions import UnexpectedFrame
from amqp.method_framing import frame_handler

from events.brokers.base import Message, batch

READ_SIZE = 131_072
PAUSE = 0.01  # seconds without a message, after which a batch is not waited for any longer
METHOD, HEADER, BODY = 1, 2, 3
DELIVER = b"\x00\x3c\x00\x3c"  # class basic, method deliver
FRAME_END = 0xCE
APP_ID = 0x0008
_frame = Struct(">BHI").unpack_from
_size_and_flags = Struct(">QH").unpack_from
_tag = Struct(">Q").unpack_from
_table_size = Struct(">I").unpack_from
# The properties that stand before app_id: their flag, and their length in bytes or how it is told.
_BEFORE_APP_ID: tuple[tuple[int, int | str], ...] = (
    (0x8000, "text"),  # content_type
    (0x4000, "text"),  # content_encoding
    (0x2000, "table"),  # headers
    (0x1000, 1),  # delivery_mode
    (0x0800, 1),  # priority
    (0x0400, "text"),  # correlation_id
    (0x0200, "text"),  # reply_to
    (0x0100, "text"),  # expiration
    (0x0080, "text"),  # message_id
    (0x0040, 8),  # timestamp
    (0x0020, "text"),  # type
    (0x0010, "text"),  # user_id
)


class Deliveries:
    """py-amqp's frame handler for one connection with one consumer; `generation` marks its receipts."""

    def __init__(self, generation: int, connection: Any, on_method: Callable[..., Any]) -> None:
        self._generation = generation
        self._connection = connection
        self._other = frame_handler(connection, on_method)
        self.waiting: deque[Message] = deque()
        self.size = 0  # bytes of the bodies in `waiting`
        self._receipt = (generation, 0)
        self._environment: str | None = None
        self._parts: list[bytes] = []
        self._missing = 0

    def __call__(self, frame: tuple[int, int, bytes]) -> bool:
        """One frame that py-amqp has read, while it waits for the answer to a method."""
        kind, _, payload = frame
        return False if self._own(kind, payload) else bool(self._other(frame))

    def take(self, limit: int, max_bytes: int) -> list[Message]:
        taken = batch(self.waiting, limit, max_bytes)
        self.size -= sum(len(message.body) for message in taken)
        return taken

    def fill(self, limit: int, max_bytes: int, wait: float) -> None:
        """Reads until that much waits; a second at most for the first message, then at most `wait`, and no longer than
        `PAUSE` where nothing more comes: Rasa publishes the events of a turn one upon the other."""
        deadline = monotonic() + (wait if self.waiting else 1.0)
        while len(self.waiting) < limit and self.size < max_bytes:
            idle = not self.waiting
            remaining = deadline - monotonic()
            if remaining <= 0 or not self._read(remaining if idle else min(remaining, PAUSE)):
                return
            if idle and self.waiting:
                deadline = monotonic() + wait

    def _read(self, timeout: float) -> bool:
        """One read and every whole frame in it; False when nothing came in time."""
        transport = self._connection.transport
        try:
            with transport.having_timeout(timeout):
                received = transport.sock.recv(READ_SIZE)
        except TimeoutError:
            return False
        if not received:
            raise ConnectionResetError("the server closed the connection")
        self._connection.bytes_recv += 1  # what py-amqp's heartbeat goes by
        transport._read_buffer += received
        while self._stopped_at_other_frame(transport):
            self._connection.blocking_read()
        return True

    def _stopped_at_other_frame(self, transport: Any) -> bool:
        """Takes our frames from py-amqp's buffer, up to one that is not whole (False) or py-amqp's to read (True)."""
        data = transport._read_buffer
        at, end, other = 0, len(data), False
        while at + 8 <= end and not other:
            kind, _, size = _frame(data, at)
            stop = at + 7 + size
            if stop >= end:
                break
            if data[stop] != FRAME_END:
                raise UnexpectedFrame(f"a frame of {size} bytes does not end with its mark")
            other = not self._own(kind, data[at + 7 : stop])
            if not other:
                at = stop + 1
        transport._read_buffer = data[at:]
        return other

    def _own(self, kind: int, payload: bytes) -> bool:
        if kind == BODY:
            self._body(payload)
        elif kind == HEADER:
            self._header(payload)
        elif kind == METHOD and payload[:4] == DELIVER:
            self._receipt = (self._generation, _tag(payload, 5 + payload[4])[0])
        else:
            return False
        return True

    def _header(self, payload: bytes) -> None:
        self._missing, flags = _size_and_flags(payload, 4)
        self._environment = _app_id(payload, flags) if flags & APP_ID else None
        if not self._missing:
            self._complete(b"")

    def _body(self, payload: bytes) -> None:
        self._missing -= len(payload)
        if self._missing:
            self._parts.append(payload)
        elif self._parts:
            self._parts.append(payload)
            self._complete(b"".join(self._parts))
            self._parts.clear()
        else:
            self._complete(payload)

    def _complete(self, body: bytes) -> None:
        self.waiting.append(Message(body, self._environment, self._receipt))
        self.size += len(body)


def _app_id(payload: bytes, flags: int) -> str:
    at = 14
    for flag, length in _BEFORE_APP_ID:
        if not flags & flag:
            continue
        if length == "text":
            at += 1 + payload[at]
        elif length == "table":
            at += 4 + _table_size(payload, at)[0]
        else:
            at += int(length)
    return payload[at + 1 : at + 1 + payload[at]].decode("utf-8", "replace")

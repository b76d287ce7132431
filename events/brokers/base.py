"""The event broker's interface: how a conversation event leaves Rasa and reaches us.

Rasa's documentation, "Event Brokers", describes the publishing half. Pure Python: it runs without Django.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class BrokerUnavailable(ConnectionError):
    """The broker cannot be reached, or went away; try again later. Its text says where and why."""


class BrokerMisconfigured(ValueError):
    """The settings cannot work whatever the broker's state; its text says what to set."""


class Position(Protocol):
    """Keeps a reader's place for the brokers that do not (SQL, file), in a text of the broker's own making."""

    def load(self) -> str | None:
        """What was saved last, None at first: the broker then starts from its beginning."""

    def save(self, text: str) -> None: ...


class PositionInMemory:
    """Forgets with the process: everything is received again, which is harmless (recording is idempotent) but slow."""

    def __init__(self) -> None:
        self._text: str | None = None

    def load(self) -> str | None:
        return self._text

    def save(self, text: str) -> None:
        self._text = text


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived. `receipt` means something to the broker that gave it, to nobody else."""

    body: bytes
    environment: str | None = None  # RASA_ENVIRONMENT of the server that sent it, where the broker carries it
    receipt: Any = None


def sender_id(body: bytes) -> str | None:
    """The conversation that a message names, for brokers that keep it beside the message."""
    try:
        event = json.loads(body)
    except ValueError:
        return None
    found = event.get("sender_id") if isinstance(event, dict) else None
    return found if isinstance(found, str) else None


def batch(waiting: deque[Message], limit: int, max_bytes: int) -> list[Message]:
    """Takes the next ones off the front: up to `limit`, and up to `max_bytes` unless the first alone is larger."""
    taken: list[Message] = []
    size = 0
    while waiting and len(taken) < limit:
        size += len(waiting[0].body)
        if taken and size > max_bytes:
            break
        taken.append(waiting.popleft())
    return taken


class EventBroker(ABC):
    """Primitives of one event broker. Every method may raise BrokerUnavailable.

    One thread uses one instance. After BrokerUnavailable the next call connects again; what was received and not
    acknowledged then comes once more, and acknowledging it with an old receipt does nothing.
    """

    export_id: str | None = None  # of the run, while one publishes history; brokers with headers send it along

    @abstractmethod
    def publish(self, body: bytes, environment: str | None = None) -> None:
        """Returns when the broker has taken responsibility for the message."""

    @abstractmethod
    def receive(self, *, limit: int = 1000, max_bytes: int = 8_000_000, wait: float = 0.05) -> list[Message]:
        """Up to `limit` messages and about `max_bytes`, in the broker's order.

        A caller holds at most two batches that it has not acknowledged; a broker may stop giving at the third.
        Waits at most a second for the first message, then at most `wait` seconds for more; returns [] when none came.
        """

    @abstractmethod
    def acknowledge(self, messages: Sequence[Message]) -> None:
        """`messages` is a whole batch as `receive` gave it; batches are acknowledged in the order they came."""

    def depth(self) -> int | None:
        """How many messages wait in the broker, None where it cannot tell."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Lets go of the connection; what was not acknowledged stays with the broker. Never raises."""

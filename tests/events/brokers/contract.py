"""What every event broker must do. A backend's test file is a short subclass that says how to connect."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from events.brokers.base import EventBroker, Message

PAYLOADS = Path(__file__).parents[2] / "payloads"
Connect = Callable[[], EventBroker]


def recorded() -> list[tuple[bytes, str | None]]:
    """Every message that a Rasa 3.6 sent, with the environment it named."""
    lines = (PAYLOADS / "rasa_3_6.jsonl").read_text().splitlines()
    return [(message["body"].encode(), message["app_id"]) for message in map(json.loads, lines)]


def receive(broker: EventBroker, count: int, seconds: float = 20, **limits: int) -> list[Message]:
    """Receives until there are `count` messages."""
    messages: list[Message] = []
    deadline = time.monotonic() + seconds
    while len(messages) < count and time.monotonic() < deadline:
        messages += broker.receive(**limits)
    return messages


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


def numbered(count: int) -> list[bytes]:
    return [b'{"number": %d}' % number for number in range(count)]


class EventBrokerContract:
    carries_environment: ClassVar[bool] = True
    strange_bodies: ClassVar[list[bytes]] = [b"\xff\xfe not UTF-8", b"a\x00b", b"not JSON", "Grüße 👋 \u2028".encode()]

    @pytest.fixture
    def make(self) -> Connect:
        """Gives a function whose brokers all read the same queue, empty at first."""
        raise NotImplementedError

    @pytest.fixture
    def connect(self, make: Connect) -> Iterator[Connect]:
        opened: list[EventBroker] = []

        def connect() -> EventBroker:
            opened.append(make())
            return opened[-1]

        yield connect
        for broker in opened:
            broker.close()

    @pytest.fixture
    def broker(self, connect: Connect) -> EventBroker:
        return connect()

    def publish(self, connect: Connect, messages: list[bytes], environment: str | None = None) -> None:
        publisher = connect()
        for body in messages:
            publisher.publish(body, environment)
        publisher.close()

    def test_a_strange_body_arrives_byte_for_byte(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, self.strange_bodies)
        assert bodies(receive(broker, len(self.strange_bodies))) == self.strange_bodies

    def test_a_body_of_a_megabyte_arrives_byte_for_byte(self, connect: Connect, broker: EventBroker) -> None:
        body = b'{"text": "' + b"0123456789" * 104_857 + b'"}'
        self.publish(connect, [body, b"{}"])
        assert bodies(receive(broker, 2)) == [body, b"{}"]

    def test_every_message_that_rasa_sent_arrives(self, connect: Connect, broker: EventBroker) -> None:
        publisher = connect()
        for body, environment in recorded():
            publisher.publish(body, environment)
        got = receive(broker, 246)
        wanted = [(body, environment if self.carries_environment else None) for body, environment in recorded()]
        assert [(message.body, message.environment) for message in got] == wanted

    def test_the_environment_arrives_where_the_broker_carries_it(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, [b"{}"], "production-ü")
        self.publish(connect, [b"{}"], None)
        expected = "production-ü" if self.carries_environment else None
        assert [message.environment for message in receive(broker, 2)] == [expected, None]

    def test_order_is_kept(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, numbered(120))
        assert bodies(receive(broker, 120, limit=7)) == numbered(120)

    def test_what_was_not_acknowledged_comes_again_to_the_next_instance(self, connect: Connect) -> None:
        self.publish(connect, numbered(3))
        first = connect()
        assert len(receive(first, 3)) == 3
        first.close()
        assert bodies(receive(connect(), 3)) == numbered(3)

    def test_what_was_acknowledged_never_comes_again(self, connect: Connect) -> None:
        self.publish(connect, numbered(5))
        first = connect()
        done = receive(first, 2, limit=2)
        first.acknowledge(done)
        first.close()
        assert bodies(receive(connect(), 3)) == numbered(5)[2:]

    def test_a_batch_holds_at_most_limit_messages(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, numbered(5))
        receive(broker, 1, limit=1)
        assert 1 <= len(broker.receive(limit=3)) <= 3

    def test_a_batch_ends_before_max_bytes(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, [b"x" * 1000] * 5)
        sizes: list[int] = []
        while sum(sizes) < 5:
            sizes.append(len(receive(broker, 1, max_bytes=2500)))
        assert max(sizes) <= 2

    def test_a_message_larger_than_max_bytes_comes_alone(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, [b"x" * 5000, b"{}"])
        assert bodies(receive(broker, 1, max_bytes=100)) == [b"x" * 5000]
        assert bodies(receive(broker, 1, max_bytes=100)) == [b"{}"]

    def test_two_batches_in_flight_are_acknowledged_in_order(self, connect: Connect) -> None:
        self.publish(connect, numbered(6))
        first = connect()
        one = receive(first, 2, limit=2)
        two = receive(first, 2, limit=2)
        first.acknowledge(one)
        three = receive(first, 2, limit=2)
        first.acknowledge(two)
        first.close()
        assert bodies(three) == numbered(6)[4:]
        assert bodies(receive(connect(), 2)) == numbered(6)[4:]

    def test_an_old_receipt_does_nothing(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, numbered(3))
        old = receive(broker, 3)
        broker.close()
        broker.acknowledge(old)
        again = receive(broker, 3)
        broker.acknowledge(old)
        assert bodies(again) == numbered(3)
        broker.close()
        assert bodies(receive(connect(), 3)) == numbered(3)

    def test_receive_returns_nothing_after_about_a_second(self, broker: EventBroker) -> None:
        broker.receive()
        started = time.monotonic()
        assert broker.receive() == []
        assert 0.8 < time.monotonic() - started < 2

    def test_a_message_that_arrives_while_waiting_is_returned_soon(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, [b"1"])
        broker.acknowledge(receive(broker, 1))
        self.publish(connect, [b"2"])
        started = time.monotonic()
        assert bodies(receive(broker, 1)) == [b"2"]
        assert time.monotonic() - started < 0.8

    def test_an_instance_works_again_after_close(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, [b"1", b"2"])
        broker.acknowledge(receive(broker, 1, limit=1))
        broker.close()
        assert bodies(receive(broker, 1)) == [b"2"]

    def test_close_can_be_called_at_any_time_and_twice(self, broker: EventBroker) -> None:
        broker.close()
        broker.publish(b"{}")
        broker.close()
        broker.close()

    def test_acknowledging_nothing_does_nothing(self, broker: EventBroker) -> None:
        broker.acknowledge([])
        assert broker.receive() == []
        broker.acknowledge([])

    def test_depth_counts_what_waits(self, connect: Connect, broker: EventBroker) -> None:
        self.publish(connect, numbered(4))
        assert broker.depth() in (4, None)
        broker.acknowledge(receive(broker, 4))
        broker.close()
        assert broker.depth() in (0, None)

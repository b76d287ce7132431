import threading
from uuid import uuid4

import pytest

from events.brokers.memory import InMemoryEventBroker
from tests.events.brokers.contract import Connect, EventBrokerContract, bodies, receive


class TestInMemoryEventBroker(EventBrokerContract):
    @pytest.fixture
    def make(self) -> Connect:
        name = uuid4().hex
        return lambda: InMemoryEventBroker(name)

    def test_another_name_is_another_queue(self, broker: InMemoryEventBroker) -> None:
        broker.publish(b"{}")
        assert InMemoryEventBroker(uuid4().hex).receive() == []

    def test_a_waiting_reader_is_woken_by_another_thread(self, connect: Connect, broker: InMemoryEventBroker) -> None:
        timer = threading.Timer(0.1, connect().publish, [b"late"])
        timer.start()
        assert bodies(receive(broker, 1)) == [b"late"]
        timer.join()

"""What makes a fault likely, and a broker that breaks the rule, to prove that the chaos tests would notice."""

import random
import time
from typing import Any

from events.brokers.base import Message
from events.brokers.rabbitmq import RabbitMQEventBroker


class AcknowledgesOnReceipt(RabbitMQEventBroker):
    def __init__(self, url: str) -> None:
        super().__init__(f"amqp://{url}")

    def receive(self, **limits: Any) -> list[Message]:
        messages = super().receive(**limits)
        if messages:
            super().acknowledge(messages)
        return messages

    def acknowledge(self, messages: Any) -> None:
        pass


def dawdle(recorded: Any) -> None:
    """Follows every batch inside its transaction, so that most instants fall between a receipt and its commit."""
    time.sleep(random.uniform(0, 0.2))

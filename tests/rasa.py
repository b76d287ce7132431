"""Messages as a Rasa server publishes them: recorded ones, and ones made for a test."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from events.brokers.base import Message

PAYLOADS = Path(__file__).parent / "payloads"


@cache
def recorded() -> list[Message]:
    """The 246 events of seven conversations with Rasa 3.6.21, in the order in which it published them."""
    lines = (PAYLOADS / "rasa_3_6.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [Message(row["body"].encode(), row["app_id"]) for row in rows]


def message(sender_id: str = "ann", event: str = "user", timestamp: float = 1.0, **fields: Any) -> Message:
    body = {"sender_id": sender_id, "event": event, "timestamp": timestamp, **fields}
    return Message(json.dumps(body).encode())


def said(text: str, *, sender_id: str = "ann", timestamp: float = 1.0, intent: str = "greet", **fields: Any) -> Message:
    """A user's message with a prediction; `confidence`, `entities` and `channel` may be given."""
    parse_data = {
        "intent": {"name": intent, "confidence": fields.pop("confidence", 0.9)},
        "entities": fields.pop("entities", []),
        "text": text,
        "intent_ranking": [],
    }
    channel = fields.pop("channel", "rest")
    return message(sender_id, "user", timestamp, text=text, parse_data=parse_data, input_channel=channel, **fields)


def replied(text: str, *, sender_id: str = "ann", timestamp: float = 2.0, **fields: Any) -> Message:
    return message(sender_id, "bot", timestamp, text=text, data={}, **fields)

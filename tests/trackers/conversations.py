"""Events as Rasa's `as_dict()` gives them, and the recorded conversations."""

import json
from functools import cache
from typing import Any

from tests.rasa import PAYLOADS
from trackers.stores.base import Event


def event(event_name: str, timestamp: float = 1795312549.25, /, **fields: Any) -> Event:
    return {"event": event_name, "timestamp": timestamp, **fields}


def user(text: str, intent: str = "greet", timestamp: float = 1795312549.25, **fields: Any) -> Event:
    parse_data = {"intent": {"name": intent, "confidence": 0.5}, "entities": fields.pop("entities", []), "text": text}
    return event("user", timestamp, text=text, parse_data=parse_data, input_channel="rest", message_id=None, **fields)


def bot(text: str, timestamp: float = 1795312549.25) -> Event:
    return event("bot", timestamp, text=text, data={}, metadata={"utter_action": "utter_x"})


def action(name: str, timestamp: float = 1795312549.25) -> Event:
    return event("action", timestamp, name=name, policy=None, confidence=1.0, action_text=None, hide_rule_turn=False)


def slot(name: str, value: Any, timestamp: float = 1795312549.25) -> Event:
    return event("slot", timestamp, name=name, value=value)


def session() -> list[Event]:
    return [action("action_session_start"), event("session_started")]


@cache
def recorded_rows() -> list[tuple[str, str]]:
    """sender_id and the event's text of all 246 rows of the table that Rasa 3.6.21 wrote on PostgreSQL."""
    lines = (PAYLOADS / "rasa_3_6_tracker_store.jsonl").read_text().splitlines()
    return [(row["sender_id"], row["data"]) for row in map(json.loads, lines)]


@cache
def recorded_conversations() -> dict[str, list[Event]]:
    conversations: dict[str, list[Event]] = {}
    for sender_id, text in recorded_rows():
        conversations.setdefault(sender_id, []).append(json.loads(text))
    return conversations

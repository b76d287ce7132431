"""Events as a busy assistant publishes them: conversations of ten events, two hundred of them going on at a time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

from events import brokers

AT_A_TIME = 200
INTENTS = ["greet", "order_status", "return_item", "goodbye", "nlu_fallback", "affirm", "deny", "ask_price"]
WORDS = ["where", "is", "my", "parcel", "please", "order", "last", "week", "arrived", "thank", "you", "send", "back"]


def conversation(number: int, start: float) -> Iterator[dict[str, Any]]:
    """Ten events: two turns with their session, predictions and a slot, of the fields and sizes that Rasa 3.6 sends."""
    chance = random.Random(number)
    common = {"metadata": {"model_id": "a2ea5c53355540fab4d171e7e786ab5b", "assistant_id": "benchmark"}}
    first, second = (_turn(chance) for _ in range(2))
    kinds: list[dict[str, Any]] = [
        {"event": "action", "name": "action_session_start", "policy": None, "confidence": 1.0, "action_text": None},
        {"event": "session_started"},
        {"event": "action", "name": "action_listen", "policy": None, "confidence": None, "action_text": None},
        *first,
        {"event": "slot", "name": "order_number", "value": str(chance.randrange(10**6))},
        *second,
    ]
    for position, fields in enumerate(kinds):
        stamp = start + position / 100 + chance.random() / 1000
        yield {"sender_id": f"user-{number}", "timestamp": stamp, **common, **fields}


def _turn(chance: random.Random) -> list[dict[str, Any]]:
    text = " ".join(chance.choices(WORDS, k=chance.randint(2, 12)))
    ranking = [{"name": name, "confidence": chance.random()} for name in chance.sample(INTENTS, 5)]
    parse_data = {"intent": ranking[0], "entities": [], "text": text, "intent_ranking": ranking, "text_tokens": []}
    reply = f"utter_{ranking[0]['name']}"
    channel = chance.choice(["rest", "telegram", "webchat"])
    return [
        {"event": "user", "text": text, "parse_data": parse_data, "input_channel": channel, "message_id": "m"},
        {"event": "action", "name": reply, "policy": "RulePolicy", "confidence": 1.0, "action_text": None},
        {"event": "bot", "text": f"About {text[:40]}: one moment.", "data": {"buttons": None}},
    ]


def traffic(first: int, conversations: int) -> Iterator[bytes]:
    """All their events, interleaved as they would be published."""
    start = time.time() - 86_400
    live: list[Iterator[dict[str, Any]]] = []
    waiting = iter(range(first, first + conversations))
    chance = random.Random(first)
    while True:
        while len(live) < AT_A_TIME and (number := next(waiting, None)) is not None:
            live.append(conversation(number, start + number / 2))
        if not live:
            return
        one = live[chance.randrange(len(live))]
        event = next(one, None)
        if event is None:
            live.remove(one)
        else:
            yield json.dumps(event).encode()


def fill_queue(url: str, first: int, conversations: int) -> int:
    """Publishes without waiting for a confirmation of each; returns how many events."""
    from kombu import Connection

    brokers.from_url(url).depth()  # declares the queue as Rasa does
    published = 0
    with Connection(url) as connection:
        channel = connection.channel()
        for body in traffic(first, conversations):
            message = channel.prepare_message(body, content_type=None, properties={"delivery_mode": 2})
            channel.basic_publish(message, exchange="rasa-exchange", routing_key="")
            published += 1
    return published

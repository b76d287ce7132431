import gzip
import json
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import events
from events.brokers.base import BrokerMisconfigured, BrokerUnavailable
from events.configured import event_broker

RECORDED = Path(events.__file__).parent / "demo" / "conversations.jsonl.gz"
DAYS = 30


class Command(BaseCommand):
    help = "Publishes recorded conversations through the event broker, as if they were of the last 30 days."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            broker = event_broker()
            published = sum(1 for event in moved(recorded(), time.time()) if broker.publish(event) is None)
            broker.close()
        except (BrokerMisconfigured, BrokerUnavailable) as error:
            raise CommandError(f"The demo cannot be published: {error}") from error
        self.stdout.write(f"Published {published} recorded events; the event service is keeping them.")


def recorded() -> list[dict[str, Any]]:
    with gzip.open(RECORDED, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def moved(recording: list[dict[str, Any]], now: float) -> Iterator[bytes]:
    """The events with other timestamps, oldest first.

    They were recorded within minutes by a script that types fast. Each conversation gets a day of its own, its people
    take time to read and type, and those who come back do so hours later. The order within a conversation stays.
    """
    conversations: dict[str, list[dict[str, Any]]] = {}
    for event in recording:
        conversations.setdefault(event["sender_id"], []).append(event)
    chance = random.Random(1)
    every = [event for own in conversations.values() for event in _paced(own, now, chance)]
    for event in sorted(every, key=lambda event: event["timestamp"]):
        yield json.dumps(event).encode()


def _paced(conversation: list[dict[str, Any]], now: float, chance: random.Random) -> Iterator[dict[str, Any]]:
    in_order = sorted(conversation, key=lambda event: event["timestamp"])
    pauses = list(accumulate(_pause(before, event, chance) for before, event in pairwise([{}, *in_order])))
    length = pauses[-1] + in_order[-1]["timestamp"] - in_order[0]["timestamp"] + 60
    # More people wrote lately, as with an assistant that catches on.
    start = now - length - (DAYS * 86_400 - length) * chance.random() ** 1.5
    shift = start - in_order[0]["timestamp"]
    for event, pause in zip(in_order, pauses, strict=True):
        yield _later(event, shift + pause)


def _pause(before: dict[str, Any], event: dict[str, Any], chance: random.Random) -> float:
    """Seconds of life before this event: hours before a new session, the time to read and type before a message."""
    if before and _opens_session(event) and not _opens_session(before):
        return chance.uniform(2, 40) * 3600
    if event["event"] == "user" and before.get("event") != "rewind":  # after a rewind Rasa says the same once more
        return min(90.0, chance.lognormvariate(2.2, 0.8))
    return 0.0


def _opens_session(event: dict[str, Any]) -> bool:
    return event.get("name") in {"session_started_metadata", "action_session_start"}


def _later(event: dict[str, Any], seconds: float) -> dict[str, Any]:
    moved = {**event, "timestamp": round(event["timestamp"] + seconds, 6)}
    if event["event"] == "reminder":
        moved["date_time"] = (datetime.fromisoformat(event["date_time"]) + timedelta(seconds=seconds)).isoformat()
    return moved

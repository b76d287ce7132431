import json
import time
from collections import Counter

from events.management.commands.load_demo import DAYS, moved, recorded
from events.vocabulary import UnknownEvent, parse


def places(events):
    """For each conversation the order of its events, told by all but their times."""
    order = {}
    for event in sorted(events, key=lambda event: event["timestamp"]):
        told = {name: value for name, value in event.items() if name not in {"timestamp", "date_time"}}
        order.setdefault(event["sender_id"], []).append(json.dumps(told))
    return order


def test_the_demo_is_moved_to_the_last_thirty_days_and_keeps_its_order():
    now = time.time()
    events = [json.loads(body) for body in moved(recorded(), now)]
    assert len(events) == len(recorded())
    assert now - DAYS * 86_400 <= min(e["timestamp"] for e in events) < now - 20 * 86_400
    assert now - 2 * 86_400 < max(e["timestamp"] for e in events) < now
    assert places(events) == places(recorded())


def test_the_demo_holds_what_a_team_meets():
    envelopes = [parse(json.dumps(event).encode()) for event in recorded()]
    types = Counter(envelope.type for envelope in envelopes)
    assert len({envelope.sender_id for envelope in envelopes}) >= 200
    assert not [envelope.data for envelope in envelopes if isinstance(envelope.event, UnknownEvent)]
    for event_type in ("active_loop", "action_execution_rejected", "agent", "pause", "reminder", "rewind", "restart"):
        assert types[event_type], event_type

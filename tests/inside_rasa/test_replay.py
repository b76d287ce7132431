"""Random conversations, replayed by Rasa and by trackers/tracker.py.

`RASA_PYTHON=… python -m tests.inside_rasa.test_replay` records tests/payloads/rasa_3_6_states.jsonl.gz anew.
"""

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.rasa import PAYLOADS, recorded
from trackers.tracker import DialogueStateTracker, EventVerbosity

pytestmark = pytest.mark.rasa

REPLAY = Path(__file__).parent / "replay.py"
RECORDING = PAYLOADS / "rasa_3_6_states.jsonl.gz"
SLOTS = {"city": None, "count": 0, "tags": ["new"], "requested_slot": None}
FORMS = "booking_form", "address_form"
TEXTS = (
    "hello",
    "no",
    "1.5",
    "~",
    "a: b # c",
    "- 'quoted' \"twice\"",
    "to Berlin, please",
    "再见 👋🏽",
    "two\nlines",
    "\n  indented\n\n",
    "trailing ",
    "tab\there",
    "/greet",
    '/book{"city": "Ulm"}',
    '[Rome](city) or [Ulm]{"entity": "city"}',
    "back\\slash %s {x} &a *b !c |d >e @f `g",
    "",
    None,
)
VALUES: tuple[Any, ...] = (
    "Berlin",
    "no",
    "",
    None,
    1.5,
    3,
    True,
    ["a", "no"],
    [],
    {"deep": [1, {"er": None}]},
    "再见",
    "two\nlines",
    "1",
)
Event = dict[str, Any]
Conversation = dict[str, Any]


@pytest.mark.parametrize("seed", range(8))
def test_random_conversations_lead_to_the_state_and_the_stories_that_rasa_has(seed: int) -> None:
    random = Random(seed)
    conversations = [random_conversation(random) for _ in range(100)]
    for conversation, expected in zip(conversations, replayed(conversations), strict=True):
        compare(conversation, expected)


def test_of_a_limited_history_the_same_is_forgotten() -> None:
    random = Random(1)
    conversations = [{**random_conversation(random), "max_event_history": random.choice((1, 4, 9))} for _ in range(200)]
    for conversation, expected in zip(conversations, replayed(conversations), strict=True):
        assert states(conversation) == [comparable(state) for state in expected["states"]]


def compare(conversation: Conversation, expected: dict[str, Any]) -> None:
    tracker = DialogueStateTracker.from_events(**conversation)
    assert states(conversation) == [comparable(state) for state in expected["states"]]
    assert without_roles(tracker.as_story()) == expected["story"]
    assert tracker.as_test_story() == expected["test_story"]


def states(conversation: Conversation) -> list[dict[str, Any]]:
    tracker = DialogueStateTracker.from_events(**conversation)
    return [comparable(tracker.current_state(verbosity)) for verbosity in EventVerbosity]


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    """Rasa dumps an event of an earlier version under its new name, and drops fields; the times tell which it is."""
    events = state["events"]
    return {**state, "events": events and [event["timestamp"] for event in events]}


def without_roles(story: str) -> str:
    """Rasa's stories lose them; see trackers/stories.py."""
    return re.sub(r"^ +(role|group): .*\n", "", story, flags=re.MULTILINE)


def replayed(conversations: list[Conversation]) -> list[dict[str, Any]]:
    python = os.environ.get("RASA_PYTHON")
    if not python:
        pytest.fail("Set RASA_PYTHON to the path of a Python in which Rasa Open Source 3.6 is installed.")
    lines = "".join(json.dumps(conversation) + "\n" for conversation in conversations)
    answer = subprocess.run([python, REPLAY], input=lines, capture_output=True, text=True, check=False, timeout=600)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def random_conversation(random: Random) -> Conversation:
    kinds = random.choices(list(MAKERS), k=12)  # some conversations are mostly rewinds, some have many loops
    wanted = random.choices([*kinds, *MAKERS], k=random.randint(0, 40))
    events: list[Event] = []
    for kind in wanted:
        for fields in MAKERS[kind](random):
            events.append({**fields, "timestamp": float(len(events) + 1)})
    return {"sender_id": random.choice(("ann", "1.5", "no")), "slots": random.choice((None, SLOTS)), "events": events}


def action(name: str | None, text: str | None = None) -> Event:
    return {"event": "action", "name": name, "policy": None, "confidence": 1.0, "action_text": text}


def user(random: Random) -> Event:
    text = random.choice(TEXTS)
    intent = random.choice(({"name": "greet", "confidence": 0.9}, {"name": "no"}, {"name": None}, {}))
    if random.random() < 0.1:
        intent = {"name": "faq", "full_retrieval_intent_name": "faq/hours"}
    parse_data = {"intent": intent, "entities": entities(random, text or ""), "text": text, "intent_ranking": []}
    channel = random.choice(("rest", None))
    return {"event": "user", "text": text, "parse_data": parse_data, "input_channel": channel, "message_id": "m"}


def entities(random: Random, text: str) -> list[Event]:
    found: list[Event] = []
    end = 0
    while end < len(text) and random.random() < 0.4:
        start = random.randint(end, len(text) - 1)
        end = random.randint(start + 1, len(text))
        found += [entity(random, text, start, end) for _ in range(random.choice((1, 1, 2)))]
    return found


def entity(random: Random, text: str, start: int, end: int) -> Event:
    made = {"entity": random.choice(("city", "no")), "start": start, "end": end, "value": text[start:end]}
    made.update(random.choice(({}, {"role": "to"}, {"group": "1"}, {"role": "to", "group": "1"}, {"value": "Ulm 👋"})))
    if random.random() < 0.1:
        del made["value"]
    return made


def turn(random: Random) -> list[Event]:
    featurization = {"event": "user_featurization", "use_text_for_featurization": random.random() < 0.2}
    return [action("action_listen"), user(random), featurization, action("utter_greet")]


def loop_turn(random: Random) -> list[Event]:
    form = random.choice(FORMS)
    start = [{"event": "active_loop", "name": form}] if random.random() < 0.5 else []
    slot = {"event": "slot", "name": "city", "value": random.choice(VALUES)}
    return [action("action_listen"), user(random), action(form), *start, slot]


def unhappy_turn(random: Random) -> list[Event]:
    form = random.choice(FORMS)
    rejected = {"event": "action_execution_rejected", "name": form, "policy": None, "confidence": None}
    return [rejected, *turn(random)]


MAKERS: dict[str, Any] = {
    "turn": turn,
    "loop_turn": loop_turn,
    "unhappy_turn": unhappy_turn,
    "loop_end": lambda random: [{"event": random.choice(("active_loop", "form")), "name": None}],
    "form": lambda random: [{"event": "form", "name": random.choice(FORMS)}],
    "user": lambda random: [user(random)],
    "action": lambda random: [action(random.choice(("action_listen", "utter_bye", "...", "action_unlikely_intent")))],
    "end_to_end": lambda random: [action(None, random.choice(TEXTS[:-2]))],
    "form_action": lambda random: [action(random.choice(FORMS))],
    "bot": lambda _: [{"event": "bot", "text": "hi", "data": {}, "metadata": {"utter_action": "utter_greet"}}],
    "agent": lambda _: [{"event": "agent", "text": "hi", "data": None}],
    "slot": lambda random: [
        {"event": "slot", "name": random.choice(("city", "tags", "other")), "value": random.choice(VALUES)}
    ],
    "reset_slots": lambda _: [{"event": "reset_slots"}],
    "rewind": lambda _: [{"event": "rewind"}],
    "undo": lambda _: [{"event": "undo"}],
    "restart": lambda _: [{"event": "restart"}],
    "session": lambda _: [action("action_session_start"), {"event": "session_started"}],
    "pause": lambda random: [{"event": random.choice(("pause", "resume"))}],
    "followup": lambda _: [{"event": "followup", "name": "utter_bye"}],
    "interrupted": lambda random: [{"event": "loop_interrupted", "is_interrupted": random.random() < 0.7}],
    "form_validation": lambda random: [{"event": "form_validation", "validate": random.random() < 0.3}],
    "rejected": lambda random: [{"event": "action_execution_rejected", "name": random.choice(FORMS)}],
    "entities": lambda random: [
        {"event": "entities", "entities": [{"entity": "late", "value": random.choice(("x", "y"))}]}
    ],
    # Never without its message: when Rasa replays, it would give a late one to the message before.
    "featurization": lambda random: [
        action("action_listen"),
        user(random),
        {"event": "user_featurization", "use_text_for_featurization": random.choice((True, False, None))},
    ],
    "reminder": lambda _: [{"event": "reminder", "intent": "late", "date_time": "2026-01-01T10:00:00", "name": "r"}],
    "other": lambda random: [{"event": random.choice(("export", "cancel_reminder"))}],
}


def recorded_conversations() -> list[Conversation]:
    found: dict[str, list[Event]] = {}
    for message in recorded():
        event = json.loads(message.body)
        found.setdefault(event.pop("sender_id"), []).append(event)
    return [{"sender_id": sender_id, "slots": None, "events": events} for sender_id, events in found.items()]


def record() -> None:
    random = Random(2026)
    conversations = [*recorded_conversations(), *(random_conversation(random) for _ in range(160))]
    pairs = zip(conversations, replayed(conversations), strict=True)
    lines = "".join(json.dumps({**conversation, "rasa": expected}) + "\n" for conversation, expected in pairs)
    RECORDING.write_bytes(gzip.compress(lines.encode(), mtime=0))


if __name__ == "__main__":
    record()

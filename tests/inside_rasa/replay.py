"""What Rasa makes of conversations; runs in a Python that has Rasa.

Reads JSON lines {"sender_id", "slots" (name -> initial value, or null), "events", "max_event_history"} and writes one
for each: {"states": [one for each EventVerbosity], "story", "test_story"}.
"""

import json
import logging
import sys
from contextlib import contextmanager

from rasa.shared.core.events import UserUttered, deserialise_events
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.shared.core.training_data.story_writer.yaml_story_writer import YAMLStoryWriter


def main():
    logging.disable()
    for line in sys.stdin:
        print(json.dumps(replay(**json.loads(line))), flush=True)


def replay(**conversation):
    with forgetful_messages():
        tracker = tracker_of(**conversation)
        states = [tracker.current_state(verbosity) for verbosity in EventVerbosity]
    tracker = tracker_of(**conversation)
    story, test_story = (tracker.export_stories(YAMLStoryWriter(), e2e=e2e) for e2e in (False, True))
    return {"states": json.loads(json.dumps(states)), "story": story, "test_story": test_story}


def tracker_of(sender_id, slots, events, max_event_history=None):
    known = None
    if slots is not None:
        known = [AnySlot(name, mappings=[{"type": "custom"}], initial_value=slots[name]) for name in slots]
    read = deserialise_events(json.loads(json.dumps(events)))
    for event in read:
        if isinstance(event, UserUttered):
            event.entities = list(event.entities)  # Rasa adds to the very list that it dumps as the event's
    return DialogueStateTracker.from_events(sender_id, read, known, max_event_history)


@contextmanager
def forgetful_messages():
    """Rasa adds entities to messages in place and so keeps those whose event was reverted. A reset forgets them."""
    reset = DialogueStateTracker._reset

    def forget(tracker):
        reset(tracker)
        for event in tracker.events:
            if isinstance(event, UserUttered):
                event.entities = list(event.parse_data.get("entities") or [])

    DialogueStateTracker._reset = forget
    try:
        yield
    finally:
        DialogueStateTracker._reset = reset


if __name__ == "__main__":
    main()

"""Run with the Python of a real Rasa: holds conversations on Rasa's own tracker store and on ours, in one process.

Reads one JSON object on stdin: `store` (a class's name), `url`, `parameters`, `conversations` (sender_id to events).
Each conversation is kept three times: written by Rasa's store, by ours, and by both in turns. Writes to stdout what
each of the two reads of it.
"""

import asyncio
import inspect
import json
import sys
import warnings

warnings.filterwarnings("ignore")

import rasa.core.tracker_store as of_rasa  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import deserialise_events  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

LOOP = asyncio.new_event_loop()
EVENTS_A_TURN = 5


def done(result):
    return LOOP.run_until_complete(result) if inspect.isawaitable(result) else result


def opened(kind, url, parameters):
    endpoint = EndpointConfig(url=url, type=kind, **parameters)
    return of_rasa.FailSafeTrackerStore(of_rasa.TrackerStore.create(endpoint, domain=Domain.empty()))


def held(sender_id, events, stores):
    """Turn by turn, as a server does: load the tracker, add events, save it; the stores take turns."""
    for number, start in enumerate(range(0, len(events), EVENTS_A_TURN)):
        store = stores[number % len(stores)]
        tracker = done(store.get_or_create_tracker(sender_id, append_action_listen=False))
        for event in deserialise_events(events[start : start + EVENTS_A_TURN]):
            tracker.update(event)
        done(store.save(tracker))


def read(store, sender_id):
    tracker = done(store._tracker_store.retrieve_full_tracker(sender_id))  # the wrapper of Rasa 2 lacks it
    latest = done(store.retrieve(sender_id))
    state = latest.current_state()
    return {"events": [event.as_dict() for event in tracker.events], "state": state}


def main():
    task = json.load(sys.stdin)
    kinds = {"SQLTrackerStore": "sql", "RedisTrackerStore": "redis"}
    rasas = opened(kinds[task["store"]], task["url"], task["parameters"])
    ours = opened(f"trackers.rasa.{task['store']}", task["url"], task["parameters"])
    answer = {"class": type(ours._tracker_store).__module__, "conversations": []}
    for sender_id, events in task["conversations"].items():
        for writer, stores in (("rasas", [rasas]), ("ours", [ours]), ("mixed", [rasas, ours])):
            name = f"{writer} {sender_id}"
            held(name, events, stores)
            found = {"name": name, "events": events, "by_rasas": read(rasas, name), "by_ours": read(ours, name)}
            answer["conversations"].append(found)
    answer["keys"] = sorted(done(ours.keys()))
    print(json.dumps(answer))


main()

"""Loads a conversation, adds one event, saves it: Rasa's own tracker stores and ours, at several lengths.

Runs in two Pythons. With Rasa's (RASA_PYTHON) it measures, in one process, Rasa's own stores and ours inside Rasa
(`trackers.rasa`); with the project's it measures our stores on their own. Both print one JSON object; `compare` puts
them side by side. Nothing of Django is imported here.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ending import end_in_order

LENGTHS = (10, 100, 1_000, 10_000)
DATABASES = ("ours", "in2", "in3")
ROOT = Path(__file__).parent.parent
# Rasa 3.6.21's own stores on a 2-core machine, for where no Rasa is at hand: median ms to load and save.
RECORDED = {
    "sqlite": {10: 4.6, 100: 9.1, 1_000: 58.1, 10_000: 728.0},
    "postgresql": {10: 4.5, 100: 8.9, 1_000: 59.5, 10_000: 705.0},
    "redis": {10: 2.0, 100: 11.3, 1_000: 106.9, 10_000: 1266.0},
}


def events(length: int) -> list:
    """One session of a conversation of Rasa's fields and sizes, about 250 bytes an event."""
    ranking = [{"name": f"intent_{number}", "confidence": 0.1} for number in range(10)]
    found = [_action("action_session_start", 1.0), {"event": "session_started", "timestamp": 1.1}]
    at = 2.0
    while len(found) < length:
        at += 1
        text = f"hello there number {at}"
        parse_data = {"intent": ranking[0], "entities": [], "text": text, "message_id": "m", "metadata": {}}
        found += [
            {"event": "user", "timestamp": at, "text": text, "parse_data": {**parse_data, "intent_ranking": ranking},
             "input_channel": "rest", "message_id": "m", "metadata": {}},
            _action("utter_x", at + 0.1),
            {"event": "bot", "timestamp": at + 0.2, "metadata": {"utter_action": "utter_x"}, "text": "x", "data": {}},
            {"event": "slot", "timestamp": at + 0.3, "name": "s", "value": text},
            _action("action_listen", at + 0.4),
        ]  # fmt: skip
    return found[:length]


def _action(name: str, at: float) -> dict:
    return {"event": "action", "timestamp": at, "name": name, "policy": "p", "confidence": 1.0, "action_text": None,
            "hide_rule_turn": False}  # fmt: skip


def done(loop, result):
    return loop.run_until_complete(result) if inspect.isawaitable(result) else result


def measure(stores: dict, tracker_of, slot, rounds: int, settle) -> dict:
    """Median, least and greatest ms of loading and saving, {name: {length: {...}}}; the stores take turns.

    `again` is a second save of the same tracker, when the processor's caches no longer hold what was loaded.
    """
    loop = asyncio.new_event_loop()
    measured: dict = {}
    for length in LENGTHS:
        some = max(3, rounds if length < 10_000 else rounds // 3)
        for name, store in stores.items():
            sender_id = f"{name} {length}"
            done(loop, store.save(tracker_of(sender_id, events(length))))
            done(loop, store.retrieve(sender_id))
        settle()
        times: dict = {name: ([], [], []) for name in stores}
        for number in range(some):
            for name, store in stores.items():
                started = time.perf_counter()
                tracker = done(loop, store.retrieve(f"{name} {length}"))
                tracker.update(slot(f"n{number}", 1e9 + number))
                loaded = time.perf_counter()
                done(loop, store.save(tracker))
                times[name][0].append(loaded - started)
                saved = time.perf_counter()
                times[name][0].append(loaded - started)
                times[name][1].append(saved - loaded)
                if name.startswith("ours"):  # Rasa's Redis store would take minutes for a long conversation
                    tracker.update(slot(f"again{number}", 2e9 + number))
                    updated = time.perf_counter()
                    done(loop, store.save(tracker))
                    times[name][2].append(time.perf_counter() - updated)
        for name, (load, save, again) in times.items():
            both = [a + b for a, b in zip(load, save)]  # noqa: B905
            figures = {"save": _spread(save), "again": _spread(again), "both": _spread(both)}
            measured.setdefault(name, {})[length] = figures
    return measured


def _spread(seconds: list) -> list:
    seconds = seconds or [0.0]
    return [round(1000 * value, 3) for value in (statistics.median(seconds), min(seconds), max(seconds))]


def on_our_own(task: dict) -> dict:
    from trackers.stores.redis import RedisTrackerStore
    from trackers.stores.sql import SQLTrackerStore
    from trackers.tracker import DialogueStateTracker

    stores = {
        "ours, sqlite": SQLTrackerStore(db=task["folder"] + "/ours.db"),
        "ours, postgresql": SQLTrackerStore(host=task["postgresql"] + "/ours"),
        "ours, redis": RedisTrackerStore(host="127.0.0.1", port=task["redis"], db=1),
    }
    return measure(stores, DialogueStateTracker.from_events, _slot, task["rounds"], _settler(task))


def inside_rasa(task: dict) -> dict:
    import rasa.core.tracker_store as of_rasa
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import SlotSet
    from rasa.shared.core.trackers import DialogueStateTracker

    import trackers.rasa as ours

    domain = Domain.from_yaml("slots:\n  s:\n    type: text\n    mappings: [{type: custom}]\n")
    redis = {"host": "127.0.0.1", "port": task["redis"]}
    stores = {}
    for name, module, number in (("Rasa's", of_rasa, 2), ("ours in Rasa", ours, 3)):
        path = f"{task['folder']}/{number}.db"
        stores[f"{name}, sqlite"] = module.SQLTrackerStore(domain=domain, db=path)
        stores[f"{name}, postgresql"] = module.SQLTrackerStore(domain=domain, host=f"{task['postgresql']}/in{number}")
        stores[f"{name}, redis"] = module.RedisTrackerStore(domain=domain, db=number, **redis)

    def slot(name, at):
        return SlotSet("s", name, timestamp=at)

    def tracker_of(sender_id, some):
        return DialogueStateTracker.from_dict(sender_id, some, domain.slots)

    return measure(stores, tracker_of, slot, task["rounds"], _settler(task))


def _settler(task: dict):
    """PostgreSQL looks at a new table once a minute; until then it plans without knowing its size."""

    def settle() -> None:
        import psycopg2

        for name in DATABASES:
            with psycopg2.connect(f"{task['postgresql']}/{name}") as connection, connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass('events')")
                if cursor.fetchone()[0]:
                    cursor.execute("ANALYZE events")
            connection.close()

    return settle


def _slot(name: str, at: float) -> dict:
    return {"event": "slot", "timestamp": at, "name": "s", "value": name}


def show(postgres, redis, rounds: int) -> None:
    """Prints both measurements, and how many times faster ours are."""
    with TemporaryDirectory() as folder:
        compare(postgres, redis, folder, rounds)


def compare(postgres, redis, folder: str, rounds: int) -> None:
    for name in DATABASES:
        postgres.create_database(name)
    task = {"folder": folder, "postgresql": postgres.url("").rstrip("/"), "redis": redis.port, "rounds": rounds}
    measured = _run(sys.executable, {**task, "where": "alone"})
    python = os.environ.get("RASA_PYTHON", "")
    if Path(python).is_file():
        measured.update(_run(python, {**task, "where": "in Rasa"}))
    else:
        print("No Rasa at RASA_PYTHON: its figures are those of another run, so the ratios are rough.")
    print(f"Load a conversation, add one event, save it; median ms (least to greatest) of {rounds} rounds")
    for backend in ("sqlite", "postgresql", "redis"):
        for length in LENGTHS:
            _print_line(measured, backend, length)


def _print_line(measured: dict, backend: str, length: int) -> None:
    rasas = measured.get(f"Rasa's, {backend}", {}).get(str(length), {}).get("both")
    baseline = rasas[0] if rasas else RECORDED[backend][length]
    print(f"  {backend:10} {length:6} events" + (f"  Rasa's {_figure(rasas)}" if rasas else f"  Rasa's {baseline}"))
    for name in ("ours", "ours in Rasa"):
        found = measured.get(f"{name}, {backend}", {}).get(str(length))
        if found:
            ratio = f"{baseline / found['both'][0]:6.1f} x" if baseline else ""
            saves = f"the save {_figure(found['save'])}, again {_figure(found['again'])}"
            print(f"    {name:13} {_figure(found['both'])} {ratio}   {saves}")


def _figure(spread: list) -> str:
    return f"{spread[0]:8.2f} ({spread[1]:.2f} to {spread[2]:.2f})"


def _run(python: str, task: dict) -> dict:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [python, __file__], input=json.dumps(task), capture_output=True, text=True, check=False, env=environment
    )
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


if __name__ == "__main__":
    end_in_order()
    warnings.filterwarnings("ignore")
    TASK = json.load(sys.stdin)
    print(json.dumps(inside_rasa(TASK) if TASK["where"] == "in Rasa" else on_our_own(TASK)))

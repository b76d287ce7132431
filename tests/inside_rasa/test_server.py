"""Whole conversations with a Rasa server on our stores, beside the same ones on Rasa's own."""

import time
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.inside_rasa.server import call, rasa_server, train
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.rasa

PAUSE = 7.0  # longer than a session
SAID: list[Any] = [
    "hello", "/reserve", '/inform{"city": "Rome"}', '/inform{"people": 4}', "hello", "/reserve", PAUSE, "hello",
    '/inform{"city": "Köln 漢字"}', "/stop", "/restart", "hello", "what?", PAUSE, "/reserve", "bye",
]  # fmt: skip
POSTED = [
    {"event": "slot", "name": "colour", "value": "red"},
    {"event": "pause"}, {"event": "resume"}, {"event": "rewind"}, {"event": "undo"},
    {"event": "agent", "text": "a person speaks", "data": None},
    {"event": "restart"}, {"event": "followup", "name": "utter_greet"},
]  # fmt: skip
FLEETING = {"timestamp", "latest_event_time", "message_id"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("model"))


def without(names: Set[str], found: Any) -> Any:
    if isinstance(found, dict):
        return {name: without(names, value) for name, value in found.items() if name not in names}
    return [without(names, item) for item in found] if isinstance(found, list) else found


def talk(url: str) -> list[Any]:
    """What the bot answers, the trackers, and the story."""
    answers = []
    for text in SAID:
        if isinstance(text, float):
            time.sleep(text)
        else:
            answers.append(call(url, "/webhooks/rest/webhook", {"sender": "ann", "message": text}))
            answers.append(call(url, "/conversations/ann/tracker?include_events=NONE"))
    # Rasa stamps a posted event before it begins the session, and its SQL store then takes it for an earlier one's.
    call(url, "/webhooks/rest/webhook", {"sender": "bob", "message": "hello"})
    for event in POSTED:
        answers.append(call(url, "/conversations/bob/tracker/events?include_events=NONE", event))
        answers.append(call(url, "/conversations/bob/tracker?include_events=NONE"))
    return answers


def full_trackers(url: str) -> list[Any]:
    return [call(url, f"/conversations/{name}/tracker?include_events=ALL")["events"] for name in ("ann", "bob")]


def compare(
    model: Path, folder: Path, rasas: dict[str, Any], ours: dict[str, Any], differing: Set[str] = frozenset()
) -> None:
    with rasa_server(model, folder / "rasas", rasas) as url:
        expected = talk(url)
    with rasa_server(model, folder / "ours", ours) as url:
        answers = talk(url)
        ours_read = full_trackers(url)
    for number, (answer, wanted) in enumerate(zip(answers, expected, strict=True)):
        assert without(differing | FLEETING, answer) == without(differing | FLEETING, wanted), number
    # What ours kept, Rasa's own store goes on with.
    with rasa_server(model, folder / "handover", {**ours, "type": rasas["type"]}) as url:
        latest = [_since_the_session(events) for events in full_trackers(url)]
        assert latest == [_since_the_session(events) for events in ours_read]
        assert call(url, "/webhooks/rest/webhook", {"sender": "ann", "message": "bye"})[0]["text"] == "Bye"


def _since_the_session(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    starts = [number for number, event in enumerate(events) if event["event"] == "session_started"]
    return events[starts[-1] if starts else 0 :]


def test_the_answers_on_our_sql_store_are_those_on_rasas(model: Path, tmp_path: Path) -> None:
    rasas = {"type": "sql", "dialect": "sqlite", "db": str(tmp_path / "rasas.db")}
    compare(model, tmp_path, rasas, {"type": "trackers.rasa.SQLTrackerStore", "db": str(tmp_path / "ours.db")})


def test_the_answers_on_our_redis_store_are_those_on_rasas(
    model: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    address = {"url": "127.0.0.1", "port": redis_server.port}
    rasas = {"type": "redis", "db": 7, **address}
    ours = {"type": "trackers.rasa.RedisTrackerStore", "db": 8, **address}
    # Rasa's Redis store, unlike its others, forgets in a conversation of one session the message that a form took,
    # and that a restart is to be followed by a session. Ours is like the others.
    compare(model, tmp_path, rasas, ours, differing={"latest_message", "followup_action"})

"""`manage.py import_conversations`: a tracker store's history and live events meet without duplicates."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.core.management.base import CommandError

from events.brokers.base import Message
from events.endpoints import read_endpoints
from events.models import BrokerPosition, Conversation, Environment, Event, Facet, RejectedMessage
from tests.deployment import Deployment
from tests.long import ONLY_LONG
from tests.rasa import recorded
from tests.servers.dynamo import DynamoMock
from tests.servers.mongo import MongoMock
from tests.servers.sharing import shared_server
from tests.trackers.conftest import MANY, Terminal, add_rows, fill_sqlite, run, save
from tests.trackers.conversations import recorded_conversations, user
from trackers import stores
from trackers.moving import importer, progress
from trackers.stores import TrackerStore, TrackerStoreUnavailable, encoding
from trackers.stores.memory import InMemoryTrackerStore
from trackers.tracker import DialogueStateTracker

pytestmark = pytest.mark.django_db


def import_from(path: Path, *options: str) -> str:
    told, _ = run("import_conversations", path, "--processes=1", *options)
    return told


@pytest.fixture(params=["sqlite", "redis"])
def rasas_store(request: Any, endpoints: Any) -> Path:
    """The recorded conversations, in different stores."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_store")[0]
    client = request.getfixturevalue("redis_client")
    for sender_id, events in recorded_conversations().items():
        client.set(f"tracker:{sender_id}", json.dumps({"events": events, "name": sender_id}))
    return endpoints(**request.getfixturevalue("redis_section"))


def test_what_is_imported_is_to_the_byte_what_rasa_published(rasas_store: Path) -> None:
    assert "Imported 246 events of 6 conversations" in import_from(rasas_store)
    assert sorted(Event.objects.values_list("data", flat=True)) == sorted(m.body.decode() for m in recorded())


def test_an_import_adds_nothing_to_live_events(rasas_store: Path) -> None:
    Conversation.objects.record(recorded())
    assert "Imported 0 events of 6 conversations" in (told := import_from(rasas_store))
    assert "246 were there already" in told


def test_live_events_add_nothing_to_an_import(rasas_store: Path) -> None:
    import_from(rasas_store)
    outcome = Conversation.objects.record(recorded())
    assert (outcome.stored, outcome.repeated) == (0, 246)


def test_a_finished_import_begins_anew_and_changes_nothing(rasas_store: Path) -> None:
    import_from(rasas_store)
    assert not BrokerPosition.objects.exists()
    assert "Imported 0 events of 6 conversations" in import_from(rasas_store)


class RoundingTrackerStore(InMemoryTrackerStore):
    """Gives back confidences with two places, as DynamoDB does with nine."""

    kept: ClassVar[dict[str, list[str]]] = {}

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._texts = self.kept

    def append(self, tracker: Any, events: Any, version: Any) -> Any:
        return super().append(tracker, [json.loads(self.identity(event)) for event in events], version)

    def identity(self, event: Any) -> str:
        return encoding.identity(json.loads(json.dumps(event), parse_float=lambda text: round(float(text), 2)))


def test_live_events_that_the_store_gives_back_rounded_are_recognised(endpoints: Any) -> None:
    RoundingTrackerStore.kept.clear()
    live = [{"event": "action", "timestamp": float(number), "name": "x", "confidence": 1 / 3} for number in range(4)]
    Conversation.objects.record([Message(json.dumps({"sender_id": "ann", **event}).encode()) for event in live[:3]])
    save(RoundingTrackerStore(), "ann", *live)
    save(RoundingTrackerStore(), "bob", *live)
    path = endpoints(type="tests.trackers.test_import.RoundingTrackerStore")
    assert "Imported 5 events of 2 conversations" in import_from(path)
    assert [event.raw["confidence"] for event in Event.objects.filter(conversation__sender_id="ann").in_order()] == [
        *[1 / 3] * 3,
        0.33,
    ]
    assert "8 were there already" in import_from(path)


@pytest.mark.parametrize("server_class", [DynamoMock, MongoMock])
def test_dynamodb_and_mongodb_add_nothing_to_live_events(
    server_class: Any, server_addresses: Path, endpoints: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    own = uuid4().hex
    with shared_server(server_class, server_addresses) as server:
        kind = {"type": "dynamo", "table_name": own} if server_class is DynamoMock else {"type": "mongod", "db": own}
        path = endpoints(url=server.url, **kind)
        store = stores.create(read_endpoints(path).tracker_store)
        for sender_id, events in recorded_conversations().items():
            save(store, sender_id, *events)
        Conversation.objects.record(recorded())
        assert "Imported 0 events of 6 conversations" in import_from(path)
    store.close()


BROKEN = {
    "broken JSON": ('{"event": "user", "time', r"event 2 is not JSON"),
    "no object": ("[1, 2]", r"event 2 is not an object"),
    "two halves that would make a whole": ('{"a": 1}, {"event": "x", "timestamp": 1}', r"event 2 is not JSON"),
    "nothing": ("", r"event 2 is not JSON"),
    "an event without a name": ('{"timestamp": 1}', r"event 2 is not an object with an event's name"),
    "an empty object": ("{}", r"event 2 is not an object with an event's name"),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_conversation_is_skipped_whole_and_named(sqlite_store: Any, text: str, reason: str) -> None:
    path, database = sqlite_store
    good = '{"event": "restart", "timestamp": 1.0}'
    add_rows(database, [("broken", good), ("broken", text), ("broken", good)])
    told = import_from(path)
    assert "Imported 246 events of 7 conversations" in told
    assert re.search(f"Skipped 1 conversations:\n  broken: .*{reason}", told)
    assert not Conversation.objects.filter(sender_id="broken").exists()


def test_a_pickled_tracker_of_rasa_1_is_skipped_and_named(
    endpoints: Any, redis_section: Any, redis_client: Any
) -> None:
    redis_client.set("tracker:old", b"\x80\x03crasa.core.trackers\nDialogueStateTracker\nq\x00.")
    redis_client.set("tracker:new", json.dumps({"events": [user("hi")], "name": "new"}))
    told = import_from(endpoints(**redis_section))
    assert "Imported 1 events of 2 conversations" in told
    assert "old: the key tracker:old is a pickle of Rasa 1" in told


AWKWARD = {
    "sender_id in the event itself": '{"event": "slot", "timestamp": 1.5, "name": "x", "sender_id": "other"}',
    "spaces": ' { "event":"slot", "timestamp":1.5, "name":"x" } ',
    "not escaped": '{"event": "slot", "timestamp": 1.5, "name": "x", "value": "ü \U0001f600"}',
    "not a number": '{"event": "slot", "timestamp": 1.5, "name": "x", "value": NaN}',
}


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_event_comes_to_its_own_conversation(sqlite_store: Any, text: str) -> None:
    path, database = sqlite_store
    add_rows(database, [('a "b" ü', text)])
    import_from(path)
    assert Event.objects.get(timestamp=1.5).conversation.sender_id == 'a "b" ü'
    assert "Imported 0 events" in import_from(path)


def test_an_event_that_cannot_be_kept_is_rejected_and_its_neighbours_are_imported(sqlite_store: Any) -> None:
    path, database = sqlite_store
    add_rows(database, [("ann", '{"event": "restart"}'), ("ann", '{"event": "restart", "timestamp": 1.0}')])
    told = import_from(path)
    assert "Imported 247 events of 7 conversations" in told
    assert "1 events cannot be kept" in told
    rejected = RejectedMessage.objects.get()
    assert (bytes(rejected.body), rejected.source) == (b'{"sender_id": "ann", "event": "restart"}', "import")


def test_a_conversation_without_events_is_no_trouble(endpoints: Any, redis_section: Any, redis_client: Any) -> None:
    redis_client.set("tracker:empty", '{"events": [], "name": "empty"}')
    assert "Imported 0 events of 1 conversations" in import_from(endpoints(**redis_section))


def test_since_and_until_choose_events(tmp_path: Path, endpoints: Any) -> None:
    fill_sqlite(tmp_path / "r.db", [("ann", f'{{"event": "restart", "timestamp": {n}}}') for n in range(10, 15)])
    path = endpoints(type="SQL", db=str(tmp_path / "r.db"))
    import_from(path, "--since=11", "--until=1970-01-01T00:00:13")
    assert list(Event.objects.in_order().values_list("timestamp", flat=True)) == [11.0, 12.0]
    import_from(path, "--since=1970-01-01T02:00:14+02:00")
    assert Event.objects.count() == 3


def test_conversation_ids_choose_and_the_missing_ones_are_named(sqlite_store: Any) -> None:
    told = import_from(sqlite_store[0], "--conversation-ids=v3pika-form, nobody")
    assert list(Conversation.objects.values_list("sender_id", flat=True)) == ["v3pika-form"]
    assert "nobody: the tracker store has no such conversation" in told


def test_the_environment_is_the_one_that_was_given(sqlite_store: Any) -> None:
    import_from(sqlite_store[0], "--environment=staging")
    assert list(Environment.objects.values_list("name", flat=True)) == ["staging"]
    assert Facet.objects.get(kind="environment").n_conversations == 6


def test_a_large_conversation_takes_several_transactions(sqlite_store: Any, monkeypatch: Any) -> None:
    sizes: list[int] = []
    record = type(Conversation.objects.all()).record_read
    monkeypatch.setattr(importer, "EVENTS_AT_ONCE", 100)
    monkeypatch.setattr(importer, "BYTES_AT_ONCE", 10_000)
    monkeypatch.setattr(
        type(Conversation.objects.all()),
        "record_read",
        lambda self, arrivals, *rest, **named: sizes.append(len(arrivals)) or record(self, arrivals, *rest, **named),
    )
    import_from(sqlite_store[0])
    assert Event.objects.count() == 246
    assert len(sizes) > 10
    assert max(sizes) <= 100


class OwnTrackerStore(TrackerStore):
    """Somebody's own, with Rasa's interface and no more."""

    def __init__(self, domain: Any = None, event_broker: Any = None, host: str = "") -> None:
        super().__init__(domain, event_broker)

    async def keys(self) -> list[str]:
        return list(recorded_conversations())

    async def retrieve(self, sender_id: str) -> Any:
        return DialogueStateTracker.from_events(sender_id, recorded_conversations()[sender_id])


def test_a_store_of_somebody_s_own_is_imported(endpoints: Any) -> None:
    assert "Imported 246 events" in import_from(endpoints(type="tests.trackers.test_import.OwnTrackerStore"))


class FailingTrackerStore(OwnTrackerStore):
    failing: ClassVar[bool] = True
    read_ids: ClassVar[list[str]] = []

    async def retrieve(self, sender_id: str) -> Any:
        if self.failing and sender_id == sorted(recorded_conversations())[3]:
            raise TrackerStoreUnavailable("Redis at example:6379: gone")
        self.read_ids.append(sender_id)
        return await super().retrieve(sender_id)


@pytest.fixture
def failing(endpoints: Any, monkeypatch: Any) -> Iterator[Path]:
    monkeypatch.setattr("trackers.moving.selection.PAGE_SIZE", 1)
    monkeypatch.setattr(FailingTrackerStore, "failing", True)
    FailingTrackerStore.read_ids.clear()
    return endpoints(type="tests.trackers.test_import.FailingTrackerStore")


def test_an_import_that_failed_goes_on_where_it_was(failing: Path, monkeypatch: Any) -> None:
    with pytest.raises(
        CommandError, match=r"^The import stopped: Redis at example:6379: gone\. Run .* again: it goes on"
    ):
        import_from(failing)
    assert Conversation.objects.count() == 3
    monkeypatch.setattr(FailingTrackerStore, "failing", False)
    told, meanwhile = run("import_conversations", failing, "--processes=1")
    assert "Going on after 3 conversations" in meanwhile
    assert "Imported 246 events of 6 conversations" in told
    assert sorted(FailingTrackerStore.read_ids) == sorted(recorded_conversations())


def test_other_options_and_start_over_begin_at_the_beginning(failing: Path, monkeypatch: Any) -> None:
    with pytest.raises(CommandError):
        import_from(failing)
    monkeypatch.setattr(FailingTrackerStore, "failing", False)
    assert "Imported 0 events of 6 conversations" in import_from(failing, "--until=5")
    assert "of 6 conversations" in import_from(failing, "--start-over")
    assert len(FailingTrackerStore.read_ids) == 3 + 6 + 6
    assert not BrokerPosition.objects.filter(position__contains="stored").exists()


def test_a_position_holds_no_password_and_survives_a_new_one(endpoints: Any) -> None:
    from trackers.moving.bookmark import Bookmark, address

    def name(**parameters: Any) -> str:
        return Bookmark("import", address(read_endpoints(endpoints(type="SQL", **parameters)).tracker_store)).name

    assert name(url="postgresql://u:old@h/d") == name(url="postgresql://u:new@h/d")
    assert name(db="a", password="old") == name(db="a", password="new") != name(db="b", password="new")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("event_broker:\n  url: x\n", "names no tracker_store, so Rasa keeps conversations in its memory"),
        ("tracker_store:\n  type: in_memory\n", "names no tracker_store"),
        ("tracker_store:\n  type: rasax\n", "is rasax itself"),
        ("tracker_store:\n  type: sqll\n", "unknown tracker store type 'sqll'"),
        ("tracker_store:\n  type: SQL\n  colour: red\n", "correct its parameters"),
        ("tracker_store:\n  type: redis\n  url: 127.0.0.1\n  port: 1\n", "stopped: Redis at 127.0.0.1:1/0: .*refused"),
        ("tracker_store: [\n", "not readable as YAML"),
    ],
)
def test_an_endpoints_yml_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_text(text)
    with pytest.raises(CommandError, match=reason) as raised:
        import_from(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Which endpoints.yml"),
        (["/nowhere.yml"], "The import cannot be done: /nowhere.yml: cannot be read"),
        (["x", "--since=yesterday"], "'yesterday' is neither a date"),
        (["x", "--until=nan"], "'nan' is no time"),
        (["x", "--conversation-ids=,"], "names no conversation"),
    ],
)
def test_arguments_that_cannot_be_used_are_told_in_one_line(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as raised:
        run("import_conversations", *arguments)
    assert "\n" not in str(raised.value)


def test_processes_below_one_are_refused(sqlite_store: Any) -> None:
    with pytest.raises(CommandError, match="at least 1"):
        run("import_conversations", sqlite_store[0], "--processes=0")


def test_the_endpoints_yml_of_the_settings_is_the_default(sqlite_store: Any, settings: Any) -> None:
    settings.RASA_ENDPOINTS = str(sqlite_store[0])
    told, _ = run("import_conversations", "--processes=1")
    assert "Imported 246 events" in told


def test_an_event_broker_s_table_is_not_taken_for_a_tracker_store(tmp_path: Path, endpoints: Any) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "events.db") as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), data TEXT)")
    with pytest.raises(CommandError, match="is it an event broker's"):
        import_from(endpoints(type="SQL", db=str(tmp_path / "events.db")))


def test_a_terminal_shows_a_bar_that_moves_and_goes_away(failing: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(FailingTrackerStore, "failing", False)
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    _, shown = run("import_conversations", failing, "--processes=1", stderr=Terminal())
    lines = shown.split("\r")
    assert any(
        re.fullmatch(r"\[#-{9}\] 1 of 6 conversations, \d+ events, \d+ events/s, [\w ]+ left *", line) for line in lines
    )
    assert "\n" not in shown
    assert shown.endswith("\r")


def test_elsewhere_there_is_a_line_every_few_seconds(failing: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(FailingTrackerStore, "failing", False)
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    _, shown = run("import_conversations", failing, "--processes=1")
    assert 2 <= len(shown.splitlines()) <= 6
    assert re.match(r"\d of 6 conversations, \d+ events, ", shown)


def test_an_hour_is_told_in_hours() -> None:
    assert [progress.duration(seconds) for seconds in (0.2, 59, 61, 3700)] == ["0 s", "59 s", "1 min 1 s", "1 h 1 min"]


# A whole import, with its processes, on PostgreSQL:


@pytest.mark.parametrize("processes", [pytest.param(1, marks=ONLY_LONG), 2])
@pytest.mark.once
def test_an_import_killed_in_the_middle_goes_on_and_has_each_event_once(
    deployment: Deployment, many: tuple[Path, int], processes: int
) -> None:
    path, expected = many
    first = deployment.start("manage.py", "import_conversations", str(path), f"--processes={processes}")
    deployment.wait_until(lambda: bool(deployment.ask("SELECT 1 FROM events_brokerposition")), "position", 60)
    os.kill(first.pid, signal.SIGKILL)  # the parent alone: its workers must notice
    first.wait()
    assert 0 < deployment.n_events() < expected
    deployment.wait_until(lambda: not connections(deployment), "end of the workers", 20)
    done = deployment.manage("import_conversations", str(path), f"--processes={processes}")
    assert "Going on after" in done.stderr
    assert f"of {MANY:,} conversations" in done.stdout
    assert "Skipped 1 conversations:\n  user-700: " in done.stdout
    assert deployment.n_events() == expected
    n_facets = deployment.ask("SELECT max(n_conversations) FROM events_facet")
    assert n_facets == [(MANY - 1,)]
    again = deployment.manage("import_conversations", str(path), f"--processes={processes}")
    assert f"Imported 0 events of {MANY:,} conversations" in again.stdout
    assert deployment.n_events() == expected


def connections(deployment: Deployment) -> list[Any]:
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    return deployment.ask(others)


@pytest.mark.once
def test_the_death_of_a_worker_ends_the_import_in_one_line(deployment: Deployment, many: tuple[Path, int]) -> None:
    process = deployment.start("manage.py", "import_conversations", str(many[0]), "--processes=2")
    deployment.wait_until(lambda: bool(deployment.ask("SELECT 1 FROM events_brokerposition")), "position", 60)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert process.wait(30) == 1
    assert "CommandError: The import stopped: a worker process was killed" in deployment.log()
    assert "Traceback" not in deployment.log()
    assert "Going on after" in deployment.manage("import_conversations", str(many[0])).stderr
    assert deployment.n_events() == many[1]


# A process in the background of a shell is born deaf to interrupts, and so are its children; this one listens.
LISTENING = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.once
def test_an_interrupt_ends_the_import_in_one_line(deployment: Deployment, many: tuple[Path, int]) -> None:
    command = ["manage.py", "import_conversations", str(many[0]), "--processes=2"]
    process = deployment.start("-c", LISTENING, *command)
    deployment.wait_until(lambda: deployment.n_events() > 0, "events", 60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 1
    assert "CommandError: The import was interrupted. Run the same command again" in deployment.log()
    assert "Traceback" not in deployment.log()


@pytest.mark.once
def test_events_and_an_import_at_the_same_time_meet_without_duplicates(
    deployment: Deployment, many: tuple[Path, int]
) -> None:
    other = deployment.start("manage.py", "import_conversations", str(many[0]), "--processes=1", "--since=0")
    deployment.manage("import_conversations", str(many[0]), "--processes=2")
    assert other.wait(60) == 0
    assert deployment.n_events() == many[1]
    assert deployment.ask("SELECT sum(n_events) FROM events_conversation") == [(many[1],)]

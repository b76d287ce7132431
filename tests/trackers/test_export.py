"""`manage.py export_conversations`: to an event broker as `rasa export` does it, and to lines of JSON."""

import gzip
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from kombu import Connection

from events import brokers
from events.brokers.base import BrokerUnavailable, Message
from events.brokers.file import FileEventBroker
from events.models import BrokerPosition, Conversation, Event
from tests.rasa import message, recorded
from tests.servers.rabbitmq import RabbitMQServer
from tests.trackers.conftest import run
from tests.trackers.conversations import recorded_rows
from trackers.wire import as_exported, as_kept, as_published

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversations() -> None:
    Conversation.objects.record(recorded())


def as_rasa_exports() -> list[str]:
    return [json.dumps({**json.loads(data), "sender_id": sender_id}) for sender_id, data in recorded_rows()]


@pytest.mark.usefixtures("conversations")
def test_a_broker_gets_to_the_byte_what_rasa_export_sends(endpoints: Any, tmp_path: Path) -> None:
    path = endpoints("event_broker", type="file", path=str(tmp_path / "events.log"))
    _, told = run("export_conversations", "--to-broker", path)
    assert "Exported 246 events of 6 conversations" in told
    lines = (tmp_path / "events.log").read_text().splitlines()
    assert sorted(lines) == sorted(as_rasa_exports())
    for sender_id in {row[0] for row in recorded_rows()}:
        times = [e["timestamp"] for e in map(json.loads, lines) if e["sender_id"] == sender_id]
        assert times == sorted(times)
    assert Conversation.objects.record([Message(line.encode()) for line in lines]).stored == 0
    assert not BrokerPosition.objects.exists()


@pytest.mark.usefixtures("conversations")
def test_rabbitmq_gets_the_header_of_an_export_one_for_each_run(endpoints: Any, rabbitmq: RabbitMQServer) -> None:
    url = rabbitmq.new_vhost()
    path = endpoints("event_broker", type="pika", url=url)
    for _ in range(2):
        run("export_conversations", "--to-broker", path, "--conversation-ids=v3pika-rem", "--environment=staging")
    ids, apps = [], set()
    with Connection(url) as connection:
        channel = connection.channel()
        while (got := channel.basic_get("rasa_core_events", no_ack=True)) is not None:
            ids.append(got.properties["application_headers"]["rasa-export-process-id"])
            apps.add(got.properties["app_id"])
    assert len(ids) == 2 * Event.objects.filter(conversation__sender_id="v3pika-rem").count()
    assert len(set(ids)) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in ids)
    assert apps == {"staging"}


def test_what_is_published_otherwise_has_no_such_header(rabbitmq: RabbitMQServer) -> None:
    url = rabbitmq.new_vhost()
    broker = brokers.from_url(url)
    broker.publish(b"{}")
    broker.close()
    with Connection(url) as connection:
        assert connection.channel().basic_get("rasa_core_events").properties["application_headers"] == {}


@pytest.mark.usefixtures("conversations")
def test_an_export_that_failed_goes_on_where_it_was(endpoints: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("trackers.moving.selection.PAGE_SIZE", 1)
    path = endpoints("event_broker", type="file", path=str(tmp_path / "events.log"))
    publish, left = FileEventBroker.publish, iter(range(100))

    def fail(self: Any, body: bytes, environment: str | None = None) -> None:
        if next(left, None) is None:
            raise BrokerUnavailable("the disk is full")
        publish(self, body, environment)

    monkeypatch.setattr(FileEventBroker, "publish", fail)
    with pytest.raises(CommandError, match=r"The export stopped: the disk is full\. Run the same command again"):
        run("export_conversations", "--to-broker", path)
    monkeypatch.setattr(FileEventBroker, "publish", publish)
    _, told = run("export_conversations", "--to-broker", path)
    assert "Going on after" in told
    lines = (tmp_path / "events.log").read_text().splitlines()
    assert set(lines) == set(as_rasa_exports())
    assert 246 <= len(lines) < 246 + 100


@pytest.mark.usefixtures("conversations")
@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_lines_are_the_events_as_they_were_sent(tmp_path: Path, name: str) -> None:
    run("export_conversations", "--jsonl", tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    lines = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode().splitlines()
    assert sorted(lines) == sorted(m.body.decode() for m in recorded())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.usefixtures("conversations")
def test_lines_can_go_to_the_standard_output_and_nothing_else_goes_there() -> None:
    lines, told = run("export_conversations", "--jsonl=-", "--conversation-ids=v3pika-rem,nobody")
    assert {json.loads(line)["sender_id"] for line in lines.splitlines()} == {"v3pika-rem"}
    assert "of 1 conversations" in told
    assert "nobody: rasax has no such conversation" in told


def test_an_event_with_line_breaks_is_one_line() -> None:
    Conversation.objects.record([Message(b'{"sender_id": "a",\r\n\t"event": "x",\n"timestamp": 1}')])
    lines, _ = run("export_conversations", "--jsonl=-")
    [line] = lines.split("\n")[:-1]
    assert json.loads(line) == {"sender_id": "a", "event": "x", "timestamp": 1}


def test_since_and_until_choose_events() -> None:
    Conversation.objects.record([message(event="restart", timestamp=float(n)) for n in range(5)])
    lines, _ = run("export_conversations", "--jsonl=-", "--since=1", "--until=3")
    assert [json.loads(line)["timestamp"] for line in lines.splitlines()] == [1.0, 2.0]


@pytest.mark.usefixtures("conversations")
def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("old")
    monkeypatch.setattr(
        "trackers.moving.exporting.on_one_line", lambda _: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(CommandError, match=r"all.jsonl cannot be written: No space left"):
        run("export_conversations", "--jsonl", path)
    assert [p.name for p in tmp_path.iterdir()] == ["all.jsonl"]
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        run("export_conversations", "--jsonl=/nowhere/x.jsonl")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tracker_store:\n  type: redis\n", "has no event_broker section"),
        ("event_broker:\n  type: pigeon\n", "The export cannot be done: unknown event broker type 'pigeon'"),
        ("event_broker:\n  type: pika\n  url: amqp://127.0.0.1:1\n", "The export stopped: RabbitMQ at 127.0.0.1:1"),
    ],
)
@pytest.mark.usefixtures("conversations")
def test_a_broker_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_text(text)
    with pytest.raises(CommandError, match=reason) as raised:
        run("export_conversations", "--to-broker", path)
    assert "\n" not in str(raised.value)


def test_it_must_be_said_where_to() -> None:
    with pytest.raises(CommandError, match="one of the arguments --to-broker --jsonl is required"):
        run("export_conversations")


@pytest.mark.parametrize("sender_id", ["ann", 'a "b"\\', "ü\U0001f600", "\ud800"])
@pytest.mark.parametrize("fields", [{}, {"value": {"a": 1, "sender_id": "other"}}, {"text": '", "sender_id": "ann"}'}])
def test_a_text_with_its_sender_id_first_last_and_without_is_the_same_event(sender_id: str, fields: Any) -> None:
    kept = json.dumps({"event": "x", "timestamp": 1.5, **fields})
    [published] = as_published(sender_id, [kept])
    exported = as_exported(sender_id, published)
    assert published == json.dumps({"sender_id": sender_id, **json.loads(kept)})
    assert exported == json.dumps({**json.loads(kept), "sender_id": sender_id})
    assert as_kept(sender_id, published) == as_kept(sender_id, exported) == kept

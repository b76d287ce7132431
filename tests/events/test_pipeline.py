"""From a real event broker through real Celery workers into a real database: each event once, and in its order."""

import json
import pickle
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from events import brokers
from tests.deployment import Deployment
from tests.events.writers import write_as_eight_processes, write_slowly
from tests.long import LONG
from tests.rasa import recorded, said

PROGRESS = "SELECT coalesce(sum(n_stored + n_repeated), 0) FROM events_heartbeat"


def _place(data: str) -> tuple[str, float]:
    event = json.loads(data)
    return event["sender_id"], event["timestamp"]


IN_ORDER = sorted((message.body.decode() for message in recorded()), key=_place)


@contextmanager
def two_workers(database: str, broker_url: str) -> Iterator[Deployment]:
    with Deployment(database, broker_url) as deployment:
        for _ in range(2):
            deployment.start_worker()
        alive = "SELECT count(*) FROM events_heartbeat"
        deployment.wait_until(lambda: deployment.ask(alive)[0][0] == 2, "two heartbeats")
        yield deployment


def kept(deployment: Deployment) -> list[str]:
    """Every event as a reader of its conversation meets it."""
    deployment.wait_for_events(246)
    before = None
    while before != (now := deployment.ask(PROGRESS)):
        before = now
        time.sleep(2.5)  # longer than the time between two heartbeats: what came twice would have come by now
    rows = deployment.ask(
        "SELECT e.data FROM events_event e JOIN events_conversation c ON c.id = e.conversation_id"
        ' ORDER BY c.sender_id COLLATE "C", e.timestamp, e.id'
    )
    return [data for (data,) in rows]


def test_two_workers_on_rabbitmq_keep_three_shuffled_copies_once(postgres, rabbitmq):
    url = rabbitmq.new_vhost()
    with two_workers(postgres.create_database("pipeline_rabbitmq"), url) as deployment:
        publish(url, seeds=range(3))
        assert kept(deployment) == IN_ORDER
        assert deployment.ask("SELECT name FROM events_environment") == [("lab-env",)]


def test_two_workers_on_kafka_keep_three_shuffled_copies_once(postgres, kafka):
    url = f"kafka://{kafka.bootstrap}/pipeline_events?group_id=pipeline"
    publish(url, seeds=range(3))
    with two_workers(postgres.create_database("pipeline_kafka"), url) as deployment:
        assert kept(deployment) == IN_ORDER


@pytest.mark.chaos
@pytest.mark.skipif(not LONG, reason="make chaos: a group forms again only after a session")
def test_three_services_on_kafka_of_which_one_leaves_keep_three_shuffled_copies_once(postgres, kafka):
    url = f"kafka://{kafka.bootstrap}/events_of_three?group_id=three"
    with Deployment(postgres.create_database("pipeline_three"), url) as deployment:
        services = [deployment.start_event_service() for _ in range(3)]
        publish(url, seeds=range(1))
        while not all_took_part(deployment):  # a group that forms again takes a while, so there is something for each
            publish(url, seeds=range(1, 2))
        services[0].terminate()
        assert services[0].wait(30) == 0
        publish(url, seeds=range(2, 3))
        deployment.wait_until(lambda: waiting(url) == 0, "partitions that others took over")
        assert kept(deployment) == IN_ORDER
        assert [service.poll() for service in services] == [0, None, None]


def publish(url, seeds):
    broker = brokers.from_url(url)
    for seed in seeds:
        for message in random.Random(seed).sample(recorded(), len(recorded())):
            broker.publish(message.body, message.environment)
    broker.close()


def all_took_part(deployment):
    return deployment.ask("SELECT count(*) FROM events_heartbeat WHERE n_stored + n_repeated > 0") == [(3,)]


def waiting(url):
    broker = brokers.from_url(url)
    try:
        return broker.depth()
    finally:
        broker.close()


def test_two_workers_keep_what_eight_processes_commit_late_and_roll_back(postgres):
    source = postgres.create_database("pipeline_sql_broker")
    with two_workers(postgres.create_database("pipeline_sql"), f"sql+{source}") as deployment:
        write_as_eight_processes(source, [message.body for message in recorded()])
        assert kept(deployment) == IN_ORDER


def test_two_workers_keep_a_file_while_it_is_written(postgres, tmp_path):
    path = tmp_path / "rasa_event.log"
    with two_workers(postgres.create_database("pipeline_file"), f"file://{path}") as deployment:
        write_slowly(path, [message.body for message in recorded()])
        assert kept(deployment) == IN_ORDER


def test_no_message_stops_the_loop_and_its_neighbours_are_kept(postgres, rabbitmq):
    url = rabbitmq.new_vhost()
    bad = {
        pickle.dumps({"sender_id": "ann"}): "not UTF-8",
        b'[["ann"], {}, {"callbacks": null, "chord": null}]': "JSON list",
        b"": "not JSON",
        b"\xff" * 10_000_000: "not UTF-8",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000: "nested too deeply",
        b'{"sender_id": "ann", "event": "user", "timestamp": 1e400}': "timestamp inf",
    }
    large = said("word " * 2_000_000, sender_id="s" * 100_000).body
    with Deployment(postgres.create_database("pipeline_bad"), url) as deployment:
        broker = brokers.from_url(url)
        for number, body in enumerate([*bad, large]):
            broker.publish(said("before", timestamp=number + 0.1).body)
            broker.publish(body)
            broker.publish(said("after", timestamp=number + 0.2).body)
        broker.close()
        process = deployment.start_event_service()
        deployment.wait_for_events(2 * (len(bad) + 1) + 1)
        rejected = {
            bytes(body): error for body, error in deployment.ask("SELECT body, error FROM events_rejectedmessage")
        }
        assert rejected.keys() == bad.keys()
        assert [body for body, says in bad.items() if says not in rejected[body]] == []
        assert deployment.ask("SELECT data FROM events_event WHERE length(data) > 1000000") == [(large.decode(),)]
        assert process.poll() is None


def test_rejected_messages_are_replayed_by_a_command(postgres, tmp_path):
    with Deployment(postgres.create_database("pipeline_replay"), f"file://{tmp_path / 'log'}") as deployment:
        (tmp_path / "log").write_text("no event\n")
        deployment.start_event_service()
        deployment.wait_until(lambda: bool(deployment.ask("SELECT 1 FROM events_rejectedmessage")), "rejected message")
        assert "0 stored, 0 were there already, 1 rejected again." in deployment.manage("replay_rejected").stdout


def test_the_service_stops_in_order_when_asked(postgres, rabbitmq):
    with Deployment(postgres.create_database("pipeline_stop"), rabbitmq.new_vhost()) as deployment:
        for process in (deployment.start_event_service(), deployment.start_worker()):
            name = f"%:{process.pid}"
            deployment.wait_until(
                lambda name=name: bool(deployment.ask("SELECT 1 FROM events_heartbeat WHERE name LIKE %s", name)),
                "heartbeat",
            )
            process.terminate()
            assert process.wait(30) == 0

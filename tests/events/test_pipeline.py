"""From a real event broker through real Celery workers into a real database: each event once, and in its order."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from events import brokers
from tests.deployment import Deployment
from tests.events.writers import write_as_eight_processes, write_slowly
from tests.rasa import recorded

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
        broker = brokers.from_url(url)
        for seed in range(3):
            for message in random.Random(seed).sample(recorded(), len(recorded())):
                broker.publish(message.body, message.environment)
        broker.close()
        assert kept(deployment) == IN_ORDER
        assert deployment.ask("SELECT name FROM events_environment") == [("lab-env",)]


def test_two_workers_on_kafka_keep_three_shuffled_copies_once(postgres, kafka):
    url = f"kafka://{kafka.bootstrap}/pipeline_events?group_id=pipeline"
    broker = brokers.from_url(url)
    for seed in range(3):
        for message in random.Random(seed).sample(recorded(), len(recorded())):
            broker.publish(message.body, message.environment)
    broker.close()
    with two_workers(postgres.create_database("pipeline_kafka"), url) as deployment:
        assert kept(deployment) == IN_ORDER


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

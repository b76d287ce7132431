"""How fast events get from RabbitMQ into PostgreSQL, beside what draining and storing alone would give."""

from __future__ import annotations

import io
import time
from pathlib import Path

import psycopg2
from kombu import Connection, Consumer, Queue

from benchmarks.traffic import fill_queue
from events import brokers
from tests.deployment import Deployment
from tests.servers.rabbitmq import RabbitMQServer

QUEUE = "rasa_core_events"


def drain_alone(rabbitmq: RabbitMQServer, conversations: int) -> float:
    """Messages/s of kombu's Consumer that counts and acknowledges each, and does nothing else."""
    url = rabbitmq.new_vhost()
    total = fill_queue(url, 0, conversations)
    seen = 0

    def count(message: object) -> None:
        nonlocal seen
        seen += 1
        message.ack()  # type: ignore[attr-defined]

    with Connection(url) as connection:
        consumer = Consumer(connection.channel(), [Queue(QUEUE, durable=True)], on_message=count, prefetch_count=2000)
        started = time.perf_counter()
        with consumer:
            while seen < total:
                connection.drain_events(timeout=10)
        return total / (time.perf_counter() - started)


def receive_alone(rabbitmq: RabbitMQServer, conversations: int) -> float:
    """Messages/s of our broker: batches received and acknowledged, nothing stored."""
    url = rabbitmq.new_vhost()
    total = fill_queue(url, 0, conversations)
    broker = brokers.from_url(url)
    broker.depth()
    started, seen = time.perf_counter(), 0
    while seen < total:
        batch = broker.receive()
        broker.acknowledge(batch)
        seen += len(batch)
    rate = total / (time.perf_counter() - started)
    broker.close()
    return rate


def ingest(deployment: Deployment, url: str, *, first: int, conversations: int, workers: int) -> tuple[float, int]:
    """Events/s while a backlog is worked off, first commit to last; and the largest worker's peak memory, MB."""
    before = _stored(deployment)
    total = before + fill_queue(url, first, conversations)
    started = [deployment.start_event_service() for _ in range(workers)]
    deployment.wait_until(lambda: _stored(deployment) > before, "first events", 60)
    begin, already = time.perf_counter(), _stored(deployment)
    while (now := _stored(deployment)) < total:
        time.sleep(0.05)
        if time.perf_counter() - begin > 1200:
            raise TimeoutError(f"{now - before} of {total - before} events after 20 minutes")
    rate = (total - already) / (time.perf_counter() - begin)
    memory = max(_peak_megabytes(process.pid) for process in started)
    for process in started:
        process.terminate()
        process.wait()
    return rate, memory


def copy_alone(deployment: Deployment, rows: int) -> float:
    """Rows/s of one bare COPY of rows that were ingested into a table with the same columns and indexes."""
    with psycopg2.connect(deployment.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare")
        cursor.execute("CREATE TABLE bare (LIKE events_event INCLUDING ALL)")
        sample = io.StringIO()
        cursor.copy_expert(f"COPY (SELECT * FROM events_event ORDER BY id LIMIT {rows}) TO STDOUT", sample)
        connection.commit()
        sample.seek(0)
        started = time.perf_counter()
        cursor.copy_expert("COPY bare FROM STDIN", sample)
        connection.commit()
        rate = rows / (time.perf_counter() - started)
        cursor.execute("DROP TABLE bare")
    return rate


def _stored(deployment: Deployment) -> int:
    """By the highest id: counting a million rows would slow down what is measured. A backlog without repetitions
    takes no id in vain."""
    return int(deployment.ask("SELECT coalesce(max(id), 0) FROM events_event")[0][0])


def _peak_megabytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024

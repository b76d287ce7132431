"""How fast a tracker store's history gets into rasax on PostgreSQL, beside a bare COPY of the same rows."""

from __future__ import annotations

import gzip
import io
import json
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import redis

from benchmarks.ending import end_in_order
from benchmarks.ingest import copy_alone
from events.endpoints import EndpointConfig
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from trackers import stores

RECORDED = Path(__file__).parents[1] / "events" / "demo" / "conversations.jsonl.gz"
ROUNDS = 3
TIMES = 5  # the demo's 24,464 events of 241 conversations, so often
COLUMNS = "sender_id, type_name, timestamp, intent_name, action_name, data"


def measure(postgres: PostgresServer, redis_server: RedisServer, times: int = TIMES) -> dict[str, list[float]]:
    """Events/s of each round, by name."""
    stored = {
        "from PostgreSQL": fill_postgresql(postgres, times),
        "from Redis": fill_redis(redis_server, times),
    }
    measured: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        for name, endpoints in stored.items():
            database = postgres.create_database(f"importing_{number}_{name.split()[-1].lower()}")
            with Deployment(database) as deployment:
                for what, rate in one_import(deployment, endpoints).items():
                    measured.setdefault(f"{name}, {what}", []).append(rate)
                if name == "from Redis":
                    measured.setdefault("one bare COPY", []).append(copy_alone(deployment, deployment.n_events()))
    return measured


def one_import(deployment: Deployment, endpoints: str) -> dict[str, float]:
    """By the clock, with the start of the command, and by its own account; then all of it again."""
    path = deployment.folder / "endpoints.yml"
    path.write_text(endpoints)
    rates = {}
    for what in ("whole command", "again, nothing new"):
        started = time.perf_counter()
        told = deployment.manage("import_conversations", str(path)).stdout
        seconds = time.perf_counter() - started
        rates[what] = deployment.n_events() / seconds
        if what == "whole command":
            rates["importing alone"] = float(re.findall(r"([\d,]+) events/s", told)[-1].replace(",", ""))
    return rates


def conversations(times: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    own: dict[str, list[dict[str, object]]] = {}
    for line in gzip.decompress(RECORDED.read_bytes()).splitlines():
        event = json.loads(line)
        own.setdefault(event["sender_id"], []).append(event)
    for number in range(times):
        for sender_id, events in own.items():
            yield f"{sender_id}-{number}", [_later(event, number) for event in events]


def _later(event: dict[str, object], days: int) -> dict[str, object]:
    kept = {name: value for name, value in event.items() if name != "sender_id"}
    return {**kept, "timestamp": float(str(event["timestamp"])) + 86_400 * days}


def fill_postgresql(postgres: PostgresServer, times: int) -> str:
    url = postgres.create_database("tracker_store")
    stores.create(EndpointConfig("sql", url)).sync.exists("nobody")  # type: ignore[attr-defined]  # makes the table
    rows = io.StringIO()
    for sender_id, events in conversations(times):
        for event in events:
            text = json.dumps(event).replace("\\", "\\\\")
            rows.write(f"{sender_id}\t{event['event']}\t{event['timestamp']}\t\\N\t\\N\t{text}\n")
    rows.seek(0)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY events ({COLUMNS}) FROM STDIN", rows)
    return f"tracker_store:\n  type: SQL\n  url: {url}\n"


def fill_redis(server: RedisServer, times: int) -> str:
    with redis.Redis(port=server.port, db=7) as client:
        pipeline = client.pipeline(transaction=False)
        for sender_id, events in conversations(times):
            pipeline.set(f"tracker:{sender_id}", json.dumps({"events": events, "name": sender_id}))
        pipeline.execute()
    return f"tracker_store:\n  type: redis\n  url: 127.0.0.1\n  port: {server.port}\n  db: 7\n"


def show(postgres: PostgresServer, redis_server: RedisServer, times: int = TIMES) -> None:
    measured = measure(postgres, redis_server, times)
    copied = statistics.median(measured["one bare COPY"])
    sizes = [len(events) for _, events in conversations(times)]
    print(f"A tracker store of {sum(sizes):,} events in {len(sizes):,} conversations, {ROUNDS} rounds, events/s:")
    for name, rates in measured.items():
        median = statistics.median(rates)
        print(f"  {name:40} {median:9,.0f} ({min(rates):,.0f} to {max(rates):,.0f})  {median / copied:6.0%} of COPY")


if __name__ == "__main__":
    end_in_order()
    with PostgresServer() as postgres, RedisServer() as redis_server:
        show(postgres, redis_server)

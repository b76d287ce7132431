"""`make bench`: prints figures and ratios of one run, and asserts nothing. docs/performance.md explains them.

`--quick` takes a tenth of the events, to see that it works.
"""

from __future__ import annotations

import statistics
import sys

from benchmarks import appending, chat, importing, ingest, latency, marking, pages, training_data
from benchmarks.ending import end_in_order
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.servers.redis import RedisServer

SCALE = 10 if "--quick" in sys.argv else 1
SMALL = 6_000 // SCALE  # conversations of ten events
BACKLOG = 50_000 // SCALE
ROUNDS = 3


def main() -> None:
    with PostgresServer() as postgres, RabbitMQServer() as rabbitmq, RedisServer() as redis:
        appending.show(postgres, redis, rounds=30 // SCALE)
        importing.show(postgres, redis, times=1 if SCALE > 1 else 5)
        training_data.show(postgres.create_database("training"), "PostgreSQL", SCALE)
        marking.show(postgres.create_database("marking"))
        compare(postgres, rabbitmq)
        url = rabbitmq.new_vhost()
        with Deployment(postgres.create_database("large"), url, REDIS_URL=redis.url) as deployment:
            fill(deployment, url)
            show_pages(deployment)
            show_latency(deployment, url)
        address, more = rabbitmq.new_vhost(), {"REDIS_URL": redis.url, "ALLOW_PRIVATE_ADDRESSES": "1"}
        with Deployment(postgres.create_database("chat"), address, **more) as deployment:
            chat.show(deployment, address)


def compare(postgres: PostgresServer, rabbitmq: RabbitMQServer) -> None:
    """Rounds, so that a noisy moment does not decide; each figure is a median with its least and greatest."""
    measured: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        url = rabbitmq.new_vhost()
        with Deployment(postgres.create_database(f"round{number}"), url) as deployment:
            one, _ = ingest.ingest(deployment, url, first=0, conversations=SMALL, workers=1)
            two, _ = ingest.ingest(deployment, url, first=SMALL, conversations=SMALL, workers=2)
            figures = {
                "kombu, draining alone": ingest.drain_alone(rabbitmq, SMALL),
                "our broker, receiving alone": ingest.receive_alone(rabbitmq, SMALL),
                "one bare COPY": ingest.copy_alone(deployment, SMALL * 10),
                "stored by one worker": one,
                "stored by two workers": two,
            }
        for name, rate in figures.items():
            measured.setdefault(name, []).append(rate)
    one_worker = statistics.median(measured["stored by one worker"])
    print(f"Events/s, {SMALL * 10} events, {ROUNDS} rounds: median (least to greatest), and one worker's share of it")
    for name, rates in measured.items():
        median = statistics.median(rates)
        print(f"  {name:30} {median:9,.0f} ({min(rates):,.0f} to {max(rates):,.0f})  {one_worker / median:6.0%}")


def fill(deployment: Deployment, url: str) -> None:
    print(f"A backlog of {BACKLOG * 10:,} events, twice: {BACKLOG * 2:,} conversations afterwards")
    for number, workers in enumerate((1, 2)):
        rate, memory = ingest.ingest(deployment, url, first=number * BACKLOG, conversations=BACKLOG, workers=workers)
        print(f"  {workers} worker(s): {rate:,.0f} events/s; peak memory of a worker {memory} MB")


def show_pages(deployment: Deployment) -> None:
    print(f"Pages over HTTP, {pages.REQUESTS} requests each: median, p95, queries")
    for name, median, p95, queries in pages.measure(deployment):
        print(f"  {name:30} {median:6.0f} ms {p95:6.0f} ms {queries:4}")


def show_latency(deployment: Deployment, url: str) -> None:
    print(f"From publish to visible in a browser at {latency.PER_SECOND} events/s:")
    median, p95 = latency.measure(deployment, url)
    print(f"  median {median:.0f} ms, p95 {p95:.0f} ms")


if __name__ == "__main__":
    end_in_order()
    main()

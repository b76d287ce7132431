"""What a million events cost, and what helps when there are many: `python -m benchmarks.growth 1000000 10000000`.

Bytes of each table, events/s with 1, 2 and 4 event services and the log they write, events apart by month beside one
table, and retention by months beside retention by rows. Of more than two million events nothing by month: the way there
and back copies each twice, which alone would take half an hour for ten million. `--quick` makes a
tenth of the backlog: `python -m benchmarks.growth 100000 --quick`.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlencode

from benchmarks import crowd, ingest, scale
from benchmarks.ending import end_in_order
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.web import Web

MOVED = 2_000_000
SERVICES = (1, 2, 4)
QUICK = "--quick" in sys.argv
BACKLOG = 500 if QUICK else 5_000  # conversations of ten events
SIZES = """
SELECT c.relname, sum(pg_table_size(t.relid)), sum(pg_indexes_size(t.relid)) FROM pg_class c,
    LATERAL (SELECT relid FROM pg_partition_tree(c.oid) UNION SELECT c.oid) t
WHERE c.relname = ANY(%s) GROUP BY 1 ORDER BY 2 DESC
"""
TABLES = ["events_event", "events_conversation", "events_conversationfacet", "events_facet"]
PAGES = {
    "list": "/conversations/",
    "list, common intent": f"/conversations/?{urlencode({'intent': scale.COMMON})}",
    "list, rare word": f"/conversations/?{urlencode({'q': crowd.RARE_WORD})}",
    "list, common word": f"/conversations/?{urlencode({'q': crowd.COMMON_WORDS[0]})}",
    "list, nobody's word": f"/conversations/?{urlencode({'q': 'aardvark'})}",
    "a short conversation": f"/conversations/{crowd.PAGE_ONE + 1}/",
    f"{crowd.LONG:,} events": f"/conversations/{crowd.LONG_ONE}/",
}
REQUESTS = 40
RETENTION = """
import time
from django.utils import timezone
from rasax.conversations.models import Retention
Retention.objects.set({days}, None)
began = time.perf_counter()
print(Retention.objects.enforce(), time.perf_counter() - began)
"""


def say(what: str) -> None:
    print(what, flush=True)


def show(sizes: list[int]) -> None:
    with PostgresServer(None, shared_buffers="2GB") as postgres, RabbitMQServer() as rabbitmq:
        for size in sizes:
            with Deployment(postgres.create_database(f"growth{size}"), rabbitmq.new_vhost()) as deployment:
                began = time.monotonic()
                events = crowd.fill(deployment.database_url, size)
                say(f"{events:,} events in {size // crowd.EVENTS_EACH:,} conversations")
                show_bytes(deployment)
                show_services(deployment)
                pages = {"one table": show_pages(deployment)}
                if size <= MOVED:
                    pages["by month"] = by_month(deployment, size)
                for name in PAGES:
                    say(f"  {name:24}" + "".join(f"  {form}: {times[name]}" for form, times in pages.items()))
                show_retention(deployment, size, 0.2 if size <= MOVED else 0.1)
                say(f"  (this took {time.monotonic() - began:.0f} s)")


def by_month(deployment: Deployment, size: int) -> dict[str, str]:
    """There and back, with all that is asked in between."""
    show_move(deployment)
    show_bytes(deployment)
    show_services(deployment)
    pages = show_pages(deployment)
    show_retention(deployment, size, 0.1)
    say(f"  back to one table: {_timed(deployment, 'partition_events', '--undo'):.1f} s")
    return pages


def show_bytes(deployment: Deployment) -> None:
    n = deployment.n_events()
    for table, rows, indexes in deployment.ask(SIZES, TABLES):
        say(f"  {table:26} {rows / n:7.1f} bytes an event, and {indexes / n:7.1f} of indexes")


def show_services(deployment: Deployment) -> None:
    for number, services in enumerate(SERVICES):
        first = 10**7 + deployment.n_events() + number * BACKLOG
        url, (began,) = deployment.environment["EVENT_BROKER_URL"], _log(deployment)
        rate, _ = ingest.ingest(deployment, url, first=first, conversations=BACKLOG, workers=services)
        wrote = (_log(deployment)[0] - began) / BACKLOG / 10
        say(f"  {services} event services: {rate:,.0f} events/s, {wrote:,.0f} bytes of log an event")


def _log(deployment: Deployment) -> tuple[int]:
    return (int(deployment.ask("SELECT pg_current_wal_lsn() - '0/0'")[0][0]),)


def show_pages(deployment: Deployment) -> dict[str, str]:
    with Web(deployment) as web:
        cookie = web.sign_in("annotator")
        return {name: _page(web, cookie, path) for name, path in PAGES.items()}


def _page(web: Web, cookie: str, path: str) -> str:
    times = []
    for number in range(-3, REQUESTS):
        began = time.perf_counter()
        with urllib.request.urlopen(scale._request(web, cookie, path), timeout=120) as answer:
            answer.read()
        if number >= 0:
            times.append(1000 * (time.perf_counter() - began))
    times.sort()
    return f"{times[len(times) // 2]:.0f} ms, p95 {times[int(len(times) * 0.95)]:.0f}"


def show_move(deployment: Deployment) -> None:
    n = deployment.n_events()
    seconds = _timed(deployment, "partition_events")
    say(f"  apart by month: {seconds:.1f} s, {n / seconds:,.0f} events/s")


def _timed(deployment: Deployment, *command: str) -> float:
    began = time.perf_counter()
    deployment.manage(*command)
    return time.perf_counter() - began


def show_retention(deployment: Deployment, size: int, share: float) -> None:
    """Up to the end of the month after this share of the crowd's time, so that all that goes lies in whole months."""
    kept_since = _month_after(crowd.BEGAN + 100 * size / crowd.EVENTS_EACH * share)
    days, before = int((time.time() - kept_since) / 86_400), deployment.n_events()
    done = deployment.manage("shell", "-c", RETENTION.format(days=days)).stdout.split()
    gone = before - deployment.n_events()
    say(f"  retention: {int(done[-2]):,} conversations, {gone:,} events in {float(done[-1]):.1f} s")


def _month_after(timestamp: float) -> float:
    at = datetime.fromtimestamp(timestamp, tz=UTC)
    year, month = divmod(at.year * 12 + at.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC).timestamp()


if __name__ == "__main__":
    end_in_order()
    show([int(word) for word in sys.argv[1:] if word.isdecimal()] or [1_000_000])

"""Every metric there is, for Prometheus; docs/monitoring.md explains each, and a test compares the two.

Labels have few values, all of them ours: never an id, a path with one, or a word that somebody typed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, time

from django.db import Error
from prometheus_client import REGISTRY as OF_THIS_PROCESS
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

# Where several processes share a port (uvicorn --workers), they share a folder too, and any of them tells of all.
SHARED = bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))

INFO = Gauge("rasax_info", "1; the labels say what runs", ["service", "version"], multiprocess_mode="max")
READY = Gauge("rasax_ready", "1 while /health/ready says so", multiprocess_mode="min")

# The event service
RUNNING = Gauge(
    "rasax_event_service_running", "1 while this process takes events", ["broker"], multiprocess_mode="livesum"
)
RECEIVED = Counter("rasax_events_received", "Messages that the event broker delivered")
STORED = Counter("rasax_events_stored", "Events that are kept since")
REPEATED = Counter("rasax_events_repeated", "Events that were kept already")
REJECTED = Counter("rasax_events_rejected", "Messages that are no events that can be kept")
FORGOTTEN = Counter("rasax_events_forgotten", "Events of somebody who was deleted, which are dropped")
LAG = Histogram(
    "rasax_event_lag_seconds",
    "From the timestamp of a batch's oldest new event to its commit",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
BATCH = Histogram(
    "rasax_batch_seconds",
    "What it took to store a batch, its commit included",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUEUE_DEPTH = Gauge(
    "rasax_event_queue_depth", "Messages that wait in the event broker", ["broker"], multiprocess_mode="mostrecent"
)
SERVICE_FAILURES = Counter(
    "rasax_event_service_failures", "Attempts to receive or to store a batch that failed", ["half"]
)

# The web process
REQUEST = Histogram(
    "rasax_request_seconds",
    "What it took to answer a request, by the pattern of its path",
    ["view", "method", "status"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REQUESTS = Gauge("rasax_requests_in_progress", "Requests that are answered or wait for it", multiprocess_mode="livesum")
SOCKETS = Gauge("rasax_live_sockets", "Browsers that are told at once what changed", multiprocess_mode="livesum")
NOTICES_LOST = Counter("rasax_live_notices_lost", "Notices to browsers that Redis did not take")
CACHE = Counter("rasax_cache_requests", "What was asked of the cache, and whether it knew", ["entry", "result"])

# Every process
DATABASE_CONNECTIONS = Counter("rasax_database_connections", "Connections to the database that were opened")
DATABASE_ERRORS = Counter("rasax_database_errors", "Errors of the database, by what met them", ["where"])
MIGRATION = Gauge("rasax_migration", "1 for the state that the schema is in", ["state"], multiprocess_mode="mostrecent")
MIGRATION_PROGRESS = Gauge(
    "rasax_migration_progress_percent", "How far the migration is", multiprocess_mode="mostrecent"
)

# The worker
JOBS = Gauge("rasax_jobs", "Jobs that are there, by their state", ["state"], multiprocess_mode="mostrecent")
OLDEST_JOB = Gauge(
    "rasax_job_oldest_seconds",
    "Since the oldest job in this state was asked for",
    ["state"],
    multiprocess_mode="mostrecent",
)
JOB = Histogram(
    "rasax_job_seconds",
    "What it took from a job's start to its end",
    ["kind", "state"],
    buckets=(0.1, 0.5, 1, 5, 30, 60, 300, 1800, 3600),
)

# The canary
CANARY = Gauge(
    "rasax_canary_seconds", "How long the latest canary took to come back", ["broker"], multiprocess_mode="mostrecent"
)
CANARY_SENT = Gauge(
    "rasax_canary_timestamp_seconds",
    "When the latest canary that came back was sent, in seconds since 1970",
    ["broker"],
    multiprocess_mode="mostrecent",
)


def registry() -> CollectorRegistry:
    """Of this process, or of all that share a folder."""
    if not SHARED:
        return OF_THIS_PROCESS
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Only what ends well counts."""
    began = perf_counter()
    yield
    histogram.observe(perf_counter() - began)


def count(stored: int, repeated: int, rejected: int, forgotten: int, lag: float | None) -> None:
    """What became of a batch."""
    for counter, number in ((STORED, stored), (REPEATED, repeated), (REJECTED, rejected), (FORGOTTEN, forgotten)):
        if number:
            counter.inc(number)
    if lag is not None:
        LAG.observe(max(lag, 0))


def tell_canary(broker: str, sent_at: float) -> None:
    CANARY.labels(broker).set(max(time() - sent_at, 0))
    CANARY_SENT.labels(broker).set(sent_at)


def tell_migration(state: str, percent: float) -> None:
    for each in ("pending", "running", "completed", "failed"):
        MIGRATION.labels(each).set(each == state)
    MIGRATION_PROGRESS.set(percent)


def notice_error(where: str, error: BaseException | None) -> None:
    if isinstance(error, Error):
        DATABASE_ERRORS.labels(where).inc()


def cache_asked(entry: str, *, known: bool) -> None:
    """`entry` is the name of what is kept, never its key."""
    CACHE.labels(entry, "hit" if known else "miss").inc()

"""What counting costs: batches stored with and without it by turns, counting alone, and a request's middleware alone.

`python -m benchmarks.monitoring [--quick]`: SQLite in a temporary folder, half a minute.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, nullcontext
from typing import Any
from unittest.mock import patch

from benchmarks.ending import end_in_order

EVENTS, REQUESTS, ALONE = 1000, 20_000, 1000
WARM_UP, PAIRS = 6, 10 if "--quick" in sys.argv else 60


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rasax-bench-") as folder:
        os.environ |= {"RASAX_RUN_DIR": folder, "SECRET_KEY": "bench" * 10, "DATABASE_URL": f"sqlite:///{folder}/db"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "rasax.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        show_batches()
        show_counting()
        show_requests()


def show_batches() -> None:
    """In pairs, of which each comes first by turns: what the database has to do besides falls on both."""
    from events.brokers.memory import InMemoryEventBroker
    from events.service import EventService

    service = EventService(InMemoryEventBroker("bench"), stop=threading.Event())
    for number in range(WARM_UP):
        seconds(service, number, counted=number % 2 == 0)
    pairs: list[dict[bool, tuple[float, float]]] = []
    for number in range(PAIRS):
        order = (True, False) if number % 2 else (False, True)
        at = WARM_UP + 2 * number
        pairs.append({counted: seconds(service, at + n, counted=counted) for n, counted in enumerate(order)})
    for what, which in (("time", 0), ("CPU time", 1)):
        bare = statistics.median(pair[False][which] for pair in pairs)
        low, middle, high = statistics.quantiles((pair[True][which] / pair[False][which] for pair in pairs), n=4)
        print(f"A batch of {EVENTS} events, {what}: {bare * 1000:.1f} ms uncounted; counted, the median of {PAIRS}"
              f" ratios is {middle:.3f} (quartiles {low:.3f}, {high:.3f})", flush=True)  # fmt: skip


def seconds(service: Any, number: int, *, counted: bool) -> tuple[float, float]:
    """Of a batch, by the clock and of the processor."""
    batch = messages(number)
    with nullcontext() if counted else without():
        began, computed = time.perf_counter(), time.thread_time()
        service._store(batch)
        return time.perf_counter() - began, time.thread_time() - computed


def show_counting() -> None:
    """All that a batch's counting does, without the batch."""
    from events import canary
    from events.monitoring import metrics

    batch = messages(0)
    took = []
    for _ in range(ALONE):
        began = time.perf_counter()
        canary.told_apart(batch)
        metrics.RECEIVED.inc(EVENTS)
        with metrics.timed(metrics.BATCH):
            pass
        metrics.count(EVENTS, 1, 1, 1, 0.1)
        took.append(time.perf_counter() - began)
    print(f"Counting alone: {statistics.median(took) * 1000:.3f} ms a batch")


def messages(number: int) -> list[Any]:
    from tests.rasa import said

    return [said(f"hello {n}", sender_id=f"{number}-{n // 10}", timestamp=1e9 + n) for n in range(EVENTS)]


def without() -> ExitStack:
    """The service as it would be without any metric and canary."""
    from events import service

    stack = ExitStack()
    stack.enter_context(patch.object(service, "told_apart", lambda batch: (batch, None)))
    stack.enter_context(patch.object(service.metrics, "timed", lambda histogram: nullcontext()))
    stack.enter_context(patch.object(service.metrics, "count", lambda *numbers: None))
    stack.enter_context(patch.object(service.metrics.RECEIVED, "inc", lambda number: None))
    return stack


def show_requests() -> None:
    from django.http import HttpResponse
    from django.test import RequestFactory

    from rasax.observing import ObservingMiddleware

    request, response = RequestFactory().get("/"), HttpResponse("")
    request.resolver_match = None
    observing = ObservingMiddleware(lambda request: response)
    began = time.perf_counter()
    for _ in range(REQUESTS):
        observing(request)
    each = (time.perf_counter() - began) / REQUESTS * 1e6
    print(f"A request's id, time, metric, and a line that is not written: {each:.0f} µs")


if __name__ == "__main__":
    end_in_order()
    main()

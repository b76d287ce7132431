"""What counting costs: batches stored with and without it in turn, and a request's middleware alone.

`python -m benchmarks.monitoring`: SQLite in a temporary folder, half a minute.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack, nullcontext
from unittest.mock import patch

BATCHES, EVENTS, REQUESTS = 40, 1000, 20_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rasax-bench-") as folder:
        os.environ |= {"RASAX_RUN_DIR": folder, "SECRET_KEY": "bench" * 10, "DATABASE_URL": f"sqlite:///{folder}/db"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "rasax.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        show_batches()
        show_requests()


def show_batches() -> None:
    from events.brokers.memory import InMemoryEventBroker
    from events.service import EventService

    service = EventService(InMemoryEventBroker("bench"), stop=threading.Event())
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * BATCHES):
        counted = number % 2 == 0
        batch = messages(number)
        with nullcontext() if counted else without():
            began = time.perf_counter()
            service._store(batch)
            took[counted].append(time.perf_counter() - began)
    with_, bare = (statistics.median(took[counted]) for counted in (True, False))
    print(f"A batch of {EVENTS} events, median of {BATCHES}: {with_ * 1000:.1f} ms counted, {bare * 1000:.1f} ms not")
    print(f"Ratio {with_ / bare:.3f}; the counted ones alone vary by {statistics.stdev(took[True]) / with_:.3f}")


def messages(number: int) -> list[object]:
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
    main()

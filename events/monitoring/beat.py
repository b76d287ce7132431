"""Celery beat's probes, at MONITORING_PORT: whether it looks at its schedule, and could send what is due."""

from __future__ import annotations

import sys
import time
from typing import Any

from celery import beat, current_app
from django.conf import settings

from events.monitoring.probes import OK, Probe
from events.monitoring.server import MonitoringServer

LATE = 20.0  # seconds; it looks every CELERY_BEAT_MAX_LOOP_INTERVAL
CONNECT_SECONDS = 2.0


class Scheduler(beat.PersistentScheduler):  # type: ignore[misc]
    """Celery's own, which also says when it last looked."""

    ticked_at = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        interval = super().tick(*args, **kwargs)
        Scheduler.ticked_at = time.monotonic()
        return interval


def watch(sender: beat.Service, **kwargs: object) -> None:
    """For Celery's signal `beat_init`."""
    if not settings.MONITORING_PORT:
        return
    probe = Probe(schedule=_ticks, celery=_reaches_broker)
    try:
        MonitoringServer(probe.ask, settings.MONITORING_HOST, settings.MONITORING_PORT).__enter__()
    except OSError as error:
        sys.exit(f"MONITORING_PORT {settings.MONITORING_PORT} cannot be used: {error}")


def _ticks() -> str:
    return OK if time.monotonic() - Scheduler.ticked_at < LATE else "stands still"


def _reaches_broker() -> str:
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
    return OK

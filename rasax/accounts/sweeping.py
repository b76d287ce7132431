"""Looks after jobs, inside each worker: no process of its own has to be started for it, and any number may do it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog
from celery import bootsteps

from events.monitoring import metrics
from events.schema.step import SchemaStep

EVERY = 15  # seconds
CHORES: list[Callable[[], None]] = []

log = structlog.get_logger(__name__)


def chore(do: Callable[[], None]) -> Callable[[], None]:
    """Registers what is to be looked at every few seconds. It knows itself whether it is due."""
    CHORES.append(do)
    return do


@chore
def sweep_jobs() -> None:
    from rasax.accounts.jobs import Job

    Job.objects.sweep()
    Job.objects.measure()


class SweeperStep(bootsteps.StartStopStep):  # type: ignore[misc]
    requires = {SchemaStep}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        super().__init__(parent, **kwargs)

    def start(self, parent: Any) -> None:
        self.thread.start()

    def _run(self) -> None:
        from django.db import close_old_connections

        while True:
            close_old_connections()
            do_chores()
            close_old_connections()
            if self.stopping.wait(EVERY):
                return

    def stop(self, parent: Any) -> None:
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join(timeout=5)

    terminate = stop


def do_chores() -> None:
    for do in CHORES:  # what fails may do better in the next round, and the others must be done
        try:
            do()
        except Exception as error:
            metrics.notice_error("chore", error)
            log.warning("a chore failed", chore=do.__name__, exc_info=True)

"""A Celery worker does nothing before the database has the schema that it was built for."""

from __future__ import annotations

from typing import Any

import structlog
from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.worker import state

EXIT_FAILURE = 1

log = structlog.get_logger(__name__)


class SchemaStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """What reads or writes requires this step; Celery starts its consumer after all of them."""

    requires = {"celery.worker.components:Pool"}

    def start(self, parent: Any) -> None:
        from events.schema.versions import WrongSchema
        from events.schema.waiting import DatabaseIsAway, wait_for_schema

        try:
            wait_for_schema(state.maybe_shutdown)
        except (WrongSchema, DatabaseIsAway) as error:
            log.error("the worker cannot start", error=error)
            raise WorkerShutdown(EXIT_FAILURE) from error  # of WorkerTerminate, Celery makes the exit code 0

    def stop(self, parent: Any) -> None:
        """Nothing runs on."""

    terminate = stop

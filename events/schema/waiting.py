"""Every process that keeps or reads conversations waits here until the database has the schema it was built for."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import Error, connection

from events.monitoring import metrics
from events.schema.running import COMPLETED, Status, read_status
from events.schema.versions import Schema

LOOK_EVERY = 1.0  # seconds
TELL_EVERY = 5.0
GIVE_UP_AFTER = 60.0  # seconds without a database; a supervisor may then start the process afresh

log = structlog.get_logger(__name__)


class DatabaseIsAway(RuntimeError):
    """It did not answer for a minute; the text says why not."""


def wait_for_schema(
    still_wanted: Callable[[], object] = lambda: None, told: Callable[[Status], object] = lambda status: None
) -> None:
    """Returns when the database has the schema of this rasax; costs one look of 30 ms where it has it already.

    `still_wanted` is called each second and may raise to end the waiting; `told` gets what is waited for. Raises
    WrongSchema and DatabaseIsAway.
    """
    said_at = -TELL_EVERY
    while (found := look(still_wanted))[0].missing:
        schema, status = found
        metrics.tell_migration(status.status, status.progress_in_percent)
        told(status)
        if time.monotonic() - said_at > TELL_EVERY:
            said_at = time.monotonic()
            _tell(schema, status)
        still_wanted()
        time.sleep(LOOK_EVERY)
    metrics.tell_migration(COMPLETED, 100)
    if said_at > 0:
        log.info("the database has the schema that this rasax was built for", version=settings.VERSION)


def look(still_wanted: Callable[[], object] = lambda: None) -> tuple[Schema, Status]:
    """The schema, once the database answers. Raises WrongSchema and DatabaseIsAway."""
    schema, status = _once_it_answers(still_wanted)
    schema.refuse_wrong(by=status.version)
    return schema, status


def _once_it_answers(still_wanted: Callable[[], object]) -> tuple[Schema, Status]:
    since, said = time.monotonic(), ""
    while True:
        try:
            return _ask()
        except Error as error:
            connection.close()
            if time.monotonic() - since > GIVE_UP_AFTER:
                raise DatabaseIsAway(f"The database did not answer for {GIVE_UP_AFTER:.0f} s: {error}") from error
            if said != (said := str(error).strip()):
                log.warning("the database does not answer yet", error=said)
        still_wanted()
        time.sleep(LOOK_EVERY)


def _ask() -> tuple[Schema, Status]:
    schema = Schema.read(connection)
    fine = not schema.missing and not schema.unknown
    return schema, Status(COMPLETED, 100.0) if fine else read_status(connection, schema)


def _tell(schema: Schema, status: Status) -> None:
    log.warning(
        "waiting for the database to be migrated (manage.py migrate, or migrate_service)",
        wanted=settings.VERSION,
        migration=str(status),
        missing=len(schema.missing),
        next=".".join(schema.missing[0]),
        **({"error": status.error} if status.error else {}),
    )

"""The migration that runs, and what it tells of itself: a row that every process can read, and that outlives it."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import models
from django.utils import timezone

from events.schema.turns import is_taken
from events.schema.unmigrated import has_table, make_table
from events.schema.versions import Schema

PENDING, RUNNING, COMPLETED, FAILED = "pending", "running", "completed", "failed"
LONGEST_ERROR = 2000


@dataclass(frozen=True)
class Status:
    """How the schema is; `version` is of the rasax that migrates or migrated last."""

    status: str
    progress_in_percent: float = 0.0
    step: str = ""
    error: str = ""
    version: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        at = f", at {self.step}" if self.step else ""
        return f"{self.progress_in_percent:g} %{at}" if self.status == RUNNING else self.status


class MigrationRun(models.Model):
    """The latest; there is one row."""

    version = models.CharField(max_length=64)
    by = models.CharField(max_length=255, help_text="host:process")
    state = models.CharField(max_length=16)
    step = models.CharField(max_length=255)
    n_done = models.IntegerField(default=0)
    n_steps = models.IntegerField(default=0)
    part = models.FloatField(default=0, help_text="Of the step that runs, from 0 to 1")
    error = models.TextField(default="")
    started_at = models.DateTimeField()

    objects: models.Manager[MigrationRun] = models.Manager()

    class Meta:
        apps = Apps()
        app_label = "events"
        db_table = "events_migration_run"

    def told(self, status: str) -> Status:
        percent = 100 * (self.n_done + self.part) / self.n_steps if self.n_steps else 0
        return Status(status, round(min(percent, 100), 1), self.step, self.error, self.version)


def read_status(connection: Any, schema: Schema | None = None) -> Status:
    """From the database alone; raises what it raises."""
    schema = schema or Schema.read(connection)
    if is_taken(connection):
        return told_by_runner(connection)
    run = latest_run(connection)
    if not schema.missing:
        return Status(COMPLETED, 100.0, version=run.version if run else "")
    if run and run.state == FAILED:
        return run.told(FAILED)
    return Status(PENDING, version=run.version if run else "")


def told_by_runner(connection: Any) -> Status:
    """Who has its turn may not have begun: then the row is one of before."""
    run = latest_run(connection)
    return run.told(RUNNING) if run and run.state == RUNNING else Status(RUNNING)


def latest_run(connection: Any) -> MigrationRun | None:
    return MigrationRun.objects.using(connection.alias).first() if has_table(connection, MigrationRun) else None


class Migrating:
    """A migration by whoever has its turn. Each step it tells of is committed with what that step did."""

    current: Migrating | None = None

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.run = MigrationRun(
            pk=1,
            version=settings.VERSION,
            by=f"{socket.gethostname()}:{os.getpid()}"[-255:],
            state=RUNNING,
            started_at=timezone.now(),
        )

    def begin(self) -> None:
        make_table(self.connection, MigrationRun)
        self._save()
        Migrating.current = self

    def plan(self, n_steps: int) -> None:
        self.run.n_steps, self.run.n_done = n_steps, 0
        self._save()

    def enter(self, step: str) -> None:
        self.run.step, self.run.part = step, 0
        self._save()

    def report(self, part: float) -> None:
        """How much of a long step is done, from 0 to 1."""
        self.run.part = part
        self._save()

    def leave(self) -> None:
        self.run.n_done, self.run.part = self.run.n_done + 1, 0
        self._save()

    def end(self, error: str = "") -> None:
        Migrating.current = None
        self.run.state, self.run.error = (FAILED if error else COMPLETED), error[:LONGEST_ERROR]
        self._save()

    def _save(self) -> None:
        self.run.save(using=self.connection.alias)

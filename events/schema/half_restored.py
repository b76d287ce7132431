"""A restore that took the tables away and did not end: told by a row that outlives it, until one is completed."""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.db import models
from django.utils import timezone

from events.schema.unmigrated import has_table, make_table


class UnfinishedRestore(models.Model):
    """There is one row, or none."""

    file = models.CharField(max_length=255)
    began_at = models.DateTimeField()

    objects: models.Manager[UnfinishedRestore] = models.Manager()

    class Meta:
        apps = Apps()
        app_label = "events"
        db_table = "events_unfinished_restore"

    def __str__(self) -> str:
        return f"{self.file}, begun at {self.began_at.isoformat(timespec='seconds')}"


TABLE = UnfinishedRestore._meta.db_table


def unfinished_restore(connection: Any) -> str:
    """Of which file, and when it began; empty where there is none."""
    if not has_table(connection, UnfinishedRestore):
        return ""
    found = UnfinishedRestore.objects.using(connection.alias).first()
    return str(found) if found else ""


def begin(connection: Any, file: str) -> None:
    make_table(connection, UnfinishedRestore)
    UnfinishedRestore(pk=1, file=file[-255:], began_at=timezone.now()).save(using=connection.alias)


def end(connection: Any) -> None:
    """In the transaction that makes the installation whole."""
    if has_table(connection, UnfinishedRestore):
        UnfinishedRestore.objects.using(connection.alias).all().delete()

"""Which tables a backup has, and which belong to rasax in a database that another version made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.recorder import MigrationRecorder

from events.models import Heartbeat
from rasax.deployment.backup.archive import Kept

# What processes tell of themselves is not true of those that come after a restore.
LEFT_OUT = {Heartbeat._meta.db_table}
WHOLE = ("AutoField", "BigAutoField", "SmallIntegerField", "IntegerField", "BigIntegerField")
KINDS = {
    "BooleanField": "flag",
    "UUIDField": "uuid",
    "DateTimeField": "time",
    "BinaryField": "bytes",
    "FloatField": "real",
    **dict.fromkeys([*WHOLE, "PositiveSmallIntegerField", "PositiveIntegerField", "PositiveBigIntegerField"], "whole"),
    **dict.fromkeys(["CharField", "TextField", "FileField", "GenericIPAddressField", "JSONField"], "text"),
}


def kept_tables() -> dict[str, Kept]:
    """Of this version, by name; still without rows."""
    every = apps.get_models(include_auto_created=True)
    ours = {model._meta.db_table: model for model in every if model._meta.managed and not model._meta.proxy}
    return {name: _kept(model) for name, model in sorted(ours.items()) if name not in LEFT_OUT}


def _kept(model: type[models.Model]) -> Kept:
    fields = [field for field in model._meta.local_concrete_fields if not field.generated]
    columns = [(field.column, kind_of(field)) for field in fields]
    serial = model._meta.auto_field
    return Kept(columns, serial=serial.column if serial else "")


def kind_of(field: Any) -> str:
    while field.remote_field:
        field = field.target_field
    return KINDS[field.get_internal_type()]


def owned(names: Iterable[str], migrated: Iterable[str]) -> list[str]:
    """Of a database's tables those of rasax, of whatever version: they are named for their app.

    `migrated` are the labels of the apps that the database has migrations of.
    """
    labels = {config.label for config in apps.get_app_configs()} | set(migrated)
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    ours |= {MigrationRecorder.Migration._meta.db_table}
    prefixes = tuple(f"{label}_" for label in labels)
    return sorted(name for name in names if name in ours or name.startswith(prefixes))

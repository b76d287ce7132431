"""Operations of migrations that lock no large table, and that the next start completes where they were killed.

They belong into a migration of their own with `atomic = False`: each does its work in many small transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.migrations.operations import AddIndex, RemoveIndex, RunPython
from django.db.models import Max, Min, QuerySet

from events.schema.indexes import add_index_concurrently, drops_concurrently
from events.schema.running import Migrating

BATCH = 5_000  # rows in a transaction


class AddIndexOnline(AddIndex):
    """Readers and writers go on meanwhile (PostgreSQL builds it concurrently)."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.connection.vendor == "postgresql":
            add_index_concurrently(schema_editor, model, self.index)
        elif self.index.name not in _indexes(schema_editor, model):
            schema_editor.add_index(model, self.index)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        RemoveIndexOnline(self.model_name, self.index.name).drop(app_label, schema_editor, to_state)


class RemoveIndexOnline(RemoveIndex):
    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self.drop(app_label, schema_editor, from_state)

    def drop(self, app_label: str, schema_editor: Any, state: Any) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            how = "CONCURRENTLY " if drops_concurrently(schema_editor.connection, model) else ""
            schema_editor.execute(f"DROP INDEX {how}IF EXISTS {schema_editor.quote_name(self.name)}")


def _indexes(schema_editor: Any, model: Any) -> set[str]:
    with schema_editor.connection.cursor() as cursor:
        return set(schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table))


class FillInBatches(RunPython):
    """Calls `fill(apps, rows)` with the rows of one range of primary keys after another, each in a transaction.

    `fill` must come to the same when it is called twice for a row. It tells how far it is; ranges begun while it works
    are not visited, so whatever writes new rows must fill them already.
    """

    reduces_to_sql = False

    def __init__(self, model: str, fill: Callable[[Any, QuerySet[Any]], object], batch: int = BATCH) -> None:
        self.model, self.fill, self.batch = model, fill, batch
        super().__init__(self._in_batches, RunPython.noop, atomic=False)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.model, self.fill], {"batch": self.batch}

    def _in_batches(self, apps: Any, schema_editor: Any) -> None:
        alias = schema_editor.connection.alias
        rows = apps.get_model(*self.model.split(".")).objects.using(alias).order_by()
        ends = rows.aggregate(first=Min("pk"), last=Max("pk"))
        if ends["first"] is None:
            return
        for start in range(ends["first"], ends["last"] + 1, self.batch):
            with transaction.atomic(alias):
                self.fill(apps, rows.filter(pk__gte=start, pk__lt=start + self.batch))
            _report((start + self.batch - ends["first"]) / (ends["last"] + 1 - ends["first"]))


def _report(part: float) -> None:
    if Migrating.current:
        Migrating.current.report(min(part, 1.0))

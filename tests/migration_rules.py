"""Which migrations would stop readers or events, or break the version that still runs (docs/migrations.md).

A migration that is fine all the same says why: `fine_because = "facets are some thousand rows"` in its class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.models import Field, ForeignKey, Func, GeneratedField
from django.db.models.fields import NOT_PROVIDED

from events.schema.operations import AddIndexOnline, FillInBatches, RemoveIndexOnline
from events.schema.versions import OURS

LARGE = {
    "events.event", "events.conversation", "events.conversationfacet", "events.facet", "events.rejectedmessage",
    "accounts.auditentry", "conversations.review", "conversations.flag", "conversations.bulkchange",
}  # fmt: skip
SHORTEST_REASON = 20

Complaints = Iterator[str]


def complaints(migration: Migration, loader: MigrationLoader | None = None) -> list[str]:
    """Each in a sentence; none where the migration says why it is fine."""
    if len(getattr(migration, "fine_because", "")) >= SHORTEST_REASON:
        return []
    made = {op.name.lower() for op in migration.operations if isinstance(op, migrations.CreateModel)}
    judged = (op for op in migration.operations if getattr(op, "model_name", "").lower() not in made)
    return [*_to_events(migration), *(complaint for op in judged for complaint in _of(op, migration, loader))]


def _to_events(migration: Migration) -> Complaints:
    """Also of new tables."""
    for op in migration.operations:
        fields = op.fields if isinstance(op, migrations.CreateModel) else [("", getattr(op, "field", None))]
        for _, field in fields:
            if (
                isinstance(field, ForeignKey)
                and field.db_constraint
                and str(field.remote_field.model) == "events.event"
            ):
                yield "Events that are apart by month cannot be checked by a foreign key: set db_constraint=False."


def _of(op: Any, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    label = f"{migration.app_label}.{getattr(op, 'model_name', '')}".lower()
    if isinstance(op, AddIndexOnline | RemoveIndexOnline | FillInBatches):
        if migration.atomic:
            yield f"{type(op).__name__} in one transaction: set atomic = False."
        return
    for kinds, judge in RULES:
        if isinstance(op, kinds):
            yield from judge(op, label, migration, loader)


def _run_python(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    yield "RunPython changes all its rows in one transaction: use FillInBatches."


def _run_sql(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    yield "Nobody can tell what RunSQL locks, and it speaks one database's language: use an operation."


def _remove(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    yield (
        f"{type(op).__name__} {op.describe()!r}: the version before this one may still run and need it;"
        " take it away once no version reads or writes it."
    )


def _add_field(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    field: Field[Any, Any] = op.field
    where = f"AddField {label}.{op.name}"
    if isinstance(field, GeneratedField) or isinstance(field.db_default, Func):
        yield f"{where} is computed for each row: the table is written anew under a lock; add it empty and fill it."
    elif not field.null and field.db_default is NOT_PROVIDED:
        yield f"{where} must have a value that the version before this one does not write: null=True or a db_default."
    if field.unique or field.db_index:
        yield f"{where} brings an index: set db_index=False and add it with AddIndexOnline."
    if isinstance(field, ForeignKey) and field.db_constraint:
        yield f"{where} locks both tables to check a foreign key: set db_constraint=False."


def _alter_field(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    if loader is None:
        return
    state = loader.project_state((migration.app_label, migration.name), at_end=False)
    old = state.models[migration.app_label, op.model_name.lower()].fields[op.name]
    (_, old_path, _, before), (_, path, _, after) = old.deconstruct(), op.field.deconstruct()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    changed -= set(op.field.non_db_attrs)
    if after.get("null") and not before.get("null"):
        changed.discard("null")
    if (after.get("max_length") or 0) > (before.get("max_length") or 0) > 0:
        changed.discard("max_length")
    if path != old_path or changed:
        what = ", ".join(sorted(changed)) or "its type"
        yield f"AlterField {label}.{op.name} changes {what}: every row is read or written under a lock."


def _index(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    yield f"{type(op).__name__} on {label} stops its writers until it is done: use AddIndexOnline or RemoveIndexOnline."


def _constraint(op: Any, label: str, migration: Migration, loader: MigrationLoader | None) -> Complaints:
    yield f"{type(op).__name__} on {label} reads every row under a lock."


def _only_large(judge: Callable[..., Complaints]) -> Callable[..., Complaints]:
    def judged(op: Any, label: str, *more: Any) -> Complaints:
        if label in LARGE:
            yield from judge(op, label, *more)

    return judged


RULES: list[tuple[Any, Callable[..., Complaints]]] = [
    (migrations.RunPython, _run_python),
    (migrations.RunSQL, _run_sql),
    (
        migrations.RemoveField | migrations.RenameField | migrations.DeleteModel | migrations.RenameModel
        | migrations.AlterModelTable,
        _remove,
    ),
    (migrations.AddField, _only_large(_add_field)),
    (migrations.AlterField, _only_large(_alter_field)),
    (migrations.AddIndex | migrations.RemoveIndex, _only_large(_index)),
    (migrations.AddConstraint | migrations.AlterUniqueTogether, _only_large(_constraint)),
]  # fmt: skip


def ours(loader: MigrationLoader) -> Iterator[Migration]:
    labels = {config.label for config in apps.get_app_configs() if config.name.partition(".")[0] in OURS}
    yield from (migration for (label, _), migration in sorted(loader.disk_migrations.items()) if label in labels)

"""The restore: the whole file is looked at first, and all rows come in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction

from events.partitions.moving import is_moving
from events.partitions.strays import take_in
from events.partitions.tables import keep_up
from events.schema import half_restored
from events.schema.executing import WholeStepsExecutor
from events.schema.stillness import refuse_whoever_works, wait_for_stillness
from events.schema.turns import turn
from events.schema.versions import Schema
from rasax.deployment.backup import keys
from rasax.deployment.backup.archive import Archive, Manifest, NoBackup
from rasax.deployment.backup.databases import Taking, quoted, taking
from rasax.deployment.backup.stored import files_of
from rasax.deployment.backup.tables import LEFT_OUT, owned

# What an installation has that somebody works with.
WORK = {
    "conversations": "events_conversation",
    "models": "deployment_model",
    "training data": "training_trainingfile",
    "people who signed in": "accounts_user WHERE last_login IS NOT NULL",
}
Say = Callable[[str], object]


class Refused(Exception):
    """Nothing was changed; the text says why, and what to do."""


def restore(path: Path, say: Say, *, overwrite: bool = False, other_keys: bool = False) -> Manifest:
    """Raises Refused, InUse and NoBackup, after which everything is as it was. Where the schema is another, `_prepare`
    goes before the one transaction: what fails after it, or is killed, leaves an installation that is empty and that
    every process refuses, until a restore is completed."""
    with Archive(path) as archive:
        manifest = archive.manifest
        _refuse_what_does_not_fit(manifest, other_keys)
        _refuse_a_move()
        wait_for_stillness(say)
        _refuse_to_take_the_place_of_work(overwrite)
        say(f"Reading all of it ({len(manifest.members)} pieces)")
        archive.verify()
        _prepare(manifest, path.name, say)
        with files_of(archive):
            _load(archive, overwrite, say)
    _go_on(say)
    return manifest


def _refuse_what_does_not_fit(manifest: Manifest, other_keys: bool) -> None:
    known = Schema.read(connection).wanted
    if unknown := sorted(set(manifest.migrations) - known):
        raise Refused(
            f"It has a newer schema ({'.'.join(unknown[-1])}) than this rasax; restore it with rasax"
            f" {manifest.version}."
        )
    if not other_keys and (others := keys.other_than(manifest.keys)):
        raise Refused(" ".join(map(_another_key, others)))


def _refuse_a_move() -> None:
    """Its triggers would not bring what is restored."""
    if is_moving():
        raise Refused(
            "Its events are on their way to another table. Run manage.py partition_events again, or with --undo, first."
        )


def _another_key(setting: str) -> str:
    return (
        f"It was made with another {setting}; with the one that is set, {keys.LOST[setting]} in it cannot be read. Set"
        " the old one, or restore with --other-keys and make them anew."
    )


def _refuse_to_take_the_place_of_work(overwrite: bool) -> None:
    if not overwrite and (work := _work(_table_names())):
        raise Refused(
            f"This installation has {', '.join(work)}. Restore into an empty one, or with --overwrite, which deletes"
            " everything that is in it."
        )


def _work(names: set[str]) -> list[str]:
    there = {what: table for what, table in WORK.items() if table.partition(" ")[0] in names}
    with connection.cursor() as cursor:
        return [what for what, table in there.items() if _has_rows(cursor, table)]


def _has_rows(cursor: Any, table: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
    return bool(cursor.fetchone()[0])


def _table_names() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def _prepare(manifest: Manifest, file: str, say: Say) -> None:
    """The database gets the schema that the backup has; where it has another, its tables are made anew, and nothing
    works on it until the rows are there."""
    schema = Schema.read(connection)
    if schema.applied == set(manifest.migrations):
        return
    say(f"Making the tables of rasax {manifest.version}")
    with turn(connection, lambda: None):
        half_restored.begin(connection, file)
        _drop({app for app, _name in schema.applied})
        WholeStepsExecutor(connection).migrate(list(dict(sorted(manifest.migrations)).items()))


def _drop(migrated: set[str]) -> None:
    tables = owned(_table_names() - {half_restored.TABLE}, migrated)
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql" and tables:
            cursor.execute(f"DROP TABLE {', '.join(map(quoted, tables))} CASCADE")
        elif tables:
            for table in _of_sqlite(cursor, tables):
                cursor.execute(f"DROP TABLE {quoted(table)}")


def _of_sqlite(cursor: Any, tables: list[str]) -> list[str]:
    """An index of words is a table that takes those it consists of along."""
    cursor.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
    virtual = [name for (name,) in cursor.fetchall()]
    parts = tuple(f"{name}_" for name in virtual)
    return [*virtual, *(name for name in tables if name not in virtual and not name.startswith(parts))]


def _load(archive: Archive, overwrite: bool, say: Say) -> None:
    tables = archive.manifest.tables
    with turn(connection, lambda: None), taking() as database:
        database.claim([*tables, *LEFT_OUT])
        refuse_whoever_works()  # who began meanwhile
        _refuse_to_take_the_place_of_work(overwrite)
        database.empty([*tables, *LEFT_OUT])
        for name in tables:
            _write(name, archive, database)
            say(f"{name}: {tables[name].rows} rows")
        half_restored.end(connection)


def _write(name: str, archive: Archive, database: Taking) -> None:
    kept = archive.manifest.tables[name]
    with archive.table(name) as lines:
        if database.write(name, kept, lines) != kept.rows:
            raise NoBackup(f"{name} in it has other rows than its manifest says.")
    if kept.serial:
        database.go_on_after(name, kept)


def _go_on(say: Say) -> None:
    """As this version has it."""
    ContentType.objects.clear_cache()
    say("Bringing it up to date")
    call_command("migrate", verbosity=0)
    take_in(say)
    keep_up(time.time())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

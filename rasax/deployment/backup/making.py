"""The backup: every table as it was at one instant, and the files that its rows name."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from django.conf import settings
from django.core.files.storage import Storage
from django.db import connection
from django.utils import timezone

from events.schema.versions import Schema
from rasax.deployment.backup import keys
from rasax.deployment.backup.archive import Kept, Manifest, Pieces, Writer
from rasax.deployment.backup.databases import Snapshot, snapshot
from rasax.deployment.backup.tables import kept_tables
from rasax.deployment.models import Model
from rasax.deployment.registry import model_storage


class NotNow(Exception):
    """The text says why no backup can be made, and what to do."""


def back_up(out: IO[bytes], say: Callable[[str], object] = lambda line: None) -> Manifest:
    """Others may write meanwhile; what they write is not in it. Raises NotNow."""
    schema = Schema.read(connection)
    schema.refuse_wrong()
    if schema.missing:
        raise NotNow("The database is not migrated to this rasax; run manage.py migrate first.")
    writer = Writer(out, _manifest(schema))
    with snapshot() as database:
        for name, kept in kept_tables().items():
            writer.manifest.tables[name] = _read(database, name, kept, writer)
            say(f"{name}: {kept.rows} rows")
        named = database.ask(f"SELECT file FROM {Model._meta.db_table} ORDER BY id")
    for (file,) in named:
        _add_file(file, writer, model_storage())
    writer.end()
    return writer.manifest


def _manifest(schema: Schema) -> Manifest:
    return Manifest(
        version=settings.VERSION,
        made_at=timezone.now().isoformat(timespec="seconds"),
        database=connection.vendor,
        migrations=sorted(schema.wanted),
        keys=keys.proofs(),
    )


def _read(database: Snapshot, name: str, kept: Kept, writer: Writer) -> Kept:
    pieces = Pieces(writer, name)
    kept.rows = database.read(name, kept, pieces)
    pieces.let_go()
    kept.pieces = pieces.n
    kept.last = database.last(name, kept.serial) if kept.serial else 0
    return kept


def _add_file(name: str, writer: Writer, storage: Storage) -> None:
    """A model that was deleted since has none."""
    try:
        stream = storage.open(name)
    except FileNotFoundError:
        writer.manifest.missing_files.append(name)
        return
    with stream:
        writer.add_file(name, stream)

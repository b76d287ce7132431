"""Indexes that PostgreSQL builds while others read and write, also of tables that are partitioned.

Of a partitioned table it builds none concurrently. So the table gets one that is not valid and each partition its own,
concurrently; once all of them hang on it, it is valid. A partition that is made meanwhile gets its own at once.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from events.partitions.tables import is_partitioned

LONGEST_NAME = 63  # bytes, of PostgreSQL's
_PARTITIONS = """
SELECT p.relname, i.relname FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhrelid
LEFT JOIN (pg_inherits k JOIN pg_index x ON x.indexrelid = k.inhrelid JOIN pg_class i ON i.oid = x.indexrelid)
    ON x.indrelid = p.oid AND k.inhparent = to_regclass(%s)
WHERE h.inhparent = to_regclass(%s) ORDER BY 1
"""


def add_index_concurrently(schema_editor: Any, model: Any, index: Any) -> None:
    """One that was killed leaves an index that is kept up to date and never used; it is made anew."""
    with schema_editor.connection.cursor() as cursor:
        partitioned = is_partitioned(cursor, model._meta.db_table)
    if partitioned:
        _add_by_partition(schema_editor, model, index)
    else:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index.name)}")
        schema_editor.add_index(model, index, concurrently=True)


def drops_concurrently(connection: Any, model: Any) -> bool:
    """The index of a partitioned table goes at once, which locks it for a moment."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        return not is_partitioned(cursor, model._meta.db_table)


def _add_by_partition(schema_editor: Any, model: Any, index: Any) -> None:
    quote = schema_editor.quote_name
    statement = str(index.create_sql(model, schema_editor))
    table = f" ON {quote(model._meta.db_table)} "
    create = statement.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1)
    schema_editor.execute(create.replace(table, f" ON ONLY {quote(model._meta.db_table)} ", 1))
    for partition in _without_it(schema_editor.connection, model, index):
        name = _name(index.name, partition)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(name)}")
        own = statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1).replace(quote(index.name), quote(name), 1)
        schema_editor.execute(own.replace(table, f" ON {quote(partition)} ", 1))
        schema_editor.execute(f"ALTER INDEX {quote(index.name)} ATTACH PARTITION {quote(name)}")


def _without_it(connection: Any, model: Any, index: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [index.name, model._meta.db_table])
        return [partition for partition, own in cursor.fetchall() if own is None]


def _name(index: str, partition: str) -> str:
    name = f"{index}_{partition}"
    return name if len(name) <= LONGEST_NAME else f"i{blake2b(name.encode(), digest_size=16).hexdigest()}"

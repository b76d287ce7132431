"""What hangs on the event table, so that another table can have the same: indexes, constraints, statistics, grants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from events.partitions.months import TABLE

INDEX, STATISTICS = "INDEX", "STATISTICS"
_INDEXES = """
SELECT c.relname, coalesce('CONSTRAINT ' || pg_get_constraintdef(k.oid), pg_get_indexdef(i.indexrelid)), i.indisprimary
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = to_regclass(%s) AND i.indisvalid ORDER BY i.indexrelid
"""
_STATISTICS = """
SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = to_regclass(%s) ORDER BY oid
"""
_GRANTS = """
SELECT g.privilege_type, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = to_regclass(%s) AND g.grantee <> c.relowner
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_USERS = """
SELECT conrelid::regclass::text || ' (' || conname || ')' FROM pg_constraint WHERE confrelid = to_regclass(%s)
UNION SELECT DISTINCT 'the view ' || r.ev_class::regclass FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = to_regclass(%s)
"""
_ON = re.compile(r"^CREATE (UNIQUE )?INDEX .+? ON (?:ONLY )?\S+ USING (.*)$", re.DOTALL)
_FROM = re.compile(r"^CREATE STATISTICS \S+(.*) FROM \S+$", re.DOTALL)


@dataclass(frozen=True)
class Part:
    kind: str
    name: str
    definition: str

    def made(self, table: str, name: str) -> str:
        """The statement that makes it for another table, by another name."""
        if self.kind == STATISTICS:
            return _FROM.sub(lambda found: f'CREATE STATISTICS "{name}"{found[1]} FROM {table}', self.definition)
        if self.definition.startswith("CONSTRAINT "):
            return f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {self.definition.removeprefix("CONSTRAINT ")}'
        return _ON.sub(
            lambda found: f'CREATE {found[1] or ""}INDEX "{name}" ON {table} USING {found[2]}', self.definition
        )

    def renamed(self, old: str, new: str) -> str:
        return f'ALTER {self.kind} "{old}" RENAME TO "{new}"'


def parts_of(cursor: Any, primary_key: str) -> list[Part]:
    """Of the event table, with another primary key."""
    cursor.execute(_INDEXES, [TABLE])
    parts = [
        Part(INDEX, name, f"CONSTRAINT PRIMARY KEY ({primary_key})" if primary else definition)
        for name, definition, primary in cursor.fetchall()
    ]
    cursor.execute(_STATISTICS, [TABLE])
    return [*parts, *(Part(STATISTICS, name, definition) for name, definition in cursor.fetchall())]


def grant_alike(cursor: Any, table: str) -> None:
    cursor.execute(_GRANTS, [TABLE])
    for privilege, grantee in cursor.fetchall():
        cursor.execute(f"GRANT {privilege} ON {table} TO {grantee}")


def columns_of(cursor: Any, table: str) -> list[tuple[str, str]]:
    """Names and types."""
    cursor.execute(_COLUMNS, [table])
    return [(name, type_) for name, type_ in cursor.fetchall()]


def users_of(cursor: Any, table: str) -> list[str]:
    """What would go on using a table that another takes the place of."""
    cursor.execute(_USERS, [table, table])
    return [found for (found,) in cursor.fetchall()]

"""PostgreSQL itself, for what a pooler that changes the session between two transactions cannot do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections


class PooledByTransaction(RuntimeError):
    def __init__(self) -> None:
        super().__init__(
            "The database is reached through a pooler that gives out another session for each transaction, which can"
            " hold no lock. Set DIRECT_DATABASE_URL to the address of PostgreSQL itself."
        )


def connect_directly(alias: str = "default") -> None:
    """From now on this process speaks with PostgreSQL itself, where DIRECT_DATABASE_URL says where that is."""
    if settings.DIRECT_DATABASE:
        connections[alias].close()
        connections[alias].settings_dict.update(settings.DIRECT_DATABASE)


def refuse_pooled(connection: Any) -> None:
    """Two clients that were given the same session are not alone with it. A pooler gives out first what it got back
    last, so that it shows at once; one that is busy may take some tries. Raises PooledByTransaction."""
    other = connection.copy()
    try:
        for _ in range(TRIES):
            if _session(connection) == _session(other):
                raise PooledByTransaction
    finally:
        other.close()


TRIES = 5


def _session(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])

"""A PostgreSQL database of a test's own that this process speaks with instead of its usual one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections

from rasax.settings import _database
from tests.migrated import migrate


@contextmanager
def speaking_with(url: str) -> Iterator[None]:
    """Threads that the test starts speak with it, too. They close their connections themselves."""
    settings = connections["default"].settings_dict
    before = dict(settings)
    connection.close()
    settings.update({"OPTIONS": {}} | _database(url))
    own = connections["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        settings.clear()
        settings.update(before)
        connections["default"] = own


@contextmanager
def migrated_database(server, name: str) -> Iterator[str]:
    url = server.create_database(name)
    migrate(url)
    with speaking_with(url):
        yield url

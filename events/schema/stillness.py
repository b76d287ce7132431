"""Before a database is replaced or taken back: nothing that is kept meanwhile would be there afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from django.db import connection

from events.models import Heartbeat

LOOK_EVERY = 0.5  # seconds


class InUse(RuntimeError):
    """An event service works; the text says what to do."""


def wait_for_stillness(say: Callable[[str], object]) -> None:
    """One that ended a moment ago is waited for, up to 20 s, since it cannot be told from one that takes its time; one
    that beats meanwhile is refused. Raises InUse."""
    first = _beats()
    if first:
        say(f"Waiting until it is certain that {', '.join(sorted(first))} has ended")
    while beats := _beats():
        _refuse({name for name, at in beats.items() if first.get(name) != at})
        time.sleep(LOOK_EVERY)


def refuse_whoever_works() -> None:
    """At once. Raises InUse."""
    _refuse(_beats())


def _refuse(names: Iterable[str]) -> None:
    if working := ", ".join(sorted(names)):
        raise InUse(f"The event service {working} works on this database. Stop every process of rasax, and try again.")


def _beats() -> dict[str, object]:
    with connection.cursor() as cursor:
        if Heartbeat._meta.db_table not in connection.introspection.table_names(cursor):
            return {}
    return dict(Heartbeat.objects.alive().values_list("name", "beat_at"))

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from events.monitoring import metrics


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = "Events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from events import checks  # noqa: F401

        connection_created.connect(_count, dispatch_uid="events.count_connections")
        connection_created.connect(_spare_compilation, dispatch_uid="events.spare_compilation")


def _count(**kwargs: object) -> None:
    metrics.DATABASE_CONNECTIONS.inc()


def _spare_compilation(connection: Any, **kwargs: object) -> None:
    """PostgreSQL would compile queries that look costly to it: 45 ms, for ones that then take 2."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")

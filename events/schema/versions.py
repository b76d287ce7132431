"""The schema that this rasax was built for, and the one that the database has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from events.schema.half_restored import unfinished_restore

OURS = {"events", "trackers", "rasax"}  # packages; the names that others gave their migrations, they may drop again

Key = tuple[str, str]  # app label, name


class WrongSchema(RuntimeError):
    """This rasax must not work on the database; the text says what to do."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what} {advice}")
        self.what, self.advice = what, advice


class SchemaIsNewer(WrongSchema):
    """A newer rasax migrated it."""


class HalfRestored(WrongSchema):
    """A restore did not end."""


@dataclass(frozen=True)
class Schema:
    wanted: frozenset[Key]
    applied: frozenset[Key]
    unknown: tuple[Key, ...]
    half_restored: str = ""  # of which file, and since when

    @classmethod
    def read(cls, connection: Any) -> Schema:
        """Takes 30 ms. Raises what the database raises."""
        loader = MigrationLoader(connection)
        replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
        known = loader.disk_migrations.keys() | replaced
        labels = {config.label for config in apps.get_app_configs() if config.name.partition(".")[0] in OURS}
        unknown = sorted(key for key in loader.applied_migrations if key[0] in labels and key not in known)
        half_restored = unfinished_restore(connection)
        return cls(frozenset(loader.graph.nodes), frozenset(loader.applied_migrations), tuple(unknown), half_restored)

    @property
    def missing(self) -> list[Key]:
        return sorted(self.wanted - self.applied)

    def refuse_wrong(self, by: str = "") -> None:
        """`by` is the version that migrated it, where that is known."""
        self.refuse_half_restored()
        if self.unknown:
            raise SchemaIsNewer(
                f"The database has a newer schema ({_named(self.unknown)}) than rasax {settings.VERSION} was built for"
                f" ({_named(self.latest())}).",
                f"Start {_version(by)}; or go back: stop every rasax, and have {_version(by)} run {self.way_back()}",
            )

    def refuse_half_restored(self) -> None:
        if self.half_restored:
            raise HalfRestored(
                f"A restore into this database did not end ({self.half_restored}); nothing is there yet.",
                "Wait for it where it still runs; else run manage.py restore with that file again, which begins anew."
                " To do without it, set DATABASE_URL to another, empty database.",
            )

    def latest(self) -> list[Key]:
        """Of each app that the database has more of, the last migration that we know."""
        labels = {label for label, _ in self.unknown}
        last = {label: name for label, name in sorted(self.wanted) if label in labels}
        return sorted(last.items())

    def way_back(self) -> str:
        return f"`manage.py migrate_back {' '.join('.'.join(key) for key in self.latest())}`"


def _version(by: str) -> str:
    return f"rasax {by}" if by and by != settings.VERSION else "the newer rasax"


def _named(keys: Iterable[Key]) -> str:
    return ", ".join(f"{label}.{name}" for label, name in keys)

"""Applies migrations so that one that is killed can be done again, and so that others can see how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration

PLANNED, NEXT, DONE = "planned", "next", "done"  # beside Django's own words for progress_callback


class WholeStepsExecutor(MigrationExecutor):
    """A migration and the row that says that it was applied are one transaction.

    Django writes that row after the commit where a migration has statements that it puts off to its end, such as
    foreign keys: killed in between, its tables are there, and the next start fails to make them.
    """

    def migrate(self, targets: Any, plan: Any = None, *args: Any, **kwargs: Any) -> Any:
        self._tell(PLANNED, plan)
        return super().migrate(targets, plan, *args, **kwargs)

    def apply_migration(self, state: Any, migration: Migration, *args: Any, **kwargs: Any) -> Any:
        with self._step(migration):
            return super().apply_migration(state, migration, *args, **kwargs)

    def unapply_migration(self, state: Any, migration: Migration, *args: Any, **kwargs: Any) -> Any:
        with self._step(migration):
            return super().unapply_migration(state, migration, *args, **kwargs)

    @contextmanager
    def _step(self, migration: Migration) -> Iterator[None]:
        self._tell(NEXT, migration)
        with self._whole() if migration.atomic else contextlib.nullcontext():
            yield
            self._tell(DONE, migration)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        # SQLite can switch its foreign keys off only outside a transaction, and Django insists on it.
        with self.connection.constraint_checks_disabled(), transaction.atomic(self.connection.alias):
            yield

    def _tell(self, what: str, about: Any) -> None:
        if self.progress_callback:
            self.progress_callback(what, about)

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import Error, OperationalError, connections

from events.schema.direct import PooledByTransaction, connect_directly
from events.schema.executing import DONE, NEXT, PLANNED, WholeStepsExecutor
from events.schema.patience import PATIENCE, PAUSE, is_busy
from events.schema.running import COMPLETED, RUNNING, Migrating, Status, latest_run, told_by_runner
from events.schema.turns import turn
from events.schema.versions import HalfRestored, Schema

LOCK_TIMEOUT = 5  # seconds that a change of a table waits, and with it all who want to read the table after it

# Django's command names its executor nowhere else.
migrate.MigrationExecutor = WholeStepsExecutor  # type: ignore[attr-defined]


class Command(migrate.Command):
    help = migrate.Command.help + " Of several that start at once one works, and the others wait."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tell: Callable[[Status], object] = lambda status: None
        self.said = ""

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        connect_directly(options["database"])
        self.connection = connections[options["database"]]
        try:
            with turn(self.connection, self._waiting):
                Schema.read(self.connection).refuse_half_restored()
                if not self._another_did_it(options):
                    self._migrate(*args, **options)
        except (PooledByTransaction, HalfRestored) as error:
            raise CommandError(str(error)) from error

    def _waiting(self) -> None:
        status = told_by_runner(self.connection)
        self.tell(status)
        if str(status) != self.said:
            self.said = str(status)
            self.stderr.write(f"Another process migrates the database ({status}); waiting for it.")

    def _another_did_it(self, options: dict[str, Any]) -> bool:
        """While this one waited: then nothing is left to do, not even what follows migrations."""
        if not self.said or options["app_label"]:
            return False
        run = latest_run(self.connection)
        completed = run and run.state == COMPLETED and run.version == settings.VERSION
        return bool(completed and not Schema.read(self.connection).missing)

    def _migrate(self, *args: Any, **options: Any) -> None:
        self._warn_of_newer()
        self.run = Migrating(self.connection)
        self.run.begin()
        try:
            with self._impatient_statements():
                self._until_tables_are_free(*args, **options)
        except BaseException as error:
            self._note(error)
            raise
        self.run.end()

    def _warn_of_newer(self) -> None:
        if unknown := Schema.read(self.connection).unknown:
            names = ", ".join(".".join(key) for key in unknown)
            self.stderr.write(f"The database also has migrations that this rasax does not know: {names}.")

    def _note(self, error: BaseException) -> None:
        """As far as the database still takes it."""
        try:
            self.run.end(f"{type(error).__name__}: {error}".strip())
        except Error:
            self.connection.close()

    def _until_tables_are_free(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                self.stderr.write(f"A table is in use ({self.run.run.step}); trying again in {PAUSE:g} s.")
                time.sleep(PAUSE)
            else:
                return

    @contextmanager
    def _impatient_statements(self) -> Iterator[None]:
        if self.connection.vendor != "postgresql":
            yield
            return
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_TIMEOUT}s"])
        yield
        with self.connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == PLANNED:
            self.run.plan(len(migration))
        elif action == NEXT:
            self.run.enter(str(migration))
        elif action == DONE:
            self.run.leave()
        self.tell(self.run.run.told(RUNNING))
        super().migration_progress_callback(action, migration, fake)

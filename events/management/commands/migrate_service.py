import sys
import time
import traceback
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from events.management.commands.migrate import Command as Migrate
from events.monitoring import metrics
from events.monitoring.probes import OK, Answer, ready
from events.monitoring.server import MonitoringServer
from events.schema.running import COMPLETED, FAILED, PENDING, Status
from events.schema.versions import WrongSchema
from events.schema.waiting import DatabaseIsAway, look


class Command(BaseCommand):
    help = "Migrates the database, tells how far it is at /health meanwhile, and ends with 0 when it is done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.MONITORING_HOST, help="the address at which /health answers")
        parser.add_argument("--port", type=int, default=settings.MIGRATION_HEALTH_PORT, help="its port")
        parser.add_argument(
            "--linger", type=float, default=10, help="for how many seconds /health tells of a failure before the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._take(Status(PENDING))
        try:
            pages = {"/health": self._health}
            server = MonitoringServer(self._ready, options["host"], options["port"], pages)
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error}. Set MIGRATION_HEALTH_PORT.") from error
        with server:
            self._migrate(options["verbosity"], options["linger"])

    def _ready(self) -> Answer:
        return ready({"migration": OK if self.status.status == COMPLETED else self.status.status})

    def _health(self) -> Answer:
        return 500 if self.status.status == FAILED else 200, self.status.as_json()

    def _take(self, status: Status) -> None:
        self.status = status
        metrics.tell_migration(status.status, status.progress_in_percent)

    def _migrate(self, verbosity: int, linger: float) -> None:
        migrate = Migrate(stdout=self.stdout._out, stderr=self.stderr._out)
        migrate.tell = self._take
        try:
            look()
            call_command(migrate, interactive=False, verbosity=verbosity)
        except Exception as error:  # noqa: BLE001 - a migration may raise anything
            self._fail(error)
            time.sleep(linger)
            sys.exit(1)
        self._take(Status(COMPLETED, 100.0, version=settings.VERSION))
        if verbosity:
            self.stdout.write(f"The database has the schema of rasax {settings.VERSION}.")

    def _fail(self, error: Exception) -> None:
        said = str(error).strip() or type(error).__name__
        self._take(Status(FAILED, error=said))
        if not isinstance(error, Error | DatabaseIsAway | WrongSchema | CommandError):
            traceback.print_exception(error)
        self.stderr.write(f"The database was not migrated: {said}")

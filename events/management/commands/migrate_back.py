from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from events.schema.stillness import InUse, wait_for_stillness
from events.schema.versions import Key


class Command(BaseCommand):
    help = "Takes the database back to the schema of an older rasax, which names it when it refuses to start."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("migrations", nargs="+", metavar="APP.MIGRATION", help="the last that the older one knows")

    def handle(self, *args: Any, migrations: list[str], **options: Any) -> None:
        targets = [_key(name) for name in migrations]
        _refuse_what_has_no_way_back(targets)
        try:
            wait_for_stillness(self.stderr.write)
        except InUse as error:
            raise CommandError(str(error)) from error
        for app, name in targets:
            call_command("migrate", app, name, verbosity=options["verbosity"])
        self.stdout.write("The database has the older schema. Start the older rasax now, and this one no more.")


def _key(name: str) -> Key:
    app, dot, migration = name.partition(".")
    if not (app and dot and migration):
        raise CommandError(f"{name} names no migration; write it as the older rasax does, such as events.0001_initial.")
    return app, migration


def _refuse_what_has_no_way_back(targets: list[Key]) -> None:
    """Before anything is changed."""
    executor = MigrationExecutor(connection)
    if unknown := [key for key in targets if key not in executor.loader.graph.nodes]:
        raise CommandError(f"This rasax knows no migration {'.'.join(unknown[0])}.")
    for migration, is_taken_back in executor.migration_plan(targets):
        if not is_taken_back:
            raise CommandError(f"{migration} is not applied here: this is no way back. Run manage.py migrate.")
        if not all(operation.reversible for operation in migration.operations):
            raise CommandError(
                f"{migration} cannot be taken back. Restore the backup of before it (docs/upgrading.md)."
            )

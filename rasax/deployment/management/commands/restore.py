from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.schema.stillness import InUse
from rasax.deployment.backup.archive import NoBackup
from rasax.deployment.backup.restoring import Refused, restore


class Command(BaseCommand):
    help = "Makes this installation what it was when `manage.py backup` wrote FILE. See docs/backup.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--overwrite", action="store_true", help="delete what this installation has")
        parser.add_argument(
            "--other-keys", action="store_true", help="although SECRET_KEY or ENCRYPTION_KEYS are not those of FILE"
        )

    def handle(self, *args: Any, file: Path, overwrite: bool, other_keys: bool, **options: Any) -> None:
        try:
            manifest = restore(file, self.stderr.write, overwrite=overwrite, other_keys=other_keys)
        except (Refused, InUse, NoBackup) as error:
            raise CommandError(f"{file} was not restored. {error}") from error
        for name in manifest.missing_files:
            self.stderr.write(f"The model file {name} was missing when it was made.")
        self.stdout.write(f"Restored what rasax {manifest.version} kept at {manifest.made_at}.")

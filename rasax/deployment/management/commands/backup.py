from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.schema.versions import WrongSchema
from rasax.deployment.backup.archive import Manifest
from rasax.deployment.backup.making import NotNow, back_up


class Command(BaseCommand):
    help = "Writes everything that this installation keeps, but its keys, into one file. See docs/backup.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a new file; - for the standard output")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        try:
            manifest = self._write(sys.stdout.buffer) if file == "-" else self._into(Path(file))
        except (NotNow, WrongSchema, OSError) as error:
            raise CommandError(str(error)) from error
        self._report(manifest)

    def _into(self, path: Path) -> Manifest:
        """Under its name once it is whole."""
        if path.exists():
            raise CommandError(f"{path} exists; choose another name.")
        part = path.with_name(f"{path.name}.part")
        part.touch(0o600)
        try:
            with part.open("wb") as out:
                manifest = self._write(out)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        return manifest

    def _write(self, out: IO[bytes]) -> Manifest:
        return back_up(out, self.stderr.write)

    def _report(self, manifest: Manifest) -> None:
        for name in manifest.missing_files:
            self.stderr.write(f"The model file {name} is not in the storage; the backup is without it.")
        rows = sum(kept.rows for kept in manifest.tables.values())
        self.stderr.write(
            f"{rows} rows of {len(manifest.tables)} tables and {len(manifest.files)} model files. It has no keys in it:"
            f" keep SECRET_KEY and ENCRYPTION_KEYS{_endpoints()}, apart from it."
        )


def _endpoints() -> str:
    return f", and {settings.RASA_ENDPOINTS}" if settings.RASA_ENDPOINTS else ""

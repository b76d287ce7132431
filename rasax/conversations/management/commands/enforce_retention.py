from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from rasax.conversations.models import Retention


class Command(BaseCommand):
    help = "Deletes for good the conversations that are older than the retention allows; the worker does so each day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        days = Retention.objects.current().days
        if not days:
            self.stdout.write("Conversations are kept for ever: no retention is set.")
        elif dry_run:
            number = Retention.objects.due().count()
            self.stdout.write(f"Would delete {number} conversations without an event for {days} days.")
        else:
            number = Retention.objects.enforce()
            self.stdout.write(f"Deleted {number} conversations without an event for {days} days.")

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from rasax.accounts.models import SigningKey


class Command(BaseCommand):
    help = "Signs JWTs with a new key from now on. What the old key signed counts until it expires."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at-once", action="store_true", help="the old keys count no longer: everybody has to sign in again"
        )

    def handle(self, *args: Any, at_once: bool, **options: Any) -> None:
        key = SigningKey.objects.rotate(at_once=at_once)
        self.stdout.write(f"Key {key.name} signs from now on; GET /api/version publishes it.")

"""Encrypts with the first of ENCRYPTION_KEYS and the SECRET_KEY, after which the others may go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rasax.accounts.encrypted import encrypt_anew, unreadable


class Command(BaseCommand):
    help = (
        "Encrypts all that is kept encrypted with the first of ENCRYPTION_KEYS: tokens of Rasa servers, keys of git"
        " repositories, guest links; and with the SECRET_KEY: second factors and the keys that sign JWTs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        encrypt_anew()
        if lost := unreadable():
            names = "; ".join(f"{setting}: {', '.join(names)}" for setting, names in lost.items())
            raise CommandError(
                f"The rest is encrypted anew, but the key of these is gone ({names}). Put the old key back and run this"
                " again, or do what manage.py doctor says."
            )
        self.stdout.write("All secrets are encrypted with the first key.")

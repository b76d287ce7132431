"""Encrypts the tokens of Rasa servers with the first of ENCRYPTION_KEYS, after which the others may go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from rasax.accounts.models import AuditEntry
from rasax.accounts.sealing import Unreadable, seal_anew
from rasax.deployment.models import RasaServer


class Command(BaseCommand):
    help = "Encrypts what is kept of other servers' secrets with the first of ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = [server.name for server in RasaServer.objects.exclude(sealed_token="") if not _anew(server.pk)]
        if unreadable:
            raise CommandError(f"Enter these tokens again, whose key is gone: {', '.join(unreadable)}")
        self.stdout.write("All secrets are encrypted with the first key.")


@transaction.atomic
def _anew(pk: int) -> bool:
    server = RasaServer.objects.select_for_update().get(pk=pk)
    try:
        server.sealed_token = seal_anew(server.sealed_token)
    except Unreadable:
        return False
    server.save(update_fields=["sealed_token"])
    AuditEntry.objects.note(None, "encrypted anew", [server])
    return True

import secrets
from itertools import chain, count
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import transaction

from rasax.accounts.models import AuditEntry, User
from rasax.accounts.roles import ADMIN


class Command(BaseCommand):
    help = "Makes an administrator with a random password, printed once; does nothing if there is an administrator."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        role = Group.objects.select_for_update().get(name=ADMIN)  # two containers may start at once
        if User.objects.filter(groups=role, is_active=True).exists():
            return
        name, password = _free_name(), secrets.token_urlsafe(15)
        user = User.objects.create_superuser(name, password=password)
        user.groups.add(role)
        AuditEntry.objects.note(None, "created the first administrator", [user])
        self.stdout.write(
            f"\nSign in as {name} with the password {password}\nIt is shown only now; change it after signing in.\n"
        )


def _free_name() -> str:
    names = chain(["admin"], (f"admin{number}" for number in count(2)))
    return next(name for name in names if not User.objects.filter(username__iexact=name).exists())

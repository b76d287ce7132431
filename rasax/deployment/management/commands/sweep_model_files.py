"""Finds model files that no model has: a process died after it wrote the file, and before its row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from rasax.deployment.models import Model
from rasax.deployment.registry import SUFFIX, model_storage

OURS = re.compile(rf"[0-9a-f]{{32}}{re.escape(SUFFIX)}")
YOUNG = timedelta(days=1)  # its row may still be on its way


class Command(BaseCommand):
    help = "Lists the model files that no model has, and deletes them with --delete. See docs/environments.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="no other rasax may keep its models here")

    def handle(self, *args: Any, delete: bool = False, **options: Any) -> None:
        found = list(strays())
        for name in found:
            self.stdout.write(name)
            if delete:
                model_storage().delete(name)
        self.stdout.write(f"{len(found)} model files {'deleted' if delete else 'without a model'}.")


def strays() -> Iterator[str]:
    """Older than a day, and named as this installation names them."""
    storage = model_storage()
    try:
        _folders, names = storage.listdir("")
    except FileNotFoundError:  # the folder is made with the first model
        return
    known = set(Model.objects.values_list("file", flat=True))
    for name in names:
        is_stray = OURS.fullmatch(name) and name not in known
        if is_stray and storage.get_modified_time(name) < timezone.now() - YOUNG:
            yield name

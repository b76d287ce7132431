"""Keeps the models that Rasa sends, until they are deleted."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from django.db import models, transaction
from django.utils.translation import gettext_noop

from rasax.accounts.jobs import Failed
from rasax.accounts.models import AuditEntry

if TYPE_CHECKING:
    from rasax.accounts.models import User

GZIP = b"\x1f\x8b"
PART = 2**20

NO_MODEL = gettext_noop("What Rasa sent is no model archive. See its log.")


def storage() -> Storage:
    return FileSystemStorage(settings.RUN_DIR / "models")


class TrainedModel(models.Model):
    name = models.CharField(max_length=200, unique=True)
    file = models.FileField(storage=storage)
    size = models.PositiveBigIntegerField(help_text="Bytes")
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    trained_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


def file_model(archive: IO[bytes], name: str, by: User | None) -> str:
    """Returns the name it has now. It is never unpacked here."""
    if archive.read(2) != GZIP:
        raise Failed(NO_MODEL)
    archive.seek(0)
    digest, size = hashlib.sha256(), 0
    while part := archive.read(PART):
        digest.update(part)
        size += len(part)
    archive.seek(0)
    with transaction.atomic():
        model = TrainedModel(name=name, size=size, sha256=digest.hexdigest(), by=by)
        model.file.save(f"{name}.tar.gz", File(archive), save=False)
        model.save(force_insert=True)
        AuditEntry.objects.note(by, "trained", [model], sha256=model.sha256)
    return name

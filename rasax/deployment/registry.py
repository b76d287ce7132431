"""The models that were trained or uploaded, and which of them each tag is on."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.core.validators import RegexValidator
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from events import live
from rasax.accounts.models import AuditEntry
from rasax.deployment import archives, compatibility
from rasax.deployment.archives import ArchiveRefused

if TYPE_CHECKING:
    from rasax.accounts.models import User
    from rasax.deployment.servers import RasaServer

TOPIC = "models"
SUFFIX = ".tar.gz"
PART = 2**20
# Rasa keeps a model under its name, so nothing that a file system or a URL takes otherwise may be in it.
NAME = RegexValidator(r"^(?=.{1,200}\Z)\w[\w.-]*\Z", _("Write letters, digits, dots, - and _ only."), flags=re.ASCII)
TAG = RegexValidator(r"^(?=.{1,100}\Z)\w[\w.-]*\Z", _("Write letters, digits, dots, - and _ only."), flags=re.ASCII)

NAME_TAKEN = gettext_noop("There is a model of this name already. Choose another name, or delete that one first.")
BROKE_OFF = gettext_noop("The model is empty. Send it again.")
MODEL_TOO_LARGE = gettext_noop("The model is larger than rasax takes.")
STILL_TAGGED = gettext_noop("Environments may serve this model. Take its tags off first.")


class NameTaken(Exception):
    """There is a model of this name."""


class StillTagged(Exception):
    """A model that has tags is not deleted."""


def model_storage() -> Storage:
    return storages["models"]


def stored_name(model: Model, name: str) -> str:
    """Nothing that anybody chose, so it can be no path."""
    return f"{uuid4().hex}{SUFFIX}"


def name_of(file_name: str) -> str:
    return file_name.removesuffix(SUFFIX)


class ModelQuerySet(models.QuerySet["Model"]):
    def keep(self, archive: IO[bytes], name: str, by: User | None, verb: str = "uploaded") -> Model:
        """Keeps a model under this name, with `.tar.gz` or without. Raises NameTaken or ArchiveRefused, whose text
        tells people why, in English, to be translated.

        `archive` can be read twice. It may be a file that Django received: then it is moved, and not copied.
        """
        name = name_of(name)
        if self.filter(name=name).exists():
            raise NameTaken(NAME_TAKEN)
        size, digest = _measured(archive)
        told = archives.read(archive, size)
        archive.seek(0)
        model = Model(name=name, size=size, digest=digest, by=by, **vars(told))
        model.file.save("", archive if isinstance(archive, File) else File(archive), save=False)
        try:
            model._enter(by, verb)
        except BaseException:
            model.file.delete(save=False)
            raise
        return model

    def tagged(self, tag: str) -> Model | None:
        return self.filter(tags__name=tag).first()


class Model(models.Model):
    """A model archive. Its name and content never change."""

    name = models.CharField(max_length=200, unique=True, validators=[NAME])
    file = models.FileField(storage=model_storage, upload_to=stored_name, max_length=255)
    size = models.PositiveBigIntegerField(help_text="Bytes")
    digest = models.CharField(max_length=64, help_text="SHA-256")
    rasa_version = models.CharField(max_length=32)
    trained_at = models.DateTimeField(null=True, blank=True)
    model_id = models.CharField(max_length=64, blank=True, help_text="As 3.x says it in each event's metadata")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def file_name(self) -> str:
        return f"{self.name}{SUFFIX}"

    @property
    def etag(self) -> str:
        return f'"{self.digest}"'

    def suits(self, server: RasaServer) -> bool | None:
        """Whether the server can load it; None where that is not known."""
        return compatibility.suits(self.rasa_version, server.version, server.minimum_compatible_version)

    def is_loaded_by(self, server: RasaServer) -> bool:
        """By its id, which 3.x tells, or else its name, under which Rasa keeps what it got here."""
        if self.model_id and server.model_id:
            return self.model_id == server.model_id
        return server.model_file == self.file_name

    @transaction.atomic
    def put_tag(self, name: str, by: User | None) -> None:
        """Takes the tag from the model that has it, if one has."""
        tag, made = ModelTag.objects.select_for_update().get_or_create(name=name, defaults={"model": self})
        before = "" if made else tag.model.name
        if before == self.name:
            return
        tag.model = self
        tag.save()
        AuditEntry.objects.note(by, "tagged", [self], tag=name, **({"before": before} if before else {}))
        live.announce({TOPIC})

    @transaction.atomic
    def take_tag(self, name: str, by: User | None) -> bool:
        """Whether it had the tag."""
        gone, _kinds = ModelTag.objects.filter(model=self, name=name).delete()
        if gone:
            AuditEntry.objects.note(by, "untagged", [self], tag=name)
            live.announce({TOPIC})
        return bool(gone)

    @transaction.atomic
    def remove(self, by: User | None) -> None:
        """With its file. Raises StillTagged."""
        kept = Model.objects.select_for_update().get(pk=self.pk)
        if kept.tags.exists():
            raise StillTagged(STILL_TAGGED)
        AuditEntry.objects.note(by, "deleted", [kept], digest=kept.digest)
        transaction.on_commit(partial(model_storage().delete, kept.file.name), robust=True)
        kept.delete()
        live.announce({TOPIC})

    @transaction.atomic
    def _enter(self, by: User | None, verb: str) -> None:
        try:
            with transaction.atomic():
                self.save(force_insert=True)
        except IntegrityError as error:
            raise NameTaken(NAME_TAKEN) from error
        AuditEntry.objects.note(by, verb, [self], digest=self.digest, rasa_version=self.rasa_version)
        live.announce({TOPIC})


class ModelTag(models.Model):
    """A word that one model has; an environment serves the model that has its tag."""

    name = models.CharField(max_length=100, unique=True, validators=[TAG])
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="tags")
    put_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


def _measured(archive: IO[bytes]) -> tuple[int, str]:
    """Its size and SHA-256, part by part."""
    digest, size = hashlib.sha256(), 0
    archive.seek(0)
    while part := archive.read(PART):
        digest.update(part)
        size += len(part)
        if size > settings.MODEL_SIZE_LIMIT:
            raise ArchiveRefused(MODEL_TOO_LARGE)
    if not size:
        raise ArchiveRefused(BROKE_OFF)
    archive.seek(0)
    return size, digest.hexdigest()

"""Where projects come from: what is edited here, uploads, and a folder that an operator mounted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from rasax.accounts import packed
from rasax.accounts.models import AuditEntry
from rasax.deployment import unpacking
from rasax.deployment.projects import Project, Source, sorted_out, source
from rasax.deployment.unpacking import Files, Refused

if TYPE_CHECKING:
    from rasax.accounts.models import User

UPLOADS_KEPT = 10

GONE = gettext_noop("The uploaded project is gone: newer ones took its place. Upload it again.")
NO_DATA = gettext_noop("There is no training data here. Import files, or write some, on the pages of training data.")
NO_FOLDER = gettext_noop(
    "The folder that RASA_PROJECT names cannot be read here. An operator mounts it into the worker."
)


class UploadedProjectQuerySet(models.QuerySet["UploadedProject"]):
    @transaction.atomic
    def keep(self, name: str, archive: IO[bytes], by: User | None) -> UploadedProject:
        """Raises Refused. Of many the newest stay."""
        upload = self.create(name=name[:200], files=unpacking.unpacked(archive), by=by)
        AuditEntry.objects.note(by, "uploaded", [upload], files=len(upload.files))
        kept = list(self.order_by("-pk").values_list("pk", flat=True)[:UPLOADS_KEPT])
        self.exclude(pk__in=kept).delete()
        return upload


class UploadedProject(models.Model):
    """The YAML files of a Rasa project that somebody uploaded."""

    name = models.CharField(max_length=200)
    files = models.JSONField(help_text="The text of each YAML file by its path")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)

    objects = UploadedProjectQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "uploaded Rasa project"

    def __str__(self) -> str:
        return self.name


@source
class OwnData(Source):
    """What is edited here. First, for it is what people mean who have any."""

    key = "data"

    def choices(self) -> Iterable[tuple[str, str | Promise]]:
        return [(self.key, gettext_lazy("Training data of rasax"))] if _own_data() else []

    def project(self, chosen: str) -> Project:
        files = _own_data()
        if not files:
            raise Refused(NO_DATA)
        return sorted_out(files)


def _own_data() -> Mapping[str, str]:
    """By a dotted path, for what is edited stands beside what is trained and neither imports the other."""
    return dict[str, str]() if not settings.TRAINING_DATA else import_string(settings.TRAINING_DATA)()


def version_of_own_data() -> int:
    """Moves with each change of them."""
    return int(getattr(_own_data(), "version", 0))


@source
class Uploads(Source):
    key = "upload"

    def choices(self) -> Iterator[tuple[str, str]]:
        for upload in UploadedProject.objects.defer("files"):
            at = date_format(localtime(upload.uploaded_at), "SHORT_DATETIME_FORMAT")
            yield f"{self.key}:{upload.pk}", _("Upload: %(name)s, %(at)s") % {"name": upload.name, "at": at}

    def project(self, chosen: str) -> Project:
        upload = UploadedProject.objects.filter(pk=int(chosen)).first() if chosen.isdecimal() else None
        if upload is None:
            raise Refused(GONE)
        return sorted_out(upload.files)


@source
class MountedFolder(Source):
    key = "folder"

    def choices(self) -> Iterable[tuple[str, str | Promise]]:
        return [(self.key, _("Folder of the server: %s") % settings.RASA_PROJECT)] if settings.RASA_PROJECT else []

    def project(self, chosen: str) -> Project:
        return sorted_out(files_below(Path(settings.RASA_PROJECT)))


def files_below(root: Path) -> Files:
    """Links are not followed: they might lead out of the folder."""
    files, left = {}, unpacking.LARGEST
    if not settings.RASA_PROJECT or not root.is_dir():
        raise Refused(NO_FOLDER)
    for path in _paths(root):
        name = unpacking.checked(path.relative_to(root).as_posix())
        if name and path.is_file() and not path.is_symlink():
            content = _content(path, left)
            files[name] = unpacking.decoded(name, content)
            left -= len(content)
    if not files:
        raise Refused(unpacking.NO_YAML)
    return files


def _paths(root: Path) -> Iterator[Path]:
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(names)
        if seen > packed.MOST_MEMBERS:
            raise Refused(unpacking.TOO_LARGE)
        yield from (Path(folder, name) for name in sorted(names))


def _content(path: Path, left: int) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(left + 1)
    except OSError as error:
        raise Refused(NO_FOLDER, str(path)) from error
    if len(content) > left:
        raise Refused(unpacking.TOO_LARGE)
    return content

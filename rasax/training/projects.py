"""The one project of training data: what it holds, and the verbs that change it.

Every verb takes `by`, locks the project's row, checks the new texts before anything is written, writes a Change and an
audit entry, moves `version`, tells the TRAINING_FOLLOWERS and announces the topic "training". It raises
formats.Refused, which says what is wrong, in which file and line, and then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.db import models, transaction
from django.utils.module_loading import import_string

from events import live
from rasax.accounts.models import AuditEntry
from rasax.training.changes import Change
from rasax.training.drafts import Draft
from rasax.training.edits import Edit, Fault, FileDiff, Followed, Plan
from rasax.training.files import Block, TrainingFile
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import PLAN_IS_OLD
from rasax.training.importing import Content, Import
from rasax.training.storing import Record, store

if TYPE_CHECKING:
    from rasax.accounts.models import User

TOPIC = "training"
PLANS = "rasax.training.plan"


class Files(Mapping[str, str]):
    """The texts of the whole project by path, read when the first is asked for: they may be long."""

    @cached_property
    def _texts(self) -> dict[str, str]:
        return Project.objects.default().files()

    def __getitem__(self, path: str) -> str:
        return self._texts[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return TrainingFile.objects.filter(blocks__isnull=False).distinct().count()

    @property
    def version(self) -> int:
        """Of the texts as they are now."""
        return Project.objects.default().version

    def __bool__(self) -> bool:
        return Block.objects.exists()


def files() -> Files:
    """The setting TRAINING_DATA names it for deployment."""
    return Files()


class ProjectQuerySet(models.QuerySet["Project"]):
    def default(self) -> Project:
        return self.get_or_create(name="default")[0]


class Project(models.Model):
    """A row to lock, and a stamp that moves with every change."""

    name = models.CharField(max_length=60, unique=True, default="default")
    version = models.BigIntegerField(default=0)

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def files(self) -> dict[str, str]:
        """The text of each file by its path."""
        texts: dict[str, list[str]] = {}
        rows = Block.objects.order_by("file__path", "position").values_list("file__path", "text")
        for path, text in rows.iterator():
            texts.setdefault(path, []).append(text)
        return {path: "".join(parts) for path, parts in texts.items()}

    def faults(self) -> dict[str, Fault]:
        """What is wrong with the files that could not be read, by path."""
        return {file.path: file.fault for file in TrainingFile.objects.filter(fault__isnull=False) if file.fault}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else changes the data meanwhile; what is read inside is what an edit goes on from."""
        with transaction.atomic():
            list(Project.objects.select_for_update().filter(pk=self.pk).values_list("pk"))
            yield

    def plan(self, files: Content, replace: bool = False) -> Plan:
        """What take() would do. Nothing is written."""
        taken = Import(files, replace)
        token = signing.dumps(Project.objects.values_list("version").get(pk=self.pk)[0], salt=PLANS)
        return Plan(taken.diffs(), token, taken.left_out)

    def take(
        self,
        files: Content,
        by: User | None,
        replace: bool = False,
        verb: str = "imported training data",
        token: str = "",
    ) -> Change | None:
        """Imports files; with `replace` those that are not among them go. What cannot be read is kept, with its fault.
        None where nothing changes. With a plan's token: raises Refused where the data changed since."""
        with self.held():
            if token and not self._is_current(token):
                raise Refused(PLAN_IS_OLD)
            draft = Import(files, replace).draft
            return self._store(draft, by, verb)

    def _is_current(self, token: str) -> bool:
        try:
            version = signing.loads(token, salt=PLANS)
        except signing.BadSignature:
            return False
        return bool(Project.objects.filter(pk=self.pk, version=version).exists())

    def preview(self, edits: Sequence[Edit]) -> list[FileDiff]:
        draft = Draft()
        draft.apply(edits)
        return draft.diffs()

    def write(self, edits: Sequence[Edit], by: User | None, verb: str, subject: str = "") -> Change | None:
        """Raises Refused. None where nothing changes."""
        with self.held():
            draft = Draft()
            draft.apply(edits)
            return self._store(draft, by, verb, subject)

    def undo(self, change: Change, by: User | None) -> Change:
        """Raises Refused where the same lines changed since."""
        with self.held():
            draft = change.taken_back()
            undoing = self._store(draft, by, "undid", str(change)[:255])
            undoing = undoing or Change.objects.create(verb="undid", subject=str(change)[:255], edits=[], by=by)
            Change.objects.filter(pk=change.pk).update(undone_by=undoing)
            change.undone_by = undoing
            return undoing

    def _store(self, draft: Draft, by: User | None, verb: str, subject: str = "") -> Change | None:
        records, followed = store(draft.sheets)
        if not records:
            return None
        change = Change.objects.create(verb=verb, subject=subject, edits=records, by=by)
        self._tell(change, records, followed, by)
        return change

    def _tell(self, change: Change, records: list[Record], followed: Followed, by: User | None) -> None:
        Project.objects.filter(pk=self.pk).update(version=models.F("version") + 1)
        files = sorted({record["path"] for record in records})
        AuditEntry.objects.note(by, change.verb, [change], files=files[:100])
        for path in settings.TRAINING_FOLLOWERS:
            import_string(path)(followed)
        live.announce([TOPIC])
